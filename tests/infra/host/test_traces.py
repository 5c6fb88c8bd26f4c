"""The traces of a host, flight by flight, as a receiver gets them."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from omnibase_core.codec import decode, encode
from omnibase_core.contracts.observability import ModelTraces
from omnibase_core.enums import EnumErrorCode, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError, HandlerExecutionError, TransientHandlerError
from omnibase_core.secret import ModelSecretRef
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.host.traces import Place, Traces
from omnibase_spi.event_bus import Delivery, Message, Source
from opentelemetry import trace
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.fakes.handlers import ScriptedHandler, echo
from tests.fakes.hosts import COMPUTE, EFFECT, asking, doubled, parts
from tests.fakes.runtimes import bus_binding
from tests.fakes.trace_receiver import TraceReceiver, attributes_of
from tests.fakes.waiting import until

BINDING = bus_binding()
INPUT, OUTPUT, DEAD_LETTER = BINDING.topics.input, BINDING.topics.output, "onex.acme.orders.error.v1"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SENDER = [("traceparent", f"00-{TRACE_ID}-b7ad6b7169203331-01".encode()), ("tracestate", b"a=b")]


class Answers:
    """Takes what the host publishes to its output topic."""

    def __init__(self, bus: InMemoryEventBus) -> None:
        self._bus = bus
        self.got: list[Delivery] = []

    def deliver(self, batch: Sequence[Delivery]) -> None:
        self.got += batch
        for delivery in batch:
            self._bus.settle(delivery, EnumSettlement.DONE)

    def assigned(self, sources: frozenset[Source]) -> None: ...

    async def revoked(self, sources: frozenset[Source], budget_s: float) -> None: ...


class Traced:
    """A host with traces, its bus, its answers and its receiver."""

    def __init__(self, handler: ScriptedHandler, receiver: TraceReceiver, **config: object) -> None:
        self.bus = InMemoryEventBus()
        self.receiver = receiver
        self.answers = Answers(self.bus)
        self.letters = Answers(self.bus)
        traces = ModelTraces.model_validate({"endpoint": receiver.url, **config})
        self.traces = Traces(traces, "orders", "1.2.3", "orders@here", Place("inmemory", OUTPUT, None))
        made = parts([handler], nodes=(EFFECT, COMPUTE), bus=self.bus, secrets={"ONEX_SECRET_OTEL": "s3cr3t"})
        for guard, _ in made.handlers:
            guard.attempts = self.traces.attempts
        self.host = _Host(made._replace(traces=self.traces))

    async def sent(
        self, *envelopes: ModelOnexEnvelope, headers: Sequence[tuple[str, bytes]] = SENDER
    ) -> list[ModelOnexEnvelope]:
        """The responses to these requests."""
        before = len(self.answers.got)
        messages = [Message(INPUT, encode(each), str(each.envelope_id).encode(), headers) for each in envelopes]
        self.bus.publish_batch(messages, _must_not_fail)
        await until(lambda: len(self.answers.got) == before + len(envelopes))
        return [decode(each.value) for each in self.answers.got[before:]]

    async def span(self, name: str) -> Span:
        """The span of this name, once the host has stopped and brought its spans out."""
        await self.host.close(grace_s=5.0)
        return await self.receiver.named(name)

    @property
    def answer_headers(self) -> Mapping[str, bytes]:
        """Of the first answer."""
        return dict(self.answers.got[0].headers)


class _Host(BaseRuntimeHostProcess):
    compute_functions = {"doubler": doubled}  # noqa: RUF012 - a ClassVar of the base


def _must_not_fail(message: Message, error: EventBusError | None) -> None:
    assert error is None


@asynccontextmanager
async def traced(handler: ScriptedHandler | None = None, **config: object) -> AsyncIterator[Traced]:
    """A host that runs, and a receiver that takes spans."""
    async with TraceReceiver() as receiver:
        running = Traced(handler or ScriptedHandler(name="http"), receiver, **config)
        await running.bus.subscribe(OUTPUT, running.answers)
        await running.bus.subscribe(DEAD_LETTER, running.letters)
        running.host.client.subscribe = _nothing  # type: ignore[method-assign]  # the answers are the test's own
        async with running.host:
            yield running


async def _nothing() -> None: ...


def ids(span: Span) -> tuple[str, str]:
    """The trace of a span, and the span above it."""
    return span.trace_id.hex(), span.parent_span_id.hex()


@pytest.mark.asyncio
async def test_a_request_is_one_trace_from_its_sender_to_its_response() -> None:
    async with traced() as running:
        await running.sent(asking(0))
        process = await running.span(f"process {INPUT}")
        call = await running.span("GET")
        send = await running.span(f"send {OUTPUT}")
    assert ids(process) == (TRACE_ID, "b7ad6b7169203331")
    (link,) = process.links
    assert (link.trace_id.hex(), link.span_id.hex(), link.trace_state) == (TRACE_ID, "b7ad6b7169203331", "a=b")
    assert ids(call) == ids(send) == (TRACE_ID, process.span_id.hex())
    assert running.answer_headers["traceparent"] == f"00-{TRACE_ID}-{send.span_id.hex()}-01".encode()
    assert running.answer_headers["tracestate"] == b"a=b"
    assert process.start_time_unix_nano <= call.start_time_unix_nano <= call.end_time_unix_nano
    assert call.end_time_unix_nano <= process.end_time_unix_nano
    assert running.receiver.names() == ["GET", f"process {INPUT}", f"send {OUTPUT}"]


@pytest.mark.asyncio
async def test_spans_are_named_and_told_by_the_conventions_and_hold_no_payload() -> None:
    async with traced() as running:
        request = asking(0)
        await running.sent(request)
        process = await running.span(f"process {INPUT}")
        send = await running.span(f"send {OUTPUT}")
        call = await running.span("GET")
    assert (process.kind, send.kind, call.kind) == (
        Span.SPAN_KIND_CONSUMER,
        Span.SPAN_KIND_PRODUCER,
        Span.SPAN_KIND_CLIENT,
    )
    assert attributes_of(process) == {
        "messaging.system": "inmemory",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": INPUT,
        "messaging.message.id": str(request.envelope_id),
        "messaging.message.conversation_id": str(request.correlation_id),
        "onex.node": "pages",
    }
    assert attributes_of(send) == {
        "messaging.system": "inmemory",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": OUTPUT,
    }
    assert attributes_of(call) == {
        "onex.handler": "http",
        "onex.operation": "http.get",
        "http.request.method": "GET",
    }
    assert running.receiver.resource == {
        "service.name": "orders",
        "service.version": "1.2.3",
        "service.instance.id": "orders@here",
    }


@pytest.mark.asyncio
async def test_each_attempt_is_a_span_of_its_own_and_the_failed_one_says_why() -> None:
    failures = [TransientHandlerError("the server is full")]

    async def fails_once(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        if failures:
            raise failures.pop()
        return await echo(envelope)

    async with traced(ScriptedHandler(perform=fails_once, name="http")) as running:
        await running.sent(asking(0))
        await running.span("GET")
        first, second = [span for span in running.receiver.spans if span.name == "GET"]
        process = await running.span(f"process {INPUT}")
    assert first.status.code == Status.STATUS_CODE_ERROR
    assert attributes_of(first)["error.type"] == "HANDLER_EXECUTION_ERROR"
    assert "http.request.resend_count" not in attributes_of(first)
    assert attributes_of(second)["http.request.resend_count"] == 1
    assert second.status.code == process.status.code == Status.STATUS_CODE_UNSET


@pytest.mark.asyncio
async def test_a_request_that_fails_has_its_code_as_the_spans_error_and_a_line_that_says_what_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="onex.delivery")

    async def fails(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        raise HandlerExecutionError("no")

    async with traced(ScriptedHandler(perform=fails, name="http")) as running:
        (answer,) = await running.sent(asking(0))
        process = await running.span(f"process {INPUT}")
    assert answer.error is not None
    assert answer.error.code is EnumErrorCode.HANDLER_EXECUTION_ERROR
    assert process.status.code == Status.STATUS_CODE_ERROR
    assert attributes_of(process)["error.type"] == "HANDLER_EXECUTION_ERROR"
    (line,) = [vars(record) for record in caplog.records if record.name == "onex.delivery"]
    wanted = {"node_id": "pages", "handler_type": "http", "operation": "http.get"}
    assert {name: line[name] for name in wanted} == wanted


@pytest.mark.asyncio
async def test_a_record_that_is_no_envelope_has_a_span_too_and_its_dead_letter_keeps_its_senders_context() -> None:
    async with traced() as running:
        running.bus.publish_batch([Message(INPUT, b"no envelope", b"k", SENDER)], _must_not_fail)
        await until(lambda: bool(running.letters.got))
        process = await running.span(f"process {INPUT}")
    assert attributes_of(process)["error.type"] == "ENVELOPE_VALIDATION_ERROR"
    assert dict(running.letters.got[0].headers)["traceparent"] == SENDER[0][1]


@pytest.mark.asyncio
async def test_a_compute_function_finds_its_span_through_the_api() -> None:
    async with traced() as running:
        seen: list[trace.SpanContext] = []

        def noting(values: dict[str, object]) -> Mapping[str, object]:
            trace.get_current_span().set_attribute("acme.tier", "gold")
            seen.append(trace.get_current_span().get_span_context())
            return doubled(values)

        node = running.host.nodes["doubler"]
        node._compute = noting  # noqa: SLF001 - the function that a host names
        await running.sent(asking(3, "doubler"))
        process = await running.span(f"process {INPUT}")
        assert trace.get_current_span() is trace.INVALID_SPAN
    assert attributes_of(process)["acme.tier"] == "gold"
    assert seen[0].span_id.to_bytes(8, "big") == process.span_id


@pytest.mark.asyncio
async def test_a_sender_that_cannot_set_headers_says_its_context_in_the_metadata() -> None:
    async with traced() as running:
        metadata = {"traceparent": SENDER[0][1].decode()}
        await running.sent(asking(0).model_copy(update={"metadata": metadata}), headers=())
        process = await running.span(f"process {INPUT}")
    assert ids(process) == (TRACE_ID, "b7ad6b7169203331")


@pytest.mark.asyncio
async def test_a_sender_that_does_not_sample_is_followed_and_nothing_is_exported() -> None:
    async with traced() as running:
        await running.sent(asking(0), headers=[("traceparent", SENDER[0][1][:-1] + b"0")])
        parent = running.answer_headers["traceparent"].decode()
    assert (parent[3:35], parent[-2:]) == (TRACE_ID, "00")
    assert parent != SENDER[0][1][:-1].decode() + "0"
    assert running.receiver.requests == []


@pytest.mark.asyncio
async def test_requests_side_by_side_keep_their_calls_apart() -> None:
    both = asyncio.Barrier(2)

    async def meets(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        await both.wait()
        return await echo(envelope)

    async with traced(ScriptedHandler(perform=meets, name="http")) as running:
        await running.sent(asking(0), asking(1), headers=())
        await running.span("GET")
    whole = {span.span_id: span.trace_id for span in running.receiver.spans if span.name.startswith("process")}
    below = {(span.parent_span_id, span.trace_id) for span in running.receiver.spans if span.name == "GET"}
    assert below == set(whole.items())
    assert len(set(whole.values())) == 2


@pytest.mark.asyncio
async def test_the_stop_brings_the_last_spans_out() -> None:
    async with traced() as running:
        await running.sent(asking(0))
        await running.host.close(grace_s=5.0)
    assert len(running.receiver.spans) == 3
    assert (running.traces.tracer.exported, running.traces.tracer.lost) == (3, 0)


@pytest.mark.asyncio
async def test_headers_of_an_export_may_be_secrets() -> None:
    reference = ModelSecretRef(secret_ref="otel", prefix="Bearer ")
    async with traced(headers={"Authorization": reference, "X-Scope": "a"}) as running:
        await running.sent(asking(0))
        await running.span("GET")
    (request, *_) = running.receiver.requests
    assert (request.method, request.target) == ("POST", "/v1/traces")
    assert request.headers["authorization"] == "Bearer s3cr3t"
    assert request.headers["x-scope"] == "a"
    assert request.headers["content-type"] == "application/x-protobuf"


@pytest.mark.asyncio
async def test_what_a_receiver_could_not_take_is_sent_again_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with traced() as running:
        running.receiver.status = 503
        await running.sent(asking(0))
        await until(lambda: bool(running.receiver.requests))
        running.receiver.status = 200
        await running.receiver.named("GET")
    said = [getattr(record, "event", None) for record in caplog.records if record.name == "onex.traces"]
    assert said == ["traces.not_taken", "traces.taken_again"]
    assert (running.traces.tracer.exported, running.traces.tracer.lost) == (3, 0)


@pytest.mark.asyncio
async def test_what_a_receiver_refuses_is_lost_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async with traced() as running:
        running.receiver.status = 401
        await running.sent(asking(0))
        await until(lambda: running.traces.tracer.lost == 3)
    assert "answered with 401: check observability.traces, its endpoint and headers" in caplog.text


@pytest.mark.asyncio
async def test_a_receiver_that_is_away_stops_neither_requests_nor_the_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with traced() as running:
        receiver = running.receiver
        await receiver.__aexit__(None, None, None)
        assert len(await running.sent(*map(asking, range(2_000)))) == 2_000
        begun = time.monotonic()
        assert await running.host.close(grace_s=10.0) == 0
        assert time.monotonic() - begun < 5.0
    assert (running.traces.tracer.exported, running.traces.tracer.lost) == (0, 6_000)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) <= 1


@pytest.mark.asyncio
async def test_a_receiver_that_hangs_costs_the_stop_no_more_than_its_step() -> None:
    async with traced(timeout_ms=60_000) as running:
        running.receiver.behave = lambda request, connection: connection.hang()
        await running.sent(asking(0))
        begun = time.monotonic()
        await running.host.close(grace_s=1.0)
        assert time.monotonic() - begun < 3.0
    assert running.traces.tracer.lost == 3
