"""Spans: bounded, by the sender's context, and on the wire as OpenTelemetry's own classes read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_infra.telemetry.tracing import (
    SAMPLED,
    Span,
    SpanKind,
    TraceContext,
    Tracer,
    context_headers,
    encoded_spans,
    read_context,
    rejected_spans,
)
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.fakes.trace_receiver import attributes_of

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def ended(span: Span, tracer: Tracer) -> trace_pb2.Span:
    """The span as a receiver reads it."""
    span.end()
    body = encoded_spans(tracer.take(10), {"service.name": "orders"}, "0.1")
    (told,) = ExportTraceServiceRequest.FromString(body).resource_spans
    assert [each.value.string_value for each in told.resource.attributes] == ["orders"]
    (scope,) = told.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("omnibase-infra", "0.1")
    return scope.spans[0]


def test_a_span_is_read_as_it_was_made() -> None:
    tracer = Tracer(1.0)
    parent, link = TraceContext(2**127 + 1, 2**63 + 2, SAMPLED, "a=b"), TraceContext(3, 4, 0, "c=d")
    span = tracer.start("process t", SpanKind.CONSUMER, {}, parent, link=link)
    span.add_event("paused", {"why": "breaker"})
    span.fail("HANDLER_TIMEOUT")
    told = ended(span, tracer)
    assert told.trace_id == parent.trace_id.to_bytes(16, "big")
    assert told.parent_span_id == parent.span_id.to_bytes(8, "big")
    assert (told.name, told.trace_state, told.flags) == ("process t", "a=b", SAMPLED)
    assert told.kind == trace_pb2.Span.SPAN_KIND_CONSUMER
    assert told.start_time_unix_nano <= told.events[0].time_unix_nano <= told.end_time_unix_nano
    assert (told.events[0].name, told.events[0].attributes[0].value.string_value) == ("paused", "breaker")
    assert (told.links[0].trace_id[-1], told.links[0].span_id[-1], told.links[0].trace_state) == (3, 4, "c=d")
    assert told.status.code == trace_pb2.Status.STATUS_CODE_ERROR
    assert attributes_of(told) == {"error.type": "HANDLER_TIMEOUT"}


_VALUES = st.text(max_size=300) | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)


@given(st.dictionaries(st.text(min_size=1, max_size=30), _VALUES, max_size=20))
def test_any_attribute_is_read_as_it_was_set(attributes: dict[str, str | bool | int | float]) -> None:
    tracer = Tracer(1.0)
    span = tracer.start("x", SpanKind.CLIENT, {})
    span.set_attributes(attributes)
    assert attributes_of(ended(span, tracer)) == attributes


def test_what_a_function_adds_is_bounded_and_what_cannot_be_exported_is_left_out() -> None:
    tracer = Tracer(1.0)
    span = tracer.start("x", SpanKind.CLIENT, {})
    span.set_attribute("object", {"a": 1})
    span.set_attribute("long", "x" * 5_000)
    for number in range(100):
        span.set_attribute(f"n{number}", number)
        span.add_event("again")
    told = ended(span, tracer)
    assert (len(told.attributes), len(told.events)) == (64, 16)
    assert told.attributes[0].key == "long"
    assert len(told.attributes[0].value.string_value) == 1_024
    span.set_attribute("late", 1)
    assert "late" not in span.attributes


def test_an_exception_is_told_by_its_type_alone() -> None:
    tracer = Tracer(1.0)
    span = tracer.start("x", SpanKind.CLIENT, {})
    span.record_exception(ValueError("4111 1111 1111 1111"))
    (event,) = ended(span, tracer).events
    assert [(each.key, each.value.string_value) for each in event.attributes] == [("exception.type", "ValueError")]


def test_the_api_knows_the_span_by_its_ids() -> None:
    span = Tracer(1.0).start("x", SpanKind.CLIENT, {}, read_context(PARENT, "a=b"))
    context = span.get_span_context()
    assert trace.format_trace_id(context.trace_id) == PARENT[3:35]
    assert context.span_id == span.context.span_id
    assert context.trace_state.to_header() == "a=b"
    assert context.trace_flags.sampled


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        f"{PARENT}-more",
        f"{PARENT}\n",
    ],
)
def test_what_is_no_traceparent_is_left_alone(parent: str) -> None:
    assert read_context(parent) is None


def test_a_newer_version_is_read_as_far_as_this_one_goes() -> None:
    context = read_context(f"cc-{PARENT[3:]}-what-else")
    assert context is not None
    assert context_headers(context) == [("traceparent", PARENT)]


@pytest.mark.parametrize("state", ["", "a=b\r\nx: y", "é=1", "a" * 513])
def test_a_bad_tracestate_is_left_out_and_the_parent_stays(state: str) -> None:
    assert read_context(PARENT, state) == read_context(PARENT)


def test_the_ratio_decides_where_a_trace_begins_and_the_sender_where_it_goes_on() -> None:
    never, always = Tracer(0.0), Tracer(1.0)
    assert always.next_context(None).flags == SAMPLED
    assert never.next_context(None).flags == 0
    assert never.next_context(TraceContext(1, 2, SAMPLED)).flags == SAMPLED
    assert always.next_context(TraceContext(1, 2, 0)).flags == 0
    half = Tracer(0.5)
    assert 350 < sum(half.next_context(None).flags for _ in range(1_000)) < 650


def test_a_span_that_is_not_kept_waits_for_nobody() -> None:
    tracer = Tracer(0.0)
    tracer.start("x", SpanKind.CLIENT, {}).end()
    assert (len(tracer.waiting), tracer.lost) == (0, 0)


def test_what_a_receiver_rejects_is_read() -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 300
    answer.partial_success.error_message = "too old"
    assert rejected_spans(answer.SerializeToString()) == 300


@given(st.binary(max_size=60))
def test_whatever_a_receiver_answers_is_survived(body: bytes) -> None:
    assert rejected_spans(body) >= 0
