"""The span of the handler's attempt that runs, for what only the handler knows of it. Without traces: nothing."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final


class AttemptSpan(ABC):
    """What a handler may do with the span."""

    @abstractmethod
    def note(self, attributes: Mapping[str, str | int]) -> None:
        """Adds to it."""

    @abstractmethod
    def fail(self, code: str) -> None:
        """Notes that what it stands for failed, with this code."""

    @abstractmethod
    def headers(self) -> dict[str, str]:
        """What carries its context on."""


ATTEMPT: Final[ContextVar[AttemptSpan | None]] = ContextVar("onex_attempt", default=None)


def note(attributes: Mapping[str, str | int]) -> None:
    """Adds to the span what may be shown: never a payload, a parameter, a URL's path or a secret."""
    if (span := ATTEMPT.get()) is not None:
        span.note(attributes)


def failed_with(code: str) -> None:
    """Says that what the server answered is a failure for the span, though it may be a result for the node."""
    if (span := ATTEMPT.get()) is not None:
        span.fail(code)


def trace_headers() -> dict[str, str]:
    """What carries the trace on to a server; empty without one."""
    return {} if (span := ATTEMPT.get()) is None else span.headers()
