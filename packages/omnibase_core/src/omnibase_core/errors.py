"""The one exception tree.

* OnexError
  * RuntimeHostError                      INTERNAL_ERROR
    + HandlerExecutionError               HANDLER_EXECUTION_ERROR
      - HandlerConnectionError            HANDLER_CONNECTION_ERROR       retryable
      - HandlerTimeoutError               HANDLER_TIMEOUT                retryable
      - HandlerUnavailableError           HANDLER_UNAVAILABLE            retryable
      - HandlerAuthenticationError        HANDLER_AUTHENTICATION_ERROR
      - TransientHandlerError             HANDLER_EXECUTION_ERROR        retryable
      - IndeterminateEffectError          HANDLER_EXECUTION_ERROR
        . IndeterminateTimeoutError       HANDLER_TIMEOUT
      - PoolExhaustedError                POOL_EXHAUSTED                 retryable
      - InvalidParameterError             INVALID_PARAMETER
      - UnexpectedResultError             UNEXPECTED_RESULT
      - MappingError                      MAPPING_ERROR
      - RateLimitedError                  RATE_LIMITED                   retryable
    + HandlerNotFoundError                HANDLER_NOT_FOUND
    + NodeNotFoundError                   NODE_NOT_FOUND
    + InvalidOperationError               INVALID_OPERATION
    + EnvelopeValidationError             ENVELOPE_VALIDATION_ERROR
      - EnvelopeExpiredError              ENVELOPE_EXPIRED
      - PayloadTooLargeError              PAYLOAD_TOO_LARGE
    + ContractValidationError             CONTRACT_VALIDATION_ERROR
    + EventBusError                       EVENT_BUS_ERROR                retryable
      - MessageTooLargeError              PAYLOAD_TOO_LARGE
    + ProtocolConfigurationError          PROTOCOL_CONFIGURATION_ERROR
    + SecretResolutionError               SECRET_RESOLUTION_ERROR

Code and retryability belong to the class. What an error says goes onto the bus: a message names the way
out and never holds a secret, a value of the payload, a library's class name or a stack trace.

Over 300 lines because the tree is one decision: which class a failure is says its code and whether to try again.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from omnibase_core import suggest
from omnibase_core.enums import EnumErrorCode, EnumHandlerType

if TYPE_CHECKING:
    from uuid import UUID

    from pydantic import JsonValue

    from omnibase_core.problems import ModelProblem


class OnexError(Exception):
    """Everything that these packages raise on purpose."""


class RuntimeHostError(OnexError):
    """An error that an error envelope can carry.

    Attributes: `message` (one sentence and the way out), `correlation_id`, `handler_type`, `operation`, `details`
    (JSON values, those of `class_details` first), `outage` (of the server: breakers count it; None: unknown).
    """

    code: ClassVar[EnumErrorCode] = EnumErrorCode.INTERNAL_ERROR
    retryable: ClassVar[bool] = False
    class_details: "ClassVar[Mapping[str, JsonValue]]" = MappingProxyType({})
    outage: bool | None = None

    def __init__(
        self,
        message: str,
        *,
        correlation_id: "UUID | None" = None,
        handler_type: EnumHandlerType | None = None,
        operation: str | None = None,
        details: "Mapping[str, JsonValue] | None" = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.correlation_id = correlation_id
        self.handler_type = handler_type
        self.operation = operation
        self.details: dict[str, JsonValue] = {**self.class_details, **(details or {})}


class HandlerExecutionError(RuntimeHostError):
    """A handler or a COMPUTE function failed for good; the same call would fail again."""

    code = EnumErrorCode.HANDLER_EXECUTION_ERROR


class HandlerConnectionError(HandlerExecutionError):
    """The server could not be reached, or the connection broke before anything took effect."""

    code = EnumErrorCode.HANDLER_CONNECTION_ERROR
    retryable = True
    outage = True


class HandlerTimeoutError(HandlerExecutionError):
    """A deadline passed, and repeating the call is safe."""

    code = EnumErrorCode.HANDLER_TIMEOUT
    retryable = True
    outage = True


class HandlerUnavailableError(HandlerExecutionError):
    """The handler's circuit breaker is open: the call was not made."""

    code = EnumErrorCode.HANDLER_UNAVAILABLE
    retryable = True


class HandlerAuthenticationError(HandlerExecutionError):
    """The server refused our credentials or permissions."""

    code = EnumErrorCode.HANDLER_AUTHENTICATION_ERROR


class TransientHandlerError(HandlerExecutionError):
    """The server failed in a way that passes (an overload, a serialization failure); nothing took effect."""

    retryable = True


class IndeterminateEffectError(HandlerExecutionError):
    """The call may or may not have taken effect: repeating it is a decision for whoever knows the effect."""

    class_details = MappingProxyType({"effect": "indeterminate"})
    outage = True


class IndeterminateTimeoutError(IndeterminateEffectError):
    """A deadline passed while a call that is not safe to repeat was under way."""

    code = EnumErrorCode.HANDLER_TIMEOUT


class PoolExhaustedError(HandlerExecutionError):
    """No connection became free in time; the call was not made."""

    code = EnumErrorCode.POOL_EXHAUSTED
    retryable = True


