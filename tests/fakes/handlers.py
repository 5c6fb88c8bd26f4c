"""Handlers whose operations a test writes, and which note what happens to them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHandlerConfig, ModelHttpConfig
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import ModelOnexEnvelope

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_CONFIGS: Mapping[EnumHandlerType, type[ModelHandlerConfig]] = {
    EnumHandlerType.HTTP: ModelHttpConfig,
    EnumHandlerType.DB: ModelDbConfig,
}

Perform = Callable[[ModelOnexEnvelope], Awaitable[ModelOnexEnvelope]]


async def echo(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
    """Answers with what came."""
    return envelope.reply(envelope.payload or {}, timestamp=NOW)


class ScriptedHandler:
    """A ProtocolHandler. diary: gets "NAME up", "NAME down". fails: raised by `initialize`."""

    def __init__(
        self,
        kind: EnumHandlerType = EnumHandlerType.HTTP,
        perform: Perform = echo,
        *,
        name: str = "handler",
        diary: list[str] | None = None,
        fails: BaseException | None = None,
        dies: Exception | None = None,
    ) -> None:
        self.kind = kind
        self.perform = perform
        self.name = name
        self.diary = [] if diary is None else diary
        self.fails = fails
        self.dies = dies
        self.binding: ModelHandlerBinding | None = None

    @property
    def handler_type(self) -> EnumHandlerType:
        """As told."""
        return self.kind

    def describe(self) -> ModelHandlerDescription:
        """As the table says."""
        operations = tuple(operation_table()[name] for name in operations_of(self.kind))
        return ModelHandlerDescription(handler_type=self.kind, version="1.0.0", operations=operations)

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Notes it, or fails."""
        self.binding = config
        self.diary.append(f"{self.name} up")
        if self.fails is not None:
            raise self.fails

    async def shutdown(self) -> None:
        """Notes it."""
        self.diary.append(f"{self.name} down")
        if self.dies is not None:
            raise self.dies

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """What the test wrote."""
        return await self.perform(envelope)

    async def health_check(self) -> ModelHealth:
        """Healthy."""
        return ModelHealth(status=EnumHealth.HEALTHY, details={"name": self.name})


def handler_binding(
    kind: EnumHandlerType = EnumHandlerType.HTTP,
    config: Mapping[str, object] | None = None,
    *,
    name: str | None = None,
    timeout_ms: int = 30_000,
    priority: int = 0,
    policies: Mapping[str, object] | None = None,
) -> ModelHandlerBinding:
    """A binding with these fields of its config, and these policies beside it."""
    typed = _CONFIGS.get(kind, ModelHandlerConfig).model_validate(config or {})
    fields = {"type": kind, "name": name or kind.value, "timeout_ms": timeout_ms, "priority": priority}
    return ModelHandlerBinding.model_validate({**fields, "config": typed, **(policies or {})})


class Gate:
    """A handler's operation that waits until the test opens it."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0
        self.cancelled = 0

    async def perform(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Waits, and answers."""
        self.waiting += 1
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await echo(envelope)
