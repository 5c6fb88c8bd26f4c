"""DbHandler: SQL on one PostgreSQL database, with JSON parameters in and JSON rows out.

* `db.query` reads: `sql`, `parameters`, `expect`. The server refuses what writes or locks.
* `db.execute` runs one statement of any kind in a transaction of its own; the same payload.
* `db.transaction` runs `statements` (each `sql`, `parameters`, `expect`) in one transaction of `isolation`.

`expect` says what a statement's result must be: `rows` one, optional (none or one) or many, and `row_count`. It
is checked before anything is committed; a miss rolls back and is UNEXPECTED_RESULT.

Failures: transports/postgres/errors.py has the table from SQLSTATE to typed errors. A failure before COMMIT
had no effect; only an unanswered COMMIT is indeterminate. With `idempotency: inbox` even that may be repeated: a
request that took effect gets its recorded results again. db.query has no effect, and reads again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, NamedTuple

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelDbConfig
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    InvalidOperationError,
    ProtocolConfigurationError,
    RuntimeHostError,
    UnexpectedResultError,
    shown,
)
from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation

from omnibase_infra.handlers.lifecycle import Lifecycle
from omnibase_infra.handlers.wording import checked_payload
from omnibase_infra.telemetry import events
from omnibase_infra.transports.postgres import Isolation, Postgres, Request, Result, Statement, read_sql

OpenDatabase = Callable[[ModelDbConfig, int], Postgres]
"""Builds the database of a config and of the binding's timeout_ms; wiring passes the class itself."""

_VERSION: Final = "1.0.0"
_TYPE: Final = EnumHandlerType.DB
_HEALTH_S: Final = 1.0
_ROWS: Final = {"one": range(1, 2), "optional": range(2)}

_logger = logging.getLogger("onex.handlers.db")


class ModelDbExpectation(BaseModel):
    """What a statement's result must be: the number of rows that it gives, and PostgreSQL's count."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)

    rows: Literal["one", "optional", "many"] = "many"
    row_count: Annotated[int, Field(ge=0)] | None = None


class ModelDbStatement(BaseModel):
    """The payload of db.query and db.execute, and an element of db.transaction's."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)

    sql: Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")]
    parameters: list[Annotated[JsonValue, SkipValidation]] = Field(default_factory=list)
    expect: ModelDbExpectation | None = None


