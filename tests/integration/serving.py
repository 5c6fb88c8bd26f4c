"""A handler that runs, and calls to it, for tests of handlers of one server."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHandlerConfig
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_spi.handler import ProtocolHandler
from pydantic import JsonValue

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def binding_of(
    kind: EnumHandlerType, config: ModelHandlerConfig, *, timeout_ms: int = 5_000
) -> ModelHandlerBinding:
    """A binding with this config."""
    return ModelHandlerBinding(type=kind, name=kind.value, timeout_ms=timeout_ms, config=config)


def request(operation: str, payload: JsonObject) -> ModelOnexEnvelope:
    """A request."""
    return ModelOnexEnvelope(
        envelope_id=UUID(int=1),
        correlation_id=UUID(int=2),
        target_node="node",
        operation=operation,
        payload=payload,
        timestamp=NOW,
    )


class Served:
    """A handler, called by operation and fields."""

    def __init__(self, handler: ProtocolHandler) -> None:
        self.handler = handler

    async def __call__(self, operation: str, **payload: JsonValue) -> JsonObject:
        """The result. Raises what the handler raises."""
        name = f"{self.handler.handler_type}.{operation}"
        return (await self.handler.execute(request(name, payload))).payload or {}


@asynccontextmanager
async def served(make: Callable[[], ProtocolHandler], binding: ModelHandlerBinding) -> AsyncIterator[Served]:
    """The handler, shut down afterwards."""
    handler = make()
    await handler.initialize(binding)
    try:
        yield Served(handler)
    finally:
        await handler.shutdown()
