"""What goes out for a delivery: responses, small ones, dead letters, and what is left of a defect of ours."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from omnibase_core.codec import decode, encode
from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.enums import EnumErrorCode, EnumSettlement
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import HandlerExecutionError
from omnibase_core.runtime import NodeInstance, NodeRuntime
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.engine import DeliveryEngine
from omnibase_infra.host.flight import Flight, Stream
from omnibase_infra.host.lanes import Carrier, Lanes
from omnibase_infra.host.messages import dead_letter_message, response_message
from omnibase_infra.host.outbox import Outbox
from omnibase_spi.event_bus import Delivery, Message, Source

from tests.fakes.runtimes import (
    NOW,
    ImmediateRuntime,
    bus_binding,
    raw_request,
    request,
    settled_loop,
)
from tests.fakes.simulated_bus import INPUT, SimulatedBus

CLOCK = Clock(now=lambda: NOW)
LETTERS = bus_binding().topics.dead_letter
VALUE = encode(request(1).reply({}, timestamp=NOW))
RECORD = Delivery(Source(INPUT, 3, 1), 17, b"{", b"key", (), 1_700_000_000_000)
_DEAD_LETTERING = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "node"
node_type: "COMPUTE"
input_model: {name: "ModelIn", fields: [{name: "number", type: "integer"}]}
output_model: {name: "ModelOut", fields: []}
on_failure: "dead_letter"
"""


def echo(envelope: ModelOnexEnvelope) -> JsonObject:
    return envelope.payload or {}


@asynccontextmanager
async def engine_on(
    bus: SimulatedBus, runtime: NodeRuntime, *, clock: Clock = CLOCK, max_envelope_bytes: int = 1_048_576
) -> AsyncIterator[DeliveryEngine]:
    """An engine with this runtime, assigned its stream."""
    binding = bus_binding(max_envelope_bytes=max_envelope_bytes)
    engine = DeliveryEngine(bus, runtime, binding, group="orders-host", clock=clock)
    await bus.subscribe(INPUT, engine)
    bus.assign()
    yield engine
    await engine.close()


async def through(bus: SimulatedBus, *values: bytes, key: bytes | None = b"key") -> list[Message]:
    """What is published for these records once everything is acknowledged."""
    for value in values:
        bus.append(key, value)
    bus.poll(len(values))
    for _ in range(3):
        await settled_loop()
        await asyncio.sleep(0.005)  # small answers leave by a timer of no delay
        for partition in list(bus.queued):
            bus.acknowledge(partition)
    return bus.published


def failing(*, error: Callable[[], Exception]) -> ImmediateRuntime:
    """A runtime in which everything fails like this."""

    def fail(_: ModelOnexEnvelope) -> JsonObject:
        raise error()

    return ImmediateRuntime(fail)


@pytest.mark.asyncio
async def test_a_node_that_says_so_has_its_failures_answered_and_dead_lettered() -> None:
    def fail(_: dict[str, object]) -> dict[str, object]:
        raise ValueError("no")

    bus = SimulatedBus()
    runtime = NodeRuntime()
    runtime.register_node(NodeInstance(parse_node_contract(_DEAD_LETTERING), fail))
    async with engine_on(bus, runtime):
        answer, letter = await through(bus, raw_request(1))
    assert (answer.topic, letter.topic) == (bus_binding().topics.output, LETTERS)
    assert letter.value == raw_request(1)
    headers = dict(letter.headers)
    assert (headers["onex-dlq-stage"], headers["onex-dlq-node"]) == (b"node", b"node")
    assert headers["onex-dlq-code"] == b"HANDLER_EXECUTION_ERROR"
    assert [settlement for _, _, settlement in bus.settled] == [EnumSettlement.DEAD_LETTERED]


def test_a_dead_letter_of_an_operation_names_it_and_counts_replays() -> None:
    replayed = RECORD._replace(headers=(("traceparent", b"00"), ("onex-dlq-replay-count", b"2")))
    error = HandlerExecutionError("no", operation="http.get")
    letter = dead_letter_message(
        replayed, error, topic="letters", group="g", failed_at=NOW, stage="node", node="pages", context=None
    )
    headers = dict(letter.headers)
    assert (headers["onex-dlq-operation"], headers["onex-dlq-replay-count"]) == (b"http.get", b"2")
    assert headers["traceparent"] == b"00"
    assert [name for name, _ in letter.headers].count("onex-dlq-replay-count") == 1
    assert (headers["__dlq.errors.partition"], headers["__dlq.errors.offset"]) == (b"3", b"17")


