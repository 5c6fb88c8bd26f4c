"""The client: what is submitted comes back under its key, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from omnibase_core.codec import encode
from omnibase_core.enums import EnumErrorCode
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    EnvelopeValidationError,
    EventBusError,
    HandlerExecutionError,
    PayloadTooLargeError,
)
from omnibase_core.runtime import NodeRuntime
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_infra.host.client import Client, Reply
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.engine import DeliveryEngine
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


def echo(envelope: ModelOnexEnvelope) -> JsonObject:
    return envelope.payload or {}


@asynccontextmanager
async def client_of(
    runtime: NodeRuntime, *, limit: int = 1_000, dead_letter: str | None = "onex.acme.orders.error.v1"
) -> AsyncIterator[tuple[Client, list[Reply]]]:
    """A client of an engine with this runtime, and the replies that nobody asked for by `request`."""
    binding = bus_binding(max_envelope_bytes=4_096, dead_letter=dead_letter)
    bus = InMemoryEventBus()
    await bus.initialize(binding)
    engine = DeliveryEngine(bus, runtime, binding, group="host", clock=Clock(now=lambda: NOW))
    await bus.subscribe(binding.topics.input, engine)
    replies: list[Reply] = []
    client = Client(bus, binding, on_reply=replies.append, limit=limit)
    await client.subscribe()
    consuming = asyncio.create_task(bus.start_consuming())
    try:
        yield client, replies
    finally:
        await bus.shutdown()
        await engine.close()
        await consuming


def records(numbers: Sequence[int]) -> list[tuple[bytes, bytes]]:
    """Requests under their numbers as keys."""
    return [(str(number).encode(), raw_request(number)) for number in numbers]


@pytest.mark.asyncio
async def test_a_request_gets_its_own_response() -> None:
    async with client_of(ImmediateRuntime(echo)) as (client, replies):
        responses = await asyncio.gather(*(client.request(request(number)) for number in range(20)))
        assert [response.payload for response in responses] == [{"number": number} for number in range(20)]
        assert [response.correlation_id for response in responses] == [
            request(n).correlation_id for n in range(20)
        ]
        assert replies == []


@pytest.mark.asyncio
async def test_the_same_envelope_sent_twice_has_two_responses_with_one_id() -> None:
    async with client_of(ImmediateRuntime(echo)) as (client, _):
        first, second = await asyncio.gather(client.request(request(7)), client.request(request(7)))
        assert first.envelope_id == second.envelope_id == request(7).response_id


@pytest.mark.asyncio
async def test_a_failure_is_a_response() -> None:
    def fail(_: ModelOnexEnvelope) -> JsonObject:
        raise HandlerExecutionError("The orders table is locked; try later")

    async with client_of(ImmediateRuntime(fail)) as (client, _):
        response = await client.request(request(1))
        assert response.error is not None
        assert response.error.message == "The orders table is locked; try later"


@pytest.mark.asyncio
async def test_what_is_submitted_comes_back_under_its_key() -> None:
    async with client_of(ImmediateRuntime(echo)) as (client, replies):
        await client.submit(records(range(5)))
        assert client.unanswered == {b"0", b"1", b"2", b"3", b"4"}
        await client.idle()
        assert {reply.key for reply in replies} == {b"0", b"1", b"2", b"3", b"4"}
        assert client.unanswered == frozenset()
        assert all(reply.refusal is None for reply in replies)


@pytest.mark.asyncio
async def test_submit_waits_while_too_many_are_unanswered() -> None:
    runtime = StepwiseRuntime()
    async with client_of(runtime, limit=2) as (client, _):
        submitting = asyncio.create_task(client.submit(records(range(5))))
        for number in range(5):
            await settled_loop(20)
            assert max(runtime.started) == min(number + 1, 4)
            assert submitting.done() is (number >= 3)
            runtime.finish(number)
        await submitting
        await client.idle()


@pytest.mark.asyncio
async def test_several_that_wait_at_the_limit_all_go_on() -> None:
    runtime = StepwiseRuntime()
    async with client_of(runtime, limit=1) as (client, replies):
        submitting = [asyncio.create_task(client.submit(records([number]))) for number in range(4)]
        await settled_loop(20)
        submitting[1].cancel()
        for _ in range(3):
            runtime.finish(runtime.started[-1])
            await settled_loop(20)
        await asyncio.wait_for(asyncio.gather(*submitting, return_exceptions=True), 1)
        await client.idle()
        assert [reply.key for reply in replies] == [b"0", b"2", b"3"]


@pytest.mark.asyncio
async def test_garbage_comes_back_as_a_refusal_that_says_where() -> None:
    async with client_of(ImmediateRuntime(echo)) as (client, replies):
        await client.submit([(b"1", b"{"), (b"2", b'{"envelope_id": 7}'), (b"3", raw_request(3))])
        await client.idle()
        refusals = {reply.key: reply.refusal for reply in replies}
        assert refusals[b"3"] is None
        for key in (b"1", b"2"):
            refusal = refusals[key]
            assert refusal is not None
            assert refusal.code is EnumErrorCode.ENVELOPE_VALIDATION_ERROR
            assert refusal.message.startswith("$")
        details = [refusal.details for refusal in refusals.values() if refusal is not None]
        assert details == [{"path": "$", "offset": 1}, {"path": "$.envelope_id"}]


@pytest.mark.asyncio
async def test_what_is_too_large_comes_back_as_a_refusal() -> None:
    async with client_of(ImmediateRuntime(echo)) as (client, replies):
        await client.submit([(b"1", b"x" * 5_000)])
        await client.idle()
        (reply,) = replies
        assert reply.refusal is not None
        assert reply.refusal.code is EnumErrorCode.PAYLOAD_TOO_LARGE
        with pytest.raises(PayloadTooLargeError, match=r"5\d{3} bytes, the bus takes .*; send less"):
            await client.request(request(1, payload={"text": "x" * 5_000}))


@pytest.mark.asyncio
async def test_a_request_that_is_none_is_refused_with_its_path_once() -> None:
    response = request(1).reply({}, timestamp=NOW)
    async with client_of(ImmediateRuntime(echo)) as (client, _):
        with pytest.raises(EnvelopeValidationError) as raised:
            await client.request(response)
        assert raised.value.path == "$.is_response"
        assert raised.value.message.count("$.is_response") == 1


@pytest.mark.asyncio
async def test_a_dead_letter_of_a_node_is_no_reply_for_its_response_comes_too() -> None:
    runtime = StepwiseRuntime()
    async with client_of(runtime) as (client, replies):
        await client.submit(records([1]))
        letters = Source(bus_binding().topics.dead_letter or "", 0, 0)
        client.deliver([Delivery(letters, 0, raw_request(1), b"1", (("onex-dlq-stage", b"node"),), 0)])
        assert client.unanswered == {b"1"}
        await settled_loop(20)
        runtime.finish(1)
        await client.idle()
        assert [reply.refusal for reply in replies] == [None]


@pytest.mark.asyncio
async def test_records_of_others_are_left_alone() -> None:
    async with client_of(ImmediateRuntime(echo)) as (client, replies):
        output = Source(bus_binding().topics.output, 0, 0)
        client.deliver([Delivery(output, 0, b"?", key, (), 0) for key in (None, b"a stranger's")])
        assert replies == []


@pytest.mark.asyncio
async def test_it_works_without_a_dead_letter_topic() -> None:
    async with client_of(ImmediateRuntime(echo), dead_letter=None) as (client, _):
        assert (await client.request(request(1))).success


@pytest.mark.asyncio
async def test_a_request_that_is_given_up_leaves_no_trace_when_its_reply_comes() -> None:
    runtime = StepwiseRuntime()
    async with client_of(runtime) as (client, replies):
        asking = asyncio.create_task(client.request(request(1)))
        await settled_loop(20)
        asking.cancel()
        runtime.finish(1)
        await client.idle()
        assert replies == []


@pytest.mark.asyncio
async def test_idle_returns_at_once_when_nothing_was_submitted() -> None:
    async with client_of(ImmediateRuntime(echo)) as (client, _):
        await asyncio.wait_for(client.idle(), 0.1)


@pytest.mark.asyncio
async def test_whoever_waits_is_told_when_the_host_stops() -> None:
    async with client_of(StepwiseRuntime(), limit=2) as (client, _):
        asking = asyncio.create_task(client.request(request(1)))
        await settled_loop(20)
        waiting = [asyncio.create_task(client.submit(records(range(3, 6)))), asyncio.create_task(client.idle())]
        await settled_loop()
        client.close()
        for task in (asking, *waiting):
            with pytest.raises(EventBusError, match="stopped before the reply came"):
                await asyncio.wait_for(task, 1)
        for late in (client.request(request(9)), client.submit(records([9]))):
            with pytest.raises(EventBusError):
                await late


@pytest.mark.asyncio
async def test_a_request_to_a_bus_that_does_not_run_is_an_event_bus_error() -> None:
    client = Client(InMemoryEventBus(), bus_binding())
    with pytest.raises(EventBusError, match="not running"):
        await client.request(request(1))
    await client.submit([(b"1", encode(request(1)))])
    await client.idle()