class ModelDbTransaction(BaseModel):
    """The payload of db.transaction; without `isolation` the config's holds."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)

    statements: Annotated[list[ModelDbStatement], Field(min_length=1)]
    isolation: Isolation | None = None


class _Asked(NamedTuple):
    """A statement of a request, and what its result must be."""

    statement: Statement
    expect: ModelDbExpectation | None = None


class DbHandler:
    """The `db` handler over one database, which `open_database` builds from its binding."""

    def __init__(
        self, open_database: OpenDatabase = Postgres, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._open_database = open_database
        self._clock = clock
        self._life = Lifecycle(EnumHandlerType.DB)
        self._database: Postgres | None = None
        self._isolation: Isolation = "read_committed"

    @property
    def handler_type(self) -> EnumHandlerType:
        """DB."""
        return EnumHandlerType.DB

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Opens one connection, so that a wrong DSN ends the start; blocks while it reads certificates."""
        with self._life.initializing():
            if not isinstance(config.config, ModelDbConfig):
                raise ProtocolConfigurationError(
                    "The db handler needs the config of a db binding", handler_type=EnumHandlerType.DB
                )
            database = self._open_database(config.config, config.timeout_ms)
            try:
                await database.open()
            except RuntimeHostError as error:
                error.handler_type = EnumHandlerType.DB
                raise
            self._database = database
            self._isolation = config.config.isolation

    async def shutdown(self) -> None:
        """Waits five seconds for what is under way, then cuts it off."""
        if self._life.stop() and self._database is not None:
            await self._database.close()

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Performs `db.query`, `db.execute` or `db.transaction`."""
        with self._life.executing():
            drafts: list[Callable[[JsonObject, datetime], ModelOnexEnvelope]] = []
            try:
                payload = await self._perform(envelope, lambda: drafts.append(envelope.drafted_reply(_TYPE)))
            except RuntimeHostError as error:
                error.correlation_id = envelope.correlation_id
                error.handler_type = EnumHandlerType.DB
                error.operation = error.operation or envelope.operation
                raise
        complete = drafts[-1] if drafts else envelope.drafted_reply(_TYPE)
        return complete(payload, self._clock())

    async def health_check(self) -> ModelHealth:
        """Runs `SELECT 1`, bounded to a second; degraded where every connection is in use."""
        figures: JsonObject = {**self._life.figures()}
        if self._database is None or self._life.state == "shutdown":
            return ModelHealth(status=EnumHealth.UNHEALTHY, message="not running", details=figures)
        status, message = EnumHealth.HEALTHY, ""
        try:
            async with asyncio.timeout(_HEALTH_S):
                await self._database.read(Statement("SELECT 1"))
        except (RuntimeHostError, TimeoutError) as error:
            status, message = EnumHealth.UNHEALTHY, str(error) or "the database did not answer within a second"
        counts = self._database.figures()
        if status is not EnumHealth.HEALTHY and counts["in_use"] == counts["pool_size"]:
            status, message = EnumHealth.DEGRADED, "every connection is in use"
        return ModelHealth(status=status, message=message, details={**figures, **counts})

    def counts(self) -> Mapping[str, int]:
        """With an inbox: the requests that it answered, which took effect before."""
        answered = None if self._database is None else self._database.inbox_answers
        return {} if answered is None else {"answered_from_inbox": answered}

    def describe(self) -> ModelHandlerDescription:
        """The three operations, as core's table has them."""
        return ModelHandlerDescription(
            handler_type=EnumHandlerType.DB,
            version=_VERSION,
            operations=tuple(operation_table()[name] for name in operations_of(EnumHandlerType.DB)),
        )

    async def _perform(self, envelope: ModelOnexEnvelope, meanwhile: Callable[[], None]) -> JsonObject:
        database = self._database
        assert database is not None
        match envelope.operation:
            case "db.query":
                asked = _asked(envelope)
                self._suspect(asked, 0, envelope)
                result = await database.read(asked.statement, meanwhile)
                _check(asked, 0, "", result)
            case "db.execute":
                (result,) = await self._write(database, [_asked(envelope)], self._isolation, envelope)
            case "db.transaction":
                transaction = checked_payload(ModelDbTransaction, envelope)
                isolation = transaction.isolation or self._isolation
                each = [_as_asked(statement) for statement in transaction.statements]
                results = await self._write(database, each, isolation, envelope)
                return {"results": [_answer(result) for result in results]}
            case other:
                raise InvalidOperationError(
                    f"The db handler has no operation '{shown(other or '')}'",
                    operations_of(EnumHandlerType.DB),
                    handler_type=EnumHandlerType.DB,
                    operation=other,
                )
        return _answer(result)

    async def _write(
        self,
        database: Postgres,
        asked: Sequence[_Asked],
        isolation: Isolation,
        envelope: ModelOnexEnvelope,
    ) -> list[Result]:
        for index, each in enumerate(asked):
            self._suspect(each, index, envelope)

        def check(index: int, result: Result) -> None:
            _check(asked[index], index, "" if len(asked) == 1 else f"statements[{index}]: ", result)

        request = Request(str(envelope.envelope_id), envelope.target_node or "", envelope.operation or "")
        return await database.write([each.statement for each in asked], isolation, check, request)

    def _suspect(self, asked: _Asked, index: int, envelope: ModelOnexEnvelope) -> None:
        suspicions = read_sql(asked.statement.sql).suspicions
        if suspicions:
            _logger.warning(
                "Suspicious SQL: %s; check that no value was put into the text",
                ", ".join(suspicions),
                extra={**events.about(envelope, events.HANDLER_SUSPICIOUS_SQL), "statement": index},
            )


def statements_of(envelope: ModelOnexEnvelope) -> Sequence[ModelDbStatement]:
    """The statements that a request asks for. Raises InvalidParameterError that names fields, never values."""
    if envelope.operation == "db.transaction":
        return checked_payload(ModelDbTransaction, envelope).statements
    return (checked_payload(ModelDbStatement, envelope),)


def _asked(envelope: ModelOnexEnvelope) -> _Asked:
    """What db.query and db.execute ask for.

    Text and a list of values, which most send, are told by a look: the model takes as long as the rest of what
    is done before the statement is sent.
    """
    payload = envelope.payload or {}
    sql, parameters = payload.get("sql"), payload.get("parameters")
    if len(payload) == 2 and isinstance(sql, str) and isinstance(parameters, list) and sql and "\x00" not in sql:
        return _Asked(Statement(sql, parameters))
    return _as_asked(checked_payload(ModelDbStatement, envelope))


def _as_asked(statement: ModelDbStatement) -> _Asked:
    return _Asked(Statement(statement.sql, statement.parameters), statement.expect)


def _answer(result: Result) -> JsonObject:
    rows: list[JsonValue] = [*result.rows]
    return {"rows": rows, "row_count": result.row_count}


def _check(asked: _Asked, index: int, place: str, result: Result) -> None:
    expect = asked.expect
    if expect is None:
        return
    rows = len(result.rows)
    if rows in _ROWS.get(expect.rows, (rows,)) and expect.row_count in (None, result.row_count):
        return
    wanted: JsonObject = {"rows": expect.rows}
    if expect.row_count is not None:
        wanted["row_count"] = expect.row_count
    raise UnexpectedResultError(
        f"{place}{_said(wanted)} was expected; {rows} rows and a row_count of {result.row_count} came; "
        "nothing took effect",
        details={"statement": index, "expected": wanted, "rows": rows, "row_count": result.row_count},
    )


def _said(wanted: JsonObject) -> str:
    return ", ".join(f"{name} {value}" for name, value in wanted.items())