def test_a_response_passes_the_trace_on_and_names_its_target() -> None:
    record = RECORD._replace(headers=(("traceparent", b"00"), ("tracestate", b"a=1"), ("x-other", b"1")))
    headers = dict(response_message(VALUE, "client", record, "out", None).headers)
    assert (headers["traceparent"], headers["tracestate"]) == (b"00", b"a=1")
    assert headers["onex-target-node"] == b"client"
    assert "x-other" not in headers


def test_a_response_without_a_target_or_a_key_has_the_correlation_id_as_its_key() -> None:
    message = response_message(VALUE, None, RECORD._replace(key=None), "out", None)
    assert message.key == str(UUID(int=2)).encode()
    assert "onex-target-node" not in dict(message.headers)


@pytest.mark.asyncio
async def test_metadata_that_is_itself_too_large_is_left_out_of_the_small_answer() -> None:
    large = request(1).model_copy(update={"metadata": {"note": "x" * 3_000}})
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(lambda _: {"text": "x" * 5_000}), max_envelope_bytes=4_096):
        (answer,) = await through(bus, encode(large))
    small = decode(answer.value)
    assert small.metadata == {"metadata_omitted": True, "original_target_node": "node"}
    assert small.error is not None
    assert small.error.code is EnumErrorCode.PAYLOAD_TOO_LARGE


@pytest.mark.asyncio
async def test_a_message_that_the_bus_will_take_in_no_form_is_dropped_and_said_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus = SimulatedBus(limit_bytes=10)
    async with engine_on(bus, ImmediateRuntime(echo)):
        with caplog.at_level(logging.ERROR):
            assert await through(bus, raw_request(1)) == []
    assert [settlement for _, _, settlement in bus.settled] == [EnumSettlement.SKIPPED]
    (line,) = [vars(record) for record in caplog.records]
    assert (line["event"], line["offset"]) == ("delivery.unpublishable", 0)


@pytest.mark.asyncio
async def test_a_dead_letter_that_the_bus_will_not_take_goes_there_without_its_value() -> None:
    def fail(_: dict[str, object]) -> dict[str, object]:
        raise ValueError("no")

    bus = SimulatedBus(limit_bytes=1_200)
    runtime = NodeRuntime()
    runtime.register_node(NodeInstance(parse_node_contract(_DEAD_LETTERING), fail))
    padded = raw_request(1) + b" " * 2_000
    async with engine_on(bus, runtime):
        answer, letter = await through(bus, padded)
    assert decode(answer.value).success is False
    assert (letter.topic, letter.value) == (LETTERS, b"")
    assert dict(letter.headers)["onex-dlq-value-omitted"] == str(len(padded)).encode()
    assert dict(letter.headers)["__dlq.errors.offset"] == b"0"
    assert [settlement for _, _, settlement in bus.settled] == [EnumSettlement.DEAD_LETTERED]


@pytest.mark.asyncio
async def test_a_defect_while_a_record_is_read_stops_no_bus_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> UUID:
        raise KeyError("x")

    bus = SimulatedBus()
    bare = encode(request(1).model_copy(update={"correlation_id": None}))
    async with engine_on(bus, ImmediateRuntime(echo), clock=Clock(now=lambda: NOW, new_id=broken)):
        with caplog.at_level(logging.CRITICAL):
            letter, answer = await through(bus, bare, raw_request(2))
    assert (letter.topic, answer.topic) == (LETTERS, bus_binding().topics.output)
    assert [vars(record)["event"] for record in caplog.records] == ["delivery.unforeseen"]


@pytest.mark.asyncio
async def test_a_failure_of_our_own_is_a_debug_line_and_one_with_a_cause_has_its_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def with_cause() -> Exception:
        error = HandlerExecutionError("with a cause")
        error.__cause__ = KeyError("x")
        return error

    with caplog.at_level(logging.DEBUG, logger="onex.delivery"):
        for error in (with_cause, lambda: HandlerExecutionError("without")):
            bus = SimulatedBus()
            async with engine_on(bus, failing(error=error)):
                await through(bus, raw_request(1))
    lines = [(line.levelname, line.getMessage(), line.exc_info is not None) for line in caplog.records]
    assert lines == [
        ("ERROR", "HANDLER_EXECUTION_ERROR: with a cause", True),
        ("DEBUG", "HANDLER_EXECUTION_ERROR: without", False),
    ]
    assert {vars(line)["correlation_id"] for line in caplog.records} == {UUID(int=2)}


