"""Spans as OpenTelemetry has them; imported only where a contract has `observability.traces`.

The interface is opentelemetry-api's, so that a function finds its span with `trace.get_current_span()`; the wire
form is OTLP's. Why without the SDK: docs/decisions/0021-traces-without-the-sdk.md.
"""

from opentelemetry.trace import SpanKind

from omnibase_infra.telemetry.tracing.attempts import Attempts
from omnibase_infra.telemetry.tracing.context import SAMPLED, TraceContext, context_headers, read_context
from omnibase_infra.telemetry.tracing.span import Attributes, Span, attach, detach
from omnibase_infra.telemetry.tracing.tracer import Tracer
from omnibase_infra.telemetry.tracing.wire import encoded_spans, rejected_spans

__all__ = [
    "SAMPLED",
    "Attempts",
    "Attributes",
    "Span",
    "SpanKind",
    "TraceContext",
    "Tracer",
    "attach",
    "context_headers",
    "detach",
    "encoded_spans",
    "read_context",
    "rejected_spans",
]
