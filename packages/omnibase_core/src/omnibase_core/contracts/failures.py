"""Failures of a handler by their code, as a contract test names them: the error that the handler would raise."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from omnibase_core.contracts.findings import Refusal
from omnibase_core.contracts.testing import ModelTestFailure
from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    HandlerUnavailableError,
    IndeterminateTimeoutError,
    InvalidParameterError,
    PayloadTooLargeError,
    PoolExhaustedError,
    RateLimitedError,
    RuntimeHostError,
    TransientHandlerError,
    UnexpectedResultError,
)

_OF_CODE: Final[Mapping[str, Mapping[bool, type[RuntimeHostError]]]] = MappingProxyType(
    {
        "HANDLER_EXECUTION_ERROR": {False: HandlerExecutionError, True: TransientHandlerError},
        "HANDLER_CONNECTION_ERROR": {True: HandlerConnectionError},
        "HANDLER_AUTHENTICATION_ERROR": {False: HandlerAuthenticationError},
        "HANDLER_TIMEOUT": {False: IndeterminateTimeoutError, True: HandlerTimeoutError},
        "HANDLER_UNAVAILABLE": {True: HandlerUnavailableError},
        "POOL_EXHAUSTED": {True: PoolExhaustedError},
        "INVALID_PARAMETER": {False: InvalidParameterError},
        "RATE_LIMITED": {True: RateLimitedError},
        "UNEXPECTED_RESULT": {False: UnexpectedResultError},
        "PAYLOAD_TOO_LARGE": {False: PayloadTooLargeError},
    }
)


def failure_of(failure: ModelTestFailure, *, repeatable: bool) -> RuntimeHostError | Refusal:
    """The error of a code, or why no handler raises it so.

    repeatable: whether the operation may be done twice, which decides what a time-out means.
    """
    kinds = _OF_CODE[failure.code]
    usual = repeatable if failure.code == "HANDLER_TIMEOUT" else min(kinds)
    kind = kinds.get(usual if failure.retryable is None else failure.retryable)
    if kind is None:
        (always,) = kinds
        word = "always" if always else "never"
        return Refusal(
            f"{failure.code} is {word} retryable", "Whether it is belongs to the code", "Remove 'retryable'"
        )
    if failure.code == "HANDLER_TIMEOUT" and failure.retryable and not repeatable:
        return Refusal(
            "A time-out of this operation is not retryable: whether it took effect is not known",
            "It is retryable where the operation may be done twice",
            "Remove 'retryable'",
        )
    error = kind(failure.message or f"{failure.code}, as the test says")
    error.details.update(failure.details)
    return error