@pytest.mark.asyncio
async def test_a_publish_that_fails_once_its_delivery_is_over_is_not_repeated() -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo)) as engine:
        bus.append(b"key", raw_request(1))
        bus.poll(1)
        await settled_loop()
        await bus.revoke(0.0)
        bus.fail(bus.partition_of(b"key"))
        assert engine.progress.held == 0


@pytest.mark.asyncio
async def test_what_is_held_when_its_stream_goes_away_is_not_published_again() -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo)) as engine:
        bus.append(b"key", raw_request(1))
        bus.poll(1)
        await settled_loop()
        bus.fail(bus.partition_of(b"key"))
        assert engine.progress.held == 1
        await bus.revoke(0.0)
        await asyncio.sleep(0.15)  # the first delay before publishing again, by design
        assert (engine.progress.held, engine.progress.republished, bus.in_queue) == (0, 0, 0)


@pytest.mark.asyncio
async def test_publishing_that_works_again_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo)):
        with caplog.at_level(logging.INFO, logger="onex.engine"):
            for number in range(2):
                bus.append(None, raw_request(number))
            bus.poll(2)
            await settled_loop()
            for partition in (0, 1):
                bus.fail(partition)
            await asyncio.sleep(0.15)  # the first delay before publishing again, by design
            for partition in (0, 1):
                bus.acknowledge(partition)
    told = [vars(record)["event"] for record in caplog.records]
    assert told == ["engine.publish_failed", "engine.publish_recovered"]


@pytest.mark.asyncio
async def test_a_result_that_cannot_be_written_is_an_internal_error_and_takes_no_other_answer_along() -> None:
    def half_of_them(envelope: ModelOnexEnvelope) -> JsonObject:
        return {"bad": object()} if envelope.envelope_id.int == 1 else {}  # type: ignore[dict-item]  # on purpose

    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(half_of_them)):
        answers = [decode(message.value) for message in await through(bus, raw_request(0), raw_request(1))]
    assert [answer.error and answer.error.code for answer in answers] == [EnumErrorCode.INTERNAL_ERROR, None]


@pytest.mark.asyncio
async def test_what_waits_for_its_acknowledgement_is_bytes_and_no_envelope_any_more() -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo)):
        bus.append(b"key", raw_request(0))
        bus.poll(1)
        await settled_loop()
        (waiting,) = (message for partition in bus.queued.values() for message, _ in partition)
        assert isinstance(waiting.context, Flight)
        assert (waiting.context.cargo, waiting.context.correlation_id) == (
            None,
            decode(raw_request(0)).correlation_id,
        )


@pytest.mark.asyncio
async def test_outcomes_of_large_requests_do_not_wait_for_the_end_of_the_step() -> None:
    composed: list[int] = []

    def compose(flights: Sequence[Flight]) -> list[Message]:
        composed.append(len(flights))
        return []

    outbox = Outbox(SimulatedBus(), compose, lambda flight, settlement: None, lambda message, error: None)
    stream = Stream(Source(INPUT, 3, 1))
    for position in range(3):
        outbox.post(stream.take_off(RECORD._replace(position=position, value=b" " * 70_000), 0.0))
    assert composed == [2]
    await settled_loop()
    assert composed == [2, 1]


@pytest.mark.asyncio
async def test_an_engine_that_is_closed_publishes_nothing_that_it_held() -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo)) as engine:
        bus.append(b"key", raw_request(1))
        bus.poll(1)
        await settled_loop()
        bus.fail(bus.partition_of(b"key"))
        await engine.close()
        await asyncio.sleep(0.15)  # the first delay before publishing again, by design
        assert bus.in_queue == 0


@pytest.mark.asyncio
async def test_a_lane_worker_that_dies_is_replaced_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    carried: list[int] = []

    class DyingAtTheFirst:
        def admit(self, flight: Flight) -> None:
            """Needs no cargo."""

        async def carry(self, flight: Flight) -> None:
            if flight.sequence == 1:
                raise KeyError("x")
            carried.append(flight.sequence)

    dying = DyingAtTheFirst()
    lanes = Lanes(Carrier(dying.admit, dying.carry), lambda: None, 1)
    stream = Stream(Source(INPUT, 0, 0))
    for position in range(3):
        record = RECORD._replace(position=position)
        lanes.put(stream.take_off(record, 0.0), b"key")
    with caplog.at_level(logging.CRITICAL):
        await settled_loop()
    assert carried == [2, 3]
    assert [vars(record)["event"] for record in caplog.records] == ["engine.lane_died"]
    await lanes.close()
