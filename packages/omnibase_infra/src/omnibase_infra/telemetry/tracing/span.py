"""One span: what runs between two moments, and what is said of it. Bounded, whoever adds to it."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import Token
from typing import Final

from opentelemetry import context as api_context
from opentelemetry.trace import Span as ApiSpan
from opentelemetry.trace import (
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.util.types import AnyValue
from opentelemetry.util.types import Attributes as ApiAttributes

from omnibase_infra.telemetry.attempt import AttemptSpan
from omnibase_infra.telemetry.tracing.context import SAMPLED, TraceContext, context_headers

Attributes = dict[str, AnyValue]
"""What is said of a span, by name."""

_MOST_ATTRIBUTES: Final = 64
_MOST_EVENTS: Final = 16
_LONGEST: Final = 1_024


class Event:
    """Something that happened within a span."""

    __slots__ = ("at_ns", "attributes", "name")

    def __init__(self, name: str, attributes: Attributes, at_ns: int) -> None:
        self.name = name
        self.attributes = attributes
        self.at_ns = at_ns


class Span(ApiSpan, AttemptSpan):
    """A span of the host. Times are nanoseconds since 1970; `end_ns` is 0 until it has ended.

    ended: told of it once, at its end, where it is sampled. parent: the span above it, here or elsewhere.
    link: the span that made the message that this one processes.
    """

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        context: TraceContext,
        attributes: Attributes,
        ended: Callable[["Span"], None],
        *,
        parent: TraceContext | None = None,
        link: TraceContext | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.link = link
        self.attributes = attributes
        self.events: list[Event] = []
        self.status = StatusCode.UNSET
        self.description = ""
        self.begin_ns = time.time_ns()
        self.end_ns = 0
        self._ended = ended

    def end(self, end_time: int | None = None) -> None:
        """Ends it, the first time that it is called."""
        if not self.end_ns:
            self.end_ns = end_time or time.time_ns()
            if self.context.flags & SAMPLED:
                self._ended(self)

    def note(self, attributes: Mapping[str, str | int]) -> None:
        """Adds what the host says of it."""
        self.attributes.update(attributes)

    def fail(self, code: str) -> None:
        """Notes that what it stands for failed, with this code; the first one stays."""
        if self.status is StatusCode.ERROR:
            return
        self.attributes["error.type"] = code
        self.status = StatusCode.ERROR

    def headers(self) -> dict[str, str]:
        """What carries its context on."""
        return dict(context_headers(self.context))

    def get_span_context(self) -> SpanContext:
        """The API's view of its context."""
        its = self.context
        state = TraceState.from_header([its.state]) if its.state else None
        return SpanContext(its.trace_id, its.span_id, False, TraceFlags(its.flags), state)

    def is_recording(self) -> bool:
        """Whether what is added still counts."""
        return not self.end_ns and bool(self.context.flags & SAMPLED)

    def set_attribute(self, key: str, value: AnyValue) -> None:
        """Adds a text, number, boolean or a list of them; anything else, and what is beyond 64, is left out."""
        if self.is_recording() and (key in self.attributes or len(self.attributes) < _MOST_ATTRIBUTES):
            plain = _plain(value)
            if plain is not None:
                self.attributes[key] = plain

    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        """Adds several."""
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: ApiAttributes = None, timestamp: int | None = None) -> None:
        """Adds an event, of 16 at the most."""
        if self.is_recording() and len(self.events) < _MOST_EVENTS:
            kept = {key: _plain(value) for key, value in list((attributes or {}).items())[:_MOST_ATTRIBUTES]}
            self.events.append(Event(name[:_LONGEST], kept, timestamp or time.time_ns()))

    def update_name(self, name: str) -> None:
        """Gives it another name."""
        if self.is_recording():
            self.name = name[:_LONGEST]

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Says how it went."""
        if self.is_recording():
            self.status = status.status_code if isinstance(status, Status) else status
            said = status.description if isinstance(status, Status) else description
            self.description = (said or "")[:_LONGEST]

    def record_exception(
        self,
        exception: BaseException,
        attributes: ApiAttributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Adds the type of an exception as an event; its text may hold anything, and is left out."""
        self.add_event(
            "exception", {**(attributes or {}), "exception.type": type(exception).__qualname__}, timestamp
        )


def attach(span: Span) -> Token[api_context.Context]:
    """Makes it the current span, as the API knows it, until `detach`."""
    return api_context.attach(set_span_in_context(span))


def detach(token: Token[api_context.Context]) -> None:
    """Puts back what was current before."""
    api_context.detach(token)


def _plain(value: AnyValue) -> AnyValue:
    """The value as it can be exported; None where it cannot."""
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain for each in value[:_MOST_ATTRIBUTES] if (plain := _plain(each)) is not None]
    return None