class InvalidParameterError(HandlerExecutionError):
    """A field or parameter of the operation's payload does not fit; the message names it, never its value."""

    code = EnumErrorCode.INVALID_PARAMETER


class UnexpectedResultError(HandlerExecutionError):
    """The result is not what the contract expects of it."""

    code = EnumErrorCode.UNEXPECTED_RESULT
    outage = False


class MappingError(HandlerExecutionError):
    """An expression of the node's contract has no value for this request or result; the message names it."""

    code = EnumErrorCode.MAPPING_ERROR


class RateLimitedError(HandlerExecutionError):
    """The rate limit let the call through too late for the deadline; it was not made."""

    code = EnumErrorCode.RATE_LIMITED
    retryable = True


class HandlerNotFoundError(RuntimeHostError):
    """No configured handler is of the wanted type and name."""

    code = EnumErrorCode.HANDLER_NOT_FOUND

    def __init__(self, handler: str, available: Iterable[str], *, operation: str | None = None) -> None:
        self.available_handlers = sorted(available)
        super().__init__(
            f"No handler '{handler}' is configured; configured: {suggest.listed(self.available_handlers)}",
            operation=operation,
            details={"available_handlers": [*self.available_handlers]},
        )


class NodeNotFoundError(RuntimeHostError):
    """No node of this host has the envelope's `target_node` as its slug."""

    code = EnumErrorCode.NODE_NOT_FOUND

    def __init__(self, target_node: str, available: Iterable[str]) -> None:
        self.target_node = shown(target_node)
        self.available_nodes = sorted(available)
        super().__init__(
            f"No node '{self.target_node}' in this host; its nodes: {suggest.listed(self.available_nodes)}",
            details={
                "target_node": self.target_node,
                "available_nodes": [*self.available_nodes[: suggest.LISTED]],
            },
        )


class InvalidOperationError(RuntimeHostError):
    """The operation is none that the node, or the handler, has."""

    code = EnumErrorCode.INVALID_OPERATION

    def __init__(
        self,
        message: str,
        available: Iterable[str],
        *,
        handler_type: EnumHandlerType | None = None,
        operation: str | None = None,
    ) -> None:
        self.available_operations = sorted(available)
        super().__init__(
            f"{message}; available operations: {suggest.listed(self.available_operations)}",
            handler_type=handler_type,
            operation=None if operation is None else shown(operation),
            details={"available_operations": [*self.available_operations]},
        )


class EnvelopeValidationError(RuntimeHostError):
    """Bytes that are no envelope, or an envelope whose payload is not what its node declares.

    `path` is the JSON path of what is wrong (`$.payload.user_id`), `offset` the byte of a syntax error.
    """

    code = EnumErrorCode.ENVELOPE_VALIDATION_ERROR

    def __init__(self, message: str, *, path: str = "$", offset: int | None = None) -> None:
        self.path = path
        self.offset = offset
        details: dict[str, JsonValue] = {"path": path}
        if offset is not None:
            details["offset"] = offset
        super().__init__(f"{path}: {message}", details=details)


class EnvelopeExpiredError(EnvelopeValidationError):
    """The envelope's `ttl_seconds` had passed before its node could run; it was not executed."""

    code = EnumErrorCode.ENVELOPE_EXPIRED


class PayloadTooLargeError(EnvelopeValidationError):
    """An envelope, or a response, over the configured size."""

    code = EnumErrorCode.PAYLOAD_TOO_LARGE


class ContractValidationError(RuntimeHostError):
    """Contracts that cannot be run, with every problem that was found in them."""

    code = EnumErrorCode.CONTRACT_VALIDATION_ERROR

    def __init__(self, problems: "Sequence[ModelProblem]") -> None:
        self.problems = sorted(problems, key=lambda problem: problem.sort_key())
        super().__init__("\n".join(["Failed to load contract", *(p.render() for p in self.problems)]))


class EventBusError(RuntimeHostError):
    """The bus could not take, keep or deliver a message; the message is still ours and may be republished."""

    code = EnumErrorCode.EVENT_BUS_ERROR
    retryable = True


class MessageTooLargeError(EventBusError):
    """A message that the bus will never take, because it is over `limit_bytes`."""

    code = EnumErrorCode.PAYLOAD_TOO_LARGE
    retryable = False

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        super().__init__(
            f"The message has {size_bytes} bytes, the bus takes {limit_bytes}; "
            "send less, or raise max_envelope_bytes",
            details={"size_bytes": size_bytes, "limit_bytes": limit_bytes},
        )


class ProtocolConfigurationError(RuntimeHostError):
    """The parts do not fit together: a duplicate handler, a wrong order of calls, a version too old."""

    code = EnumErrorCode.PROTOCOL_CONFIGURATION_ERROR


class SecretResolutionError(RuntimeHostError):
    """A secret reference that no configured place knows; names the reference and the places, never a value."""

    code = EnumErrorCode.SECRET_RESOLUTION_ERROR


def shown(text: str, limit: int = 64) -> str:
    """Foreign text made safe to show: cut to `limit` characters, everything but plain printables escaped."""
    cut = text[:limit]
    escaped = "".join(c if c.isascii() and c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return escaped + ("…" if len(text) > limit else "")


def printable(text: str) -> str:
    """A text without what a terminal would act on, or would not show: such characters are escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
