"""A DbHandler on a real database, and the envelopes to speak to it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelDbConfig
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.secret import Secret
from omnibase_infra.handlers.db_handler import DbHandler
from pydantic import JsonValue

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CORRELATION = UUID("00000000-0000-4000-8000-00000000c0de")


def binding(dsn: str, *, timeout_ms: int = 10_000, **config: object) -> ModelHandlerBinding:
    """The binding of a db handler with this DSN and these further fields of its config."""
    return ModelHandlerBinding(
        type=EnumHandlerType.DB,
        name="db",
        timeout_ms=timeout_ms,
        config=ModelDbConfig.model_validate({"dsn": Secret(dsn), **config}),
    )


def request(operation: str | None, payload: JsonObject | None) -> ModelOnexEnvelope:
    """A request for an operation."""
    return ModelOnexEnvelope(
        envelope_id=UUID(int=1),
        correlation_id=CORRELATION,
        target_node="orders",
        operation=operation,
        payload=payload,
        timestamp=NOW,
    )


class Database:
    """A handler with the three operations as plain calls."""

    def __init__(self, handler: DbHandler) -> None:
        self.handler = handler

    async def perform(self, operation: str, payload: JsonObject) -> JsonObject:
        """The payload of the response."""
        response = await self.handler.execute(request(operation, payload))
        assert response.payload is not None
        return response.payload

    async def query(self, sql: str, *parameters: JsonValue) -> list[dict[str, JsonValue]]:
        """The rows of a db.query."""
        return rows_of(await self.perform("db.query", {"sql": sql, "parameters": [*parameters]}))

    async def value(self, sql: str, *parameters: JsonValue) -> JsonValue:
        """The only value of a db.query."""
        (row,) = await self.query(sql, *parameters)
        (value,) = row.values()
        return value

    async def run(self, sql: str, *parameters: JsonValue) -> JsonObject:
        """The result of a db.execute."""
        return await self.perform("db.execute", {"sql": sql, "parameters": [*parameters]})

    async def transact(self, statements: Sequence[str | JsonObject], isolation: str | None = None) -> JsonObject:
        """The result of a db.transaction; a text is a statement without parameters."""
        listed: list[JsonValue] = [{"sql": each} if isinstance(each, str) else each for each in statements]
        extra: JsonObject = {} if isolation is None else {"isolation": isolation}
        return await self.perform("db.transaction", {"statements": listed, **extra})


def rows_of(result: JsonObject) -> list[dict[str, JsonValue]]:
    """The rows of a result, as a test reads them."""
    rows = result["rows"]
    assert isinstance(rows, list)
    return [row for row in rows if isinstance(row, dict)]


@asynccontextmanager
async def database(dsn: str, *, timeout_ms: int = 10_000, **config: object) -> AsyncIterator[Database]:
    """An initialised handler on the DSN, shut down afterwards."""
    handler = DbHandler(clock=lambda: NOW)
    await handler.initialize(binding(dsn, timeout_ms=timeout_ms, **config))
    try:
        yield Database(handler)
    finally:
        await handler.shutdown()
