"""LocalHandler: echo, transform and error, for development and tests. It reaches nothing outside the process."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerExecutionError,
    InvalidOperationError,
    InvalidParameterError,
    ProtocolConfigurationError,
    shown,
)

_VERSION: Final = "1.0.0"
_OPERATIONS: Final = operations_of(EnumHandlerType.LOCAL)
_log = logging.getLogger("onex.local")


def upper_cased(value: JsonValue) -> JsonValue:
    """The value with every text in it in upper case; keys stay."""
    if isinstance(value, str):
        return value.upper()
    if isinstance(value, list):
        return [upper_cased(item) for item in value]
    if isinstance(value, dict):
        return {name: upper_cased(item) for name, item in value.items()}
    return value


def _every_text_upper_cased(payload: JsonObject) -> JsonObject:
    return {name: upper_cased(value) for name, value in payload.items()}


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class LocalHandler:
    """Performs `local.echo`, `local.transform` and `local.error`.

    transform: what local.transform makes of a payload; by default every text in it in upper case.
    clock: the time, with its zone, for replies.
    """

    def __init__(
        self,
        transform: Callable[[JsonObject], JsonObject] = _every_text_upper_cased,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._transform = transform
        self._clock = clock
        self._running: bool | None = None  # None until it is initialised, False once it was shut down

    @property
    def handler_type(self) -> EnumHandlerType:
        """LOCAL."""
        return EnumHandlerType.LOCAL

    def describe(self) -> ModelHandlerDescription:
        """The three operations, as core's table has them: each takes any payload."""
        table = operation_table()
        return ModelHandlerDescription(
            handler_type=EnumHandlerType.LOCAL,
            version=_VERSION,
            operations=tuple(table[name] for name in _OPERATIONS),
        )

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Gets ready, and warns that this is no handler for production. Called once; a second call raises."""
        if self._running is not None:
            raise _misuse("is initialised already" if self._running else "was shut down, which is final")
        self._running = True
        _log.warning("LocalHandler '%s' is for development and tests only; it reaches nothing", config.name)

    async def shutdown(self) -> None:
        """Ends the handler's life, which is final; does nothing when called again."""
        self._running = False

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Performs the envelope's operation. Every failure is a RuntimeHostError that says which operation.

        Raises HandlerExecutionError for local.error, and where the transform fails.
        """
        if not self._running:
            raise _misuse(
                "is not initialised: call initialize first" if self._running is None else "was shut down"
            )
        match envelope.operation:
            case "local.echo":
                result = envelope.payload or {}
            case "local.transform":
                result = self._transformed(envelope)
            case "local.error":
                raise _wanted_error(envelope)
            case _:
                raise _unknown_operation(envelope)
        return envelope.reply(result, timestamp=self._clock(), handler_type=EnumHandlerType.LOCAL)

    async def health_check(self) -> ModelHealth:
        """Healthy between `initialize` and `shutdown`; `dev_test_only` says what it is for."""
        return ModelHealth(
            status=EnumHealth.HEALTHY if self._running else EnumHealth.UNHEALTHY,
            message="" if self._running else "The local handler is not running",
            details={"dev_test_only": True},
        )

    def _transformed(self, envelope: ModelOnexEnvelope) -> JsonObject:
        try:
            return self._transform(envelope.payload or {})
        except Exception as error:
            raise HandlerExecutionError(
                "The function of local.transform failed; the log has the reason",
                correlation_id=envelope.correlation_id,
                handler_type=EnumHandlerType.LOCAL,
                operation=envelope.operation,
            ) from error


def _wanted_error(envelope: ModelOnexEnvelope) -> HandlerExecutionError:
    message = (envelope.payload or {}).get("message", "local.error was asked to fail")
    kind = HandlerExecutionError
    if not isinstance(message, str):
        kind, message = InvalidParameterError, "message is a text: what the error shall say"
    return kind(
        message,
        correlation_id=envelope.correlation_id,
        handler_type=EnumHandlerType.LOCAL,
        operation=envelope.operation,
    )


def _unknown_operation(envelope: ModelOnexEnvelope) -> InvalidOperationError:
    operation = envelope.operation or ""
    error = InvalidOperationError(
        f"The local handler has no operation '{shown(operation)}'",
        _OPERATIONS,
        handler_type=EnumHandlerType.LOCAL,
        operation=operation,
    )
    error.correlation_id = envelope.correlation_id
    return error


def _misuse(what: str) -> ProtocolConfigurationError:
    return ProtocolConfigurationError(f"The local handler {what}", handler_type=EnumHandlerType.LOCAL)
