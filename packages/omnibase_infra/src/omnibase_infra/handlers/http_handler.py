"""The http handler: one operation, one request, one result."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.contracts.operations import operation_table
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import (
    InvalidOperationError,
    ProtocolConfigurationError,
    RuntimeHostError,
    shown,
)
from omnibase_core.urls import resolve

from omnibase_infra.handlers.http_request import OPERATIONS, HttpOperation, RequestBuilder
from omnibase_infra.handlers.http_result import result_of
from omnibase_infra.handlers.lifecycle import EnumLifecycle, Lifecycle
from omnibase_infra.telemetry.attempt import failed_with, note
from omnibase_infra.transports.exchange import HttpRequest

if TYPE_CHECKING:
    from omnibase_infra.transports.http import HttpTransport

_VERSION: Final = "1.0.0"
_HEALTH_S: Final = 1.0
_FAILURES: Final = 400
_OPERATIONS: Final[dict[str, HttpOperation]] = {name: name for name in OPERATIONS}


class HttpHandler:
    """Performs http.get, head, delete, post, put and patch.

    connect: makes the transport for a config and a deadline in seconds; it is called once, by `initialize`.
    clock: the time, with its zone, for replies and for Retry-After dates.

    408, 429 and 5xx are failures, as everything that keeps an answer away is; any other status is a result.
    A failure is retryable where repeating is safe: GET, HEAD, PUT, DELETE, and the rest with an
    Idempotency-Key; else it says that the effect is indeterminate.
    """

    def __init__(
        self, connect: "Callable[[ModelHttpConfig, float], HttpTransport]", clock: Callable[[], datetime]
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._life = Lifecycle(EnumHandlerType.HTTP)
        self._requests = RequestBuilder(None, (), idempotency_key=False)
        self._transport: HttpTransport | None = None
        self._health: HttpRequest | None = None

    @property
    def handler_type(self) -> EnumHandlerType:
        """HTTP."""
        return EnumHandlerType.HTTP

    def describe(self) -> ModelHandlerDescription:
        """The six operations, as core's table has them."""
        table = operation_table()
        return ModelHandlerDescription(
            handler_type=EnumHandlerType.HTTP,
            version=_VERSION,
            operations=tuple(table[name] for name in OPERATIONS),
        )

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Builds the transport, TLS included; opens no connection. The deadline is the binding's timeout_ms.

        Raises ProtocolConfigurationError for a config that cannot be, and when called twice.
        """
        with self._life.initializing():
            http = config.config
            if not isinstance(http, ModelHttpConfig):
                raise ProtocolConfigurationError(
                    f"The binding '{config.name}' is no binding of an http handler",
                    handler_type=EnumHandlerType.HTTP,
                )
            self._transport = self._connect(http, config.timeout_ms / 1_000)
            if http.health_path is not None:
                url = resolve(self._transport.egress.base, http.health_path)
                self._health = HttpRequest("GET", url, (), None, repeatable=True)
            self._requests = RequestBuilder(self._transport.egress.base, http.headers, http.idempotency_key)

    async def shutdown(self) -> None:
        """Closes all connections; a request still under way fails."""
        if self._life.stop() and self._transport is not None:
            await self._transport.aclose()

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Performs the envelope's operation. Every failure is a RuntimeHostError that says which operation."""
        with self._life.executing():
            try:
                return await self._perform(envelope)
            except RuntimeHostError as error:
                error.handler_type = EnumHandlerType.HTTP
                error.correlation_id = envelope.correlation_id
                if error.operation is None and envelope.operation is not None:
                    error.operation = shown(envelope.operation)
                raise

    async def health_check(self) -> ModelHealth:
        """State, counts and open connections; where there is a `health_path`, what is answered within a second."""
        running = self._life.state not in (EnumLifecycle.CREATED, EnumLifecycle.SHUTDOWN)
        trouble = await self._trouble() if running else f"The http handler is {self._life.state}"
        connections = self._transport.open_connections if running and self._transport is not None else 0
        return ModelHealth(
            status=EnumHealth.UNHEALTHY if trouble else EnumHealth.HEALTHY,
            message=trouble,
            details={**self._life.figures(), "open_connections": connections},
        )

    async def _trouble(self) -> str:
        """What is wrong with the server, as far as `health_path` shows; empty where nothing is."""
        if self._health is None or self._transport is None:
            return ""
        try:
            async with asyncio.timeout(_HEALTH_S):
                status = (await self._transport.send(self._health)).status
        except (RuntimeHostError, TimeoutError) as error:
            return str(error) or "health_path was not answered within a second"
        return f"health_path is answered with {status}" if status >= _FAILURES else ""

    async def _perform(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        operation = _OPERATIONS.get(envelope.operation or "")
        if operation is None:
            raise InvalidOperationError(
                f"The http handler has no operation '{shown(envelope.operation or '')}'", OPERATIONS
            )
        request = self._requests.build(operation, envelope)
        assert self._transport is not None
        note({"server.address": request.url.origin.host, "server.port": request.url.origin.port})
        answer = await self._transport.send(request)
        note({"http.response.status_code": answer.status})
        if answer.status >= _FAILURES:
            failed_with(str(answer.status))
        now = self._clock()
        return envelope.reply(
            result_of(request, answer, now),
            timestamp=now,
            handler_type=EnumHandlerType.HTTP,
            operation=operation,
        )
