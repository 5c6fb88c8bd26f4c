"""What the guard costs a call in time of the processor: breaker closed, nothing to retry."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import process_time
from uuid import UUID

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_infra.guard import DEADLINE, Guard

from tools.bench.report import Row, floor
from tools.bench.rounds import Effort, interleaved

_MOST_US = 5.0
_BINDING = ModelHandlerBinding(type=EnumHandlerType.HTTP, name="http", config=ModelHttpConfig())
_ENVELOPE = ModelOnexEnvelope(
    envelope_id=UUID(int=1), target_node="node", operation="http.get", timestamp=datetime(2026, 1, 1, tzinfo=UTC)
)

Execute = Callable[[ModelOnexEnvelope], Awaitable[ModelOnexEnvelope]]


class Still:
    """A handler that does nothing."""

    handler_type = EnumHandlerType.HTTP

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to end."""

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """The request itself."""
        return envelope

    async def health_check(self) -> ModelHealth:
        """Well."""
        return ModelHealth(status=EnumHealth.HEALTHY)

    def describe(self) -> ModelHandlerDescription:
        """No operations."""
        return ModelHandlerDescription(handler_type=EnumHandlerType.HTTP, version="1.0.0", operations=())


def overhead(effort: Effort) -> list[Row]:
    """Microseconds that a call through the guard takes more than the handler's own."""
    handler = Still()
    guard = Guard(handler, _BINDING)
    count = effort.count(50_000)
    found = interleaved(
        effort,
        {
            "bare": lambda: asyncio.run(_seconds(count, handler.execute)),
            "guarded": lambda: asyncio.run(_seconds(count, guard.execute)),
            "deadline": lambda: asyncio.run(_seconds(count, guard.execute, 10.0)),
        },
    )
    extra = {
        side: [(one - bare) / count * 1e6 for one, bare in zip(found[side], found["bare"], strict=True)]
        for side in ("guarded", "deadline")
    }
    return [
        floor("guard.call", "us", extra["guarded"], _MOST_US, "lower"),
        floor("guard.deadline", "us", extra["deadline"], _MOST_US, "lower"),
    ]


async def _seconds(count: int, execute: Execute, deadline_s: float | None = None) -> float:
    if deadline_s is not None:
        DEADLINE.set(asyncio.get_running_loop().time() + deadline_s)
    start = process_time()
    for _ in range(count):
        await execute(_ENVELOPE)
    return process_time() - start
