"""ProtocolHandler: what performs I/O for nodes."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.description import ModelHealth, RuntimeHandler


class ProtocolHandler(RuntimeHandler, Protocol):
    """Performs one family of I/O; knows neither the bus nor the nodes nor another handler.

    Life: created -> initialize -> execute, any number at once -> shutdown, which is final. `execute` before
    `initialize` or after `shutdown` raises ProtocolConfigurationError. Once initialised a handler does
    no blocking I/O, and creates no thread, executor or task. Every failure is a RuntimeHostError.
    """

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Gets ready with its binding of the contract; may block. Called once; a second call raises."""

    async def shutdown(self) -> None:
        """Gives back what it holds. Safe before `initialize`, and does nothing when called again."""

    async def health_check(self) -> ModelHealth:
        """How it is, with figures; answers within a second or so, and never raises."""


@runtime_checkable
class ProtocolCountingHandler(Protocol):
    """What a handler may have besides, for metrics: counts that say more than how many calls there were."""

    def counts(self) -> Mapping[str, int]:
        """What has happened since `initialize`, by names that stay; asks no server."""
