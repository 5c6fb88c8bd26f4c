"""What the handlers of one server have in common: their life, the payload's model of each operation, health."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, Final, Generic, TypeVar

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHandlerConfig, ModelServerConfig
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import InvalidOperationError, ProtocolConfigurationError, RuntimeHostError, shown
from pydantic import BaseModel, ConfigDict

from omnibase_infra.handlers.lifecycle import EnumLifecycle, Lifecycle
from omnibase_infra.handlers.wording import checked_payload
from omnibase_infra.telemetry.attempt import note
from omnibase_infra.transports.http import ServerClient

_VERSION: Final = "1.0.0"
_HEALTH_S: Final = 1.0


class ModelPayload(BaseModel):
    """A payload: closed and strict."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)


C = TypeVar("C", bound=ServerClient)
F = TypeVar("F", bound=ModelServerConfig)


class Served(ABC, Generic[F, C]):
    """A handler whose operations are asked of one server, through one client.

    connect: makes the client for a config and the deadline of a request in seconds; `initialize` calls it once.
    clock: the time, with its zone, for replies.
    """

    handler_type: ClassVar[EnumHandlerType]
    config_type: type[F]
    payloads: ClassVar[Mapping[str, type[ModelPayload]]]

    def __init__(self, connect: Callable[[F, float], C], clock: Callable[[], datetime]) -> None:
        self._connect = connect
        self._clock = clock
        self._life = Lifecycle(self.handler_type)
        self._client: C | None = None

    @abstractmethod
    async def perform(self, client: C, asked: ModelPayload) -> JsonObject:
        """The result of an operation. Raises RuntimeHostError."""

    @abstractmethod
    async def look(self, client: C) -> tuple[EnumHealth, str]:
        """How the server is. Raises RuntimeHostError where it cannot be asked."""

    @abstractmethod
    def about(self, asked: ModelPayload) -> str:
        """What a request is about: a path, a service. Raises what `perform` raises before it asks the server."""

    def foreseen(self, config: ModelHandlerConfig, envelope: ModelOnexEnvelope) -> str:
        """What a request is about, told without a server. Raises what `execute` would raise before it sends."""
        assert isinstance(config, self.config_type)
        self.configured(config)
        return self.about(self.payload_of(envelope))

    def configured(self, config: F) -> None:
        """Told of the config, before the client is made."""

    def describe(self) -> ModelHandlerDescription:
        """The operations, as core's table has them."""
        table = operation_table()
        return ModelHandlerDescription(
            handler_type=self.handler_type,
            version=_VERSION,
            operations=tuple(table[name] for name in operations_of(self.handler_type)),
        )

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Opens the client, TLS and login included; blocks while it reads certificates.

        Raises ProtocolConfigurationError for a config that cannot be, and when called twice;
        HandlerAuthenticationError where the credentials are refused. A server that cannot be asked yet is no
        reason not to start: health says so, and each call tries again.
        """
        with self._life.initializing():
            if not isinstance(config.config, self.config_type):
                raise ProtocolConfigurationError(
                    f"The binding '{config.name}' is no binding of a {self.handler_type} handler",
                    handler_type=self.handler_type,
                )
            self.configured(config.config)
            client = self._connect(config.config, config.timeout_ms / 1_000)
            try:
                await client.open()
            except RuntimeHostError as error:
                error.handler_type = self.handler_type
                if not error.retryable:
                    await client.aclose()
                    raise
            self._client = client

    async def shutdown(self) -> None:
        """Closes all connections; a request still under way fails."""
        if self._life.stop() and self._client is not None:
            await self._client.aclose()

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Performs the envelope's operation. Every failure is a RuntimeHostError that says which operation."""
        with self._life.executing():
            try:
                note(self.client.place)
                result = await self.perform(self.client, self.payload_of(envelope))
            except RuntimeHostError as error:
                error.handler_type = self.handler_type
                error.correlation_id = envelope.correlation_id
                if error.operation is None and envelope.operation is not None:
                    error.operation = shown(envelope.operation)
                raise
        return envelope.reply(result, timestamp=self._clock(), handler_type=self.handler_type)

    async def health_check(self) -> ModelHealth:
        """Asks the server, bounded to a second."""
        figures: JsonObject = {**self._life.figures()}
        if self._client is None or self._life.state is EnumLifecycle.SHUTDOWN:
            return ModelHealth(status=EnumHealth.UNHEALTHY, message="not running", details=figures)
        try:
            async with asyncio.timeout(_HEALTH_S):
                status, message = await self.look(self._client)
        except (RuntimeHostError, TimeoutError) as error:
            status, message = EnumHealth.UNHEALTHY, str(error) or "the server did not answer within a second"
        return ModelHealth(status=status, message=message, details={**figures, **self._client.figures()})

    @property
    def client(self) -> C:
        """The client. Raises ProtocolConfigurationError unless the handler runs."""
        self._life.require_running()
        assert self._client is not None
        return self._client

    @classmethod
    def payload_of(cls, envelope: ModelOnexEnvelope) -> ModelPayload:
        """The checked payload. Raises InvalidOperationError, InvalidParameterError."""
        model = cls.payloads.get(envelope.operation or "")
        if model is None:
            raise InvalidOperationError(
                f"The {cls.handler_type} handler has no operation '{shown(envelope.operation or '')}'",
                cls.payloads,
            )
        return checked_payload(model, envelope)
