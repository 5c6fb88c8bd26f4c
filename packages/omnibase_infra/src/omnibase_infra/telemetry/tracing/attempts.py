"""The spans of calls of handlers: one for each attempt, as the conventions for HTTP ask of what is sent again."""

from contextvars import Token

from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import ModelOnexEnvelope
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from omnibase_infra.telemetry.attempt import ATTEMPT, AttemptSpan
from omnibase_infra.telemetry.meter import OK
from omnibase_infra.telemetry.tracing.context import TraceContext
from omnibase_infra.telemetry.tracing.span import Attributes, Span, attach, detach
from omnibase_infra.telemetry.tracing.tracer import Tracer


class Attempts:
    """Begins the spans of attempts."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, envelope: ModelOnexEnvelope, handler: str, failures: int) -> "Attempt":
        """The next attempt of a call, below the span that runs. handler: the binding's name."""
        operation = envelope.operation or "unknown"
        attributes: Attributes = {"onex.handler": handler, "onex.operation": operation}
        name = operation
        if envelope.handler_type is EnumHandlerType.HTTP:
            name = operation.removeprefix("http.").upper()
            attributes["http.request.method"] = name
            if failures:
                attributes["http.request.resend_count"] = failures
        else:
            attributes["onex.attempt"] = failures + 1
            if envelope.handler_type is EnumHandlerType.DB:
                attributes["db.system.name"] = "postgresql"
                attributes["db.operation.name"] = operation.removeprefix("db.")
        return Attempt(self._tracer.start(name, SpanKind.CLIENT, attributes, _current()))


class Attempt:
    """An attempt that runs: its span is the current one until `over`."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._api = attach(span)
        self._own: Token[AttemptSpan | None] = ATTEMPT.set(span)

    def over(self, code: str) -> None:
        """It has ended, with this code."""
        ATTEMPT.reset(self._own)
        detach(self._api)
        if code != OK:
            self._span.fail(code)
        self._span.end()


def _current() -> TraceContext | None:
    """The span that runs here, which a function may have put between."""
    span = trace.get_current_span()
    if isinstance(span, Span):
        return span.context
    its = span.get_span_context()
    return TraceContext(its.trace_id, its.span_id, its.trace_flags & 1) if its.is_valid else None
