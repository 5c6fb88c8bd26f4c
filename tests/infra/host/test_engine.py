"""The delivery engine, a step at a time, on a bus whose every move the test makes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from omnibase_core.codec import decode
from omnibase_core.enums import EnumErrorCode, EnumHandlerType, EnumSettlement
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import HandlerExecutionError
from omnibase_core.runtime import NodeResult, NodeRuntime
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.engine import DeliveryEngine
from omnibase_infra.host.flight import Flight
from omnibase_spi.event_bus import Delivery, Source

from tests.fakes.runtimes import (
    NOW,
    ImmediateRuntime,
    StepwiseRuntime,
    bus_binding,
    raw_request,
    request,
    settled_loop,
)
from tests.fakes.simulated_bus import INPUT, SimulatedBus

CLOCK = Clock(now=lambda: NOW)


def echo(envelope: ModelOnexEnvelope) -> JsonObject:
    return envelope.payload or {}


@asynccontextmanager
async def engine_on(
    bus: SimulatedBus, runtime: NodeRuntime, *, clock: Clock = CLOCK, **binding: object
) -> AsyncIterator[DeliveryEngine]:
    engine = DeliveryEngine(bus, runtime, bus_binding(**binding), group="orders-host", clock=clock)  # type: ignore[arg-type]  # the test names fields of the binding
    await bus.subscribe(INPUT, engine)
    bus.assign()
    yield engine
    await engine.close()


def published_numbers(bus: SimulatedBus) -> list[int]:
    """The requests that have an acknowledged response, in the order of acknowledgement."""
    causes = [decode(message.value).causation_id for message in bus.published]
    return [cause.int - 1 for cause in causes if cause is not None]


@pytest.mark.asyncio
async def test_an_answer_that_was_queued_when_an_earlier_one_failed_does_not_overtake_it() -> None:
    bus = SimulatedBus()
    runtime = ImmediateRuntime(echo)
    async with engine_on(bus, runtime):
        for number in range(3):
            bus.append(b"same", raw_request(number))
        bus.poll(2)
        await settled_loop()
        partition = bus.partition_of(b"same")
        bus.poll(1)  # the third is answered in the very step in which the first two fail
        bus.fail(partition)
        await settled_loop()
        assert bus.in_queue == 0
        await asyncio.sleep(0.15)  # the first delay before publishing again, by design
        bus.acknowledge(partition)
        assert published_numbers(bus) == [0, 1, 2]


@pytest.mark.asyncio
async def test_a_failed_answer_is_published_again_without_running_its_node_again() -> None:
    bus = SimulatedBus()
    runtime = ImmediateRuntime(echo)
    async with engine_on(bus, runtime) as engine:
        bus.append(b"k", raw_request(0))
        bus.poll(1)
        await settled_loop()
        bus.fail(bus.partition_of(b"k"))
        assert bus.frontier_of[bus.source].next_position == 0
        await asyncio.sleep(0.15)  # the first delay, by design
        bus.acknowledge(bus.partition_of(b"k"))
        assert runtime.started == [0]
        assert engine.progress.republished == 1
        assert bus.frontier_of[bus.source].next_position == 1


@pytest.mark.asyncio
async def test_nothing_is_settled_before_its_answer_is_acknowledged() -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo)):
        bus.append(b"k", raw_request(0))
        bus.poll(1)
        await settled_loop()
        assert bus.settled == []
        bus.acknowledge(bus.partition_of(b"k"))
        assert bus.settled == [(bus.source, 0, EnumSettlement.DONE)]


@pytest.mark.asyncio
async def test_a_lane_goes_on_without_waiting_for_acknowledgements() -> None:
    bus = SimulatedBus()
    runtime = ImmediateRuntime(echo)
    async with engine_on(bus, runtime):
        for number in range(20):
            bus.append(b"one key", raw_request(number))
        bus.poll(20)
        await settled_loop()
        assert runtime.started == list(range(20))
        assert bus.in_queue == 20


@pytest.mark.asyncio
async def test_a_released_delivery_leaves_the_window_and_wakes_the_revoke() -> None:
    bus = SimulatedBus()
    runtime = StepwiseRuntime()
    async with engine_on(bus, runtime, window=2) as engine:
        for number in range(4):
            bus.append(b"k", raw_request(number))
        bus.poll(4)
        await settled_loop()
        revoking = asyncio.create_task(bus.revoke(5.0))
        await settled_loop()
        runtime.finish(0)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        await asyncio.wait_for(revoking, 1.0)
        assert engine.progress.in_flight == 0
        assert [entry[2] for entry in bus.settled].count(EnumSettlement.RELEASED) == 3


@pytest.mark.asyncio
async def test_a_dead_letter_does_not_overtake_the_answers_of_its_key() -> None:
    bus = SimulatedBus()
    runtime = StepwiseRuntime()
    async with engine_on(bus, runtime):
        bus.append(b"k", raw_request(0))
        bus.append(b"k", b"no envelope")
        bus.poll(2)
        await settled_loop()
        assert bus.in_queue == 0
        runtime.finish(0)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        assert [message.topic.split(".")[3] for message in bus.published] == ["evt", "error"]


@pytest.mark.asyncio
async def test_a_redelivery_waits_behind_the_old_run_of_its_key() -> None:
    bus = SimulatedBus()
    runtime = StepwiseRuntime()
    async with engine_on(bus, runtime):
        bus.append(b"k", raw_request(0))
        bus.poll(1)
        await settled_loop()
        await bus.revoke(0.0)
        bus.assign()
        bus.poll(1)
        await settled_loop()
        assert runtime.started == [0]
        runtime.finish(0)
        await settled_loop()
        assert runtime.started == [0, 0]


@pytest.mark.asyncio
async def test_what_finishes_after_its_stream_closed_publishes_and_settles_nothing() -> None:
    bus = SimulatedBus()
    runtime = StepwiseRuntime()
    async with engine_on(bus, runtime) as engine:
        bus.append(b"k", raw_request(0))
        bus.poll(1)
        await settled_loop()
        await bus.revoke(0.0)
        runtime.finish(0)
        await settled_loop()
        assert bus.in_queue == 0
        assert [entry[2] for entry in bus.settled] == [EnumSettlement.RELEASED]
        assert engine.progress.given_up == 1


@pytest.mark.asyncio
async def test_a_drain_during_a_revoke_ends_when_the_revoke_does() -> None:
    bus = SimulatedBus()
    runtime = StepwiseRuntime()
    async with engine_on(bus, runtime) as engine:
        bus.append(b"k", raw_request(0))
        bus.poll(1)
        await settled_loop()
        revoking = asyncio.create_task(bus.revoke(60.0))
        await settled_loop()
        draining = asyncio.create_task(engine.drain(asyncio.get_running_loop().time() + 60.0))
        await settled_loop()
        runtime.finish(0)
        await settled_loop()
        assert bus.acknowledge(bus.partition_of(b"k")) == 1
        async with asyncio.timeout(5):
            await asyncio.gather(revoking, draining)
        assert engine.progress.given_up == 0


@pytest.mark.asyncio
async def test_a_revoke_finishes_up_to_the_highest_started_record_and_releases_the_rest() -> None:
    bus = SimulatedBus()
    runtime = StepwiseRuntime()
    async with engine_on(bus, runtime):
        for number, key in enumerate([b"a", b"a", b"b", b"a"]):
            bus.append(key, raw_request(number))
        bus.poll(4)
        await settled_loop()
        assert runtime.started == [0, 2]
        revoking = asyncio.create_task(bus.revoke(5.0))
        for number in (2, 0, 1):
            await settled_loop()
            runtime.finish(number)
        await settled_loop()
        for partition in (0, 1):
            bus.acknowledge(partition)
        await asyncio.wait_for(revoking, 1.0)
        assert runtime.started == [0, 2, 1]
        assert bus.committed == 3


@pytest.mark.asyncio
async def test_a_delivery_from_a_source_nobody_announced_is_run() -> None:
    bus = SimulatedBus()
    runtime = ImmediateRuntime(echo)
    async with engine_on(bus, runtime) as engine:
        engine.deliver([Delivery(Source(INPUT, 7, 3), 0, raw_request(5), b"k", (), 0)])
        await settled_loop()
        assert runtime.started == [5]


@pytest.mark.asyncio
async def test_a_burst_that_needs_no_waiting_wakes_few_workers() -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo), window=1_000):
        for number in range(500):
            bus.append(None, raw_request(number))
        bus.poll(500)
        await settled_loop(40)
        lanes = [task for task in asyncio.all_tasks() if task.get_name() == "onex-lane"]
        assert len(lanes) < 10


@pytest.mark.asyncio
async def test_a_record_whose_outcome_cannot_be_recorded_stops_no_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = SimulatedBus()
    runtime = ImmediateRuntime(echo)
    async with engine_on(bus, runtime) as engine:
        monkeypatch.setattr(engine._outbox, "post", _raising_once(engine._outbox.post))  # noqa: SLF001
        for number in range(2):
            bus.append(b"k", raw_request(number))
        bus.poll(2)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        assert published_numbers(bus)[-1] == 1


@pytest.mark.asyncio
async def test_busy_keys_do_not_block_each_other() -> None:
    bus = SimulatedBus()
    runtime = StepwiseRuntime()
    async with engine_on(bus, runtime):
        for number in range(10):
            bus.append(f"key {number}".encode(), raw_request(number))
        bus.poll(10)
        await settled_loop(30)
        assert sorted(runtime.started) == list(range(10))


@pytest.mark.asyncio
@pytest.mark.parametrize(("ordering", "at_once"), [("key", 2), ("partition", 1), ("none", 4)])
async def test_ordering_decides_what_runs_at_once(ordering: str, at_once: int) -> None:
    bus = SimulatedBus()
    runtime = StepwiseRuntime()
    async with engine_on(bus, runtime, ordering=ordering):
        for number, key in enumerate([b"a", b"b", b"a", b"b"]):
            bus.append(key, raw_request(number))
        bus.poll(4)
        await settled_loop()
        assert len(runtime.started) == at_once


@pytest.mark.asyncio
async def test_a_full_window_pauses_its_source_until_the_threshold() -> None:
    bus = SimulatedBus()
    runtime = StepwiseRuntime()
    async with engine_on(bus, runtime, window=10, threshold=50):
        for number in range(10):
            bus.append(None, raw_request(number))
        bus.poll(10)
        await settled_loop()
        for number in range(5):
            assert bus.source in bus.paused
            runtime.finish(number)
            await settled_loop()
            bus.acknowledge(0)
            bus.acknowledge(1)
        assert bus.source not in bus.paused


@pytest.mark.asyncio
async def test_a_request_whose_time_has_passed_is_answered_and_not_run() -> None:
    bus = SimulatedBus()
    runtime = ImmediateRuntime(echo)
    late = Clock(now=lambda: NOW.replace(minute=1))
    async with engine_on(bus, runtime, clock=late):
        bus.append(b"k", json.dumps({**json.loads(raw_request(0)), "ttl_seconds": 30}).encode())
        bus.poll(1)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        answer = decode(bus.published[0].value)
        assert runtime.started == []
        assert answer.error is not None
        assert answer.error.code is EnumErrorCode.ENVELOPE_EXPIRED


@pytest.mark.parametrize(("handler_type", "effect"), [(EnumHandlerType.DB, "performed"), (None, None)])
@pytest.mark.asyncio
async def test_a_response_over_the_limit_says_that_its_effect_was_performed(
    handler_type: EnumHandlerType | None, effect: str | None
) -> None:
    bus = SimulatedBus()

    class Wordy(NodeRuntime):
        async def route_envelope(self, envelope: ModelOnexEnvelope) -> NodeResult:
            return NodeResult({"text": "x" * 10_000}, handler_type, None)

    async with engine_on(bus, Wordy(), max_envelope_bytes=4_096):
        bus.append(b"k", raw_request(0))
        bus.poll(1)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        error = decode(bus.published[0].value).error
    assert error is not None
    assert error.code is EnumErrorCode.PAYLOAD_TOO_LARGE
    assert error.details.get("effect") == effect


@pytest.mark.asyncio
async def test_a_response_over_the_limit_becomes_a_small_error_in_its_place() -> None:
    bus = SimulatedBus()
    answers: dict[int, JsonObject] = {0: {"text": "x" * 10_000}, 1: {}}
    runtime = ImmediateRuntime(lambda envelope: answers[envelope.envelope_id.int - 1])
    async with engine_on(bus, runtime, max_envelope_bytes=4_096):
        for number in range(2):
            bus.append(b"k", raw_request(number))
        bus.poll(2)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        assert published_numbers(bus) == [0, 1]
        error = decode(bus.published[0].value).error
        assert error is not None
        assert error.code is EnumErrorCode.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize("asked", [0, 100_000], ids=["small request", "large request"])
@pytest.mark.asyncio
async def test_a_message_that_only_the_bus_finds_too_large_becomes_a_small_error(asked: int) -> None:
    bus = SimulatedBus(limit_bytes=1_500)
    runtime = ImmediateRuntime(lambda _: {"text": "x" * 3_000})
    async with engine_on(bus, runtime):
        bus.append(b"k", json.dumps({**json.loads(raw_request(0)), "payload": {"text": "x" * asked}}).encode())
        bus.poll(1)
        await settled_loop()
        await asyncio.sleep(0.01)  # the small answer leaves by a timer of no delay
        bus.acknowledge(bus.partition_of(b"k"))
        answer = decode(bus.published[0].value)
        assert answer.error is not None
        assert answer.error.details["limit_bytes"] == 1_500
        assert answer.correlation_id == request(0).correlation_id
        assert bus.frontier_of[bus.source].next_position == 1


@pytest.mark.asyncio
async def test_a_request_without_correlation_id_gets_one_and_its_response_echoes_it() -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo)):
        bare = {**json.loads(raw_request(0)), "correlation_id": None}
        bus.append(b"k", json.dumps(bare).encode())
        bus.poll(1)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        answer = decode(bus.published[0].value)
        headers = dict(bus.published[0].headers)
        assert answer.correlation_id is not None
        assert headers["onex-correlation-id"] == str(answer.correlation_id).encode()
        assert headers["onex-envelope-id"] == str(request(0).response_id).encode()


@pytest.mark.asyncio
async def test_an_unforeseen_exception_is_answered_without_its_text() -> None:
    bus = SimulatedBus()

    def broken(_: ModelOnexEnvelope) -> JsonObject:
        raise KeyError("secret-looking detail")

    async with engine_on(bus, ImmediateRuntime(broken)):
        bus.append(b"k", raw_request(0))
        bus.poll(1)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        answer = decode(bus.published[0].value)
        assert answer.error is not None
        assert answer.error.code is EnumErrorCode.INTERNAL_ERROR
        assert b"secret-looking" not in bus.published[0].value


@pytest.mark.asyncio
async def test_a_cancellation_that_nobody_asked_for_is_answered_like_any_other_exception() -> None:
    bus = SimulatedBus()

    def cancelled(_: ModelOnexEnvelope) -> JsonObject:
        raise asyncio.CancelledError

    async with engine_on(bus, ImmediateRuntime(cancelled)):
        for number in range(3):
            bus.append(b"k", raw_request(number))
        bus.poll(3)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        codes = [answer.error and answer.error.code for answer in (decode(sent.value) for sent in bus.published)]
        assert codes == [EnumErrorCode.INTERNAL_ERROR] * 3


@pytest.mark.asyncio
async def test_without_a_dead_letter_topic_a_record_that_is_no_envelope_is_skipped() -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo), dead_letter=None):
        bus.append(None, b"{")
        bus.poll(1)
        await settled_loop()
        assert bus.settled == [(bus.source, 0, EnumSettlement.SKIPPED)]


@pytest.mark.asyncio
async def test_a_dead_letter_keeps_the_record_and_says_where_it_came_from_and_why() -> None:
    bus = SimulatedBus()
    async with engine_on(bus, ImmediateRuntime(echo)):
        bus.append(b"k", b'{"envelope_id": 1}')
        bus.poll(1)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        letter = bus.published[0]
        headers = {name: value.decode() for name, value in letter.headers}
        assert (letter.key, letter.value, letter.timestamp_ms) == (b"k", b'{"envelope_id": 1}', 1_700_000_000_000)
        assert headers["__dlq.errors.topic"] == INPUT
        assert headers["__dlq.errors.offset"] == "0"
        assert headers["__dlq.errors.group"] == "orders-host"
        assert headers["onex-dlq-code"] == "ENVELOPE_VALIDATION_ERROR"
        assert headers["onex-dlq-stage"] == "decode"


@pytest.mark.asyncio
async def test_a_failing_node_is_answered_with_its_error() -> None:
    bus = SimulatedBus()

    def fail(_: ModelOnexEnvelope) -> JsonObject:
        raise HandlerExecutionError("The orders table is locked; try later", details={"sqlstate": "55P03"})

    async with engine_on(bus, ImmediateRuntime(fail)):
        bus.append(b"k", raw_request(0))
        bus.poll(1)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        answer = decode(bus.published[0].value)
        assert answer.error is not None
        assert answer.error.details == {"sqlstate": "55P03"}
        assert bus.settled[0][2] is EnumSettlement.DONE


def _raising_once(post: object) -> object:
    calls: list[Flight] = []

    def posting(message: object) -> None:
        if not calls:
            calls.append(message)  # type: ignore[arg-type]  # only their number is read
            raise TypeError("simulated defect")
        post(message)  # type: ignore[operator]  # the outbox's own method

    return posting
