"""The in-memory bus, beyond what every bus promises: bounded, fair, and nothing dropped while it runs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.codec import decode
from omnibase_core.enums import EnumHealth, EnumSettlement
from omnibase_core.errors import EventBusError, MessageTooLargeError
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_spi.conformance.stand import Receipts, Subscriber
from omnibase_spi.event_bus import Delivery, Message, Source

from tests.fakes.runtimes import bus_binding, request, settled_loop

INPUT = bus_binding().topics.input
OUTPUT = bus_binding().topics.output


def messages(numbers: Sequence[int], topic: str = INPUT) -> list[Message]:
    """Messages whose values and contexts are the numbers."""
    return [Message(topic, str(number).encode(), b"key", (), number) for number in numbers]


def numbers(deliveries: Sequence[Delivery]) -> list[int]:
    """The numbers of what was delivered."""
    return [int(delivery.value) for delivery in deliveries]


@asynccontextmanager
async def bus_of(
    capacity: int = 1_000, *, consuming: bool = True
) -> AsyncIterator[tuple[InMemoryEventBus, Subscriber]]:
    """A bus with a subscriber of the input topic."""
    bus = InMemoryEventBus(capacity)
    await bus.initialize(bus_binding(max_envelope_bytes=4_096))
    subscriber = Subscriber()
    await bus.subscribe(INPUT, subscriber)
    task = asyncio.create_task(bus.start_consuming()) if consuming else None
    try:
        yield bus, subscriber
    finally:
        await bus.shutdown()
        if task is not None:
            await asyncio.wait_for(asyncio.wait([task]), 1)


@pytest.mark.asyncio
async def test_a_full_topic_makes_publishers_wait_in_order_and_drops_nothing() -> None:
    async with bus_of(capacity=3, consuming=False) as (bus, subscriber):
        receipts = Receipts(bus)
        receipts.publish(messages(range(5)))
        receipts.publish(messages(range(5, 8)))
        await settled_loop()
        assert [message.context for message, _ in receipts.told] == [0, 1, 2]
        consuming = asyncio.create_task(bus.start_consuming())
        assert numbers(await subscriber.has(8)) == list(range(8))
        await receipts.all_told(8)
        assert [message.context for message, _ in receipts.told] == list(range(8))
        assert receipts.errors == []
        bus.stop_consuming()
        await consuming


@pytest.mark.asyncio
async def test_a_full_topic_holds_nobody_at_another_one() -> None:
    async with bus_of(capacity=1, consuming=False) as (bus, _):
        receipts = Receipts(bus)
        receipts.publish([*messages([1, 2]), *messages([3], OUTPUT)])
        await settled_loop()
        assert [message.context for message, _ in receipts.told] == [1, 3]


@pytest.mark.asyncio
async def test_publish_envelope_waits_while_the_topic_is_full() -> None:
    async with bus_of(capacity=1, consuming=False) as (bus, subscriber):
        await bus.publish_envelope(request(1), INPUT)
        waiting = asyncio.create_task(bus.publish_envelope(request(2), INPUT, key=b"2"))
        await settled_loop()
        assert not waiting.done()
        consuming = asyncio.create_task(bus.start_consuming())
        await asyncio.wait_for(waiting, 1)
        first, second = await subscriber.has(2)
        assert [decode(delivery.value) for delivery in (first, second)] == [request(1), request(2)]
        assert (first.key, second.key) == (None, b"2")
        assert dict(second.headers)["onex-envelope-id"] == str(request(2).envelope_id).encode()
        bus.stop_consuming()
        await consuming


@pytest.mark.asyncio
async def test_who_gives_up_waiting_disturbs_nobody() -> None:
    async with bus_of(capacity=1, consuming=False) as (bus, subscriber):
        await bus.publish_envelope(request(1), INPUT)
        waiting = asyncio.create_task(bus.publish_envelope(request(2), INPUT))
        await settled_loop()
        waiting.cancel()
        consuming = asyncio.create_task(bus.start_consuming())
        await subscriber.has(2)
        await settled_loop()
        bus.stop_consuming()
        await consuming


@pytest.mark.asyncio
async def test_what_still_waits_at_shutdown_is_told_so() -> None:
    async with bus_of(capacity=1, consuming=False) as (bus, _):
        receipts = Receipts(bus)
        receipts.publish(messages([1, 2, 3]))
        publishing = asyncio.create_task(bus.publish_envelope(request(4), INPUT))
        await settled_loop()
        await bus.shutdown()
        await receipts.all_told(3)
        assert [message.context for message, error in receipts.told if error is not None] == [2, 3]
        with pytest.raises(EventBusError, match="publish before shutdown"):
            await publishing


@pytest.mark.asyncio
async def test_shutdown_ends_though_a_subscriber_fails_to_let_go() -> None:
    async with bus_of() as (bus, subscriber):

        async def fail() -> None:
            raise KeyError("x")

        subscriber.on_revoked = fail
        with pytest.raises(KeyError):
            await bus.shutdown()
        receipts = Receipts(bus)
        receipts.publish(messages([1]))
        await receipts.all_told(1)
        assert len(receipts.errors) == 1
    assert len(subscriber.revocations) == 1


@pytest.mark.asyncio
async def test_a_message_over_the_limit_is_refused_with_both_sizes() -> None:
    async with bus_of() as (bus, _):
        receipts = Receipts(bus)
        receipts.publish([Message(INPUT, b"x" * 4_097, None, ())])
        await receipts.all_told(1)
        (error,) = receipts.errors
        assert isinstance(error, MessageTooLargeError)
        assert (error.size_bytes, error.limit_bytes) == (4_097, 4_096)


@pytest.mark.asyncio
async def test_topics_take_turns_so_that_a_full_one_starves_nobody() -> None:
    bus = InMemoryEventBus()
    await bus.initialize(bus_binding())
    order: list[str] = []
    for topic in (INPUT, OUTPUT):
        subscriber = Subscriber()
        subscriber.on_batch = lambda batch: order.append(batch[0].source.topic)
        await bus.subscribe(topic, subscriber)
    bus.publish_batch([*messages(range(500)), *messages([1], OUTPUT)], lambda *_: None)
    consuming = asyncio.create_task(bus.start_consuming())
    await settled_loop(30)
    assert OUTPUT in order[:3]
    assert order.count(INPUT) > 2
    await bus.shutdown()
    await consuming


@pytest.mark.asyncio
async def test_what_was_published_before_anybody_subscribed_is_delivered() -> None:
    bus = InMemoryEventBus()
    await bus.initialize(bus_binding())
    await bus.publish_envelope(request(1), INPUT)
    subscriber = Subscriber()
    await bus.subscribe(INPUT, subscriber)
    assert subscriber.assignments == {Source(INPUT, 0, 0)}
    consuming = asyncio.create_task(bus.start_consuming())
    (delivery,) = await subscriber.has(1)
    assert (delivery.source, delivery.position) == (Source(INPUT, 0, 0), 0)
    await bus.shutdown()
    await consuming


@pytest.mark.asyncio
async def test_a_subscriber_that_raises_ends_start_consuming() -> None:
    bus = InMemoryEventBus()
    await bus.initialize(bus_binding())
    subscriber = Subscriber()

    def fail(_: Sequence[Delivery]) -> None:
        raise KeyError("x")

    subscriber.on_batch = fail
    await bus.subscribe(INPUT, subscriber)
    await bus.publish_envelope(request(1), INPUT)
    with pytest.raises(KeyError):
        await asyncio.wait_for(bus.start_consuming(), 1)
    await bus.shutdown()


@pytest.mark.asyncio
async def test_stopped_before_it_began_it_never_consumes() -> None:
    async with bus_of(consuming=False) as (bus, subscriber):
        bus.stop_consuming()
        await bus.publish_envelope(request(1), INPUT)
        await asyncio.wait_for(bus.start_consuming(), 1)
        assert subscriber.deliveries == []


@pytest.mark.asyncio
async def test_health_has_the_depth_of_each_topic_and_says_that_it_forgets() -> None:
    async with bus_of(capacity=2, consuming=False) as (bus, _):
        Receipts(bus).publish([*messages(range(5)), *messages([1], OUTPUT)])
        health = await bus.health_check()
        assert (health.status, health.details) == (EnumHealth.HEALTHY, {INPUT: 5, OUTPUT: 1})
        assert "dies with the process" in health.message
        await settled_loop()
    assert (await bus.health_check()).status is EnumHealth.UNHEALTHY


@pytest.mark.asyncio
async def test_the_frontier_lists_what_is_subscribed() -> None:
    async with bus_of() as (bus, subscriber):
        Receipts(bus).publish([*messages(range(3)), *messages([1], OUTPUT)])
        deliveries = await subscriber.has(3)
        bus.settle(deliveries[1], EnumSettlement.DONE)
        (entry,) = bus.frontier()
        assert (entry.topic, entry.partition, entry.epoch, entry.next_position) == (INPUT, 0, 0, 0)
        assert (entry.outstanding, entry.holes, entry.oldest_outstanding, entry.paused) == (2, 1, 0, False)
        await bus.flush()


@given(
    capacity=st.integers(1, 20),
    batches=st.lists(st.integers(0, 150), max_size=6),
    pauses=st.sets(st.integers(0, 10)),
)
def test_whatever_its_capacity_everything_arrives_in_order_and_once(
    capacity: int, batches: list[int], pauses: set[int]
) -> None:
    async def run() -> None:
        async with bus_of(capacity) as (bus, subscriber):
            receipts = Receipts(bus)
            sources = frozenset({Source(INPUT, 0, 0)})

            def pause_now_and_then(_: Sequence[Delivery]) -> None:
                if len(subscriber.batches) in pauses:
                    bus.pause(sources)
                    asyncio.get_running_loop().call_soon(bus.resume, sources)

            subscriber.on_batch = pause_now_and_then
            published = 0
            for size in batches:
                receipts.publish(messages(range(published, published + size)))
                published += size
                await asyncio.sleep(0)
            await receipts.all_told(published)
            assert numbers(await subscriber.has(published)) == list(range(published))
            assert [message.context for message, _ in receipts.told] == list(range(published))

    asyncio.run(run())
