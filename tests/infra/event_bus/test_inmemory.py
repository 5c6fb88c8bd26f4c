"""InMemoryEventBus: what is its own; the promises of every bus are in tests/spi."""

import asyncio
from collections.abc import Sequence

import pytest
from omnibase_core.errors import EventBusError, MessageTooLargeError
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_spi.event_bus import Delivery, Message, Source

from tests.fakes.runtimes import bus_binding
from tests.fakes.simulated_bus import INPUT


class Batches:
    """A subscriber that keeps the sizes of its batches."""

    def __init__(self, expected: int = 0, error: Exception | None = None) -> None:
        self.sizes: list[int] = []
        self.complete = asyncio.Event()
        self._expected = expected
        self._error = error

    def deliver(self, batch: Sequence[Delivery]) -> None:
        """Notes the batch, or raises."""
        if self._error is not None:
            raise self._error
        self.sizes.append(len(batch))
        if sum(self.sizes) == self._expected:
            self.complete.set()

    def assigned(self, sources: frozenset[Source]) -> None:
        """Nothing to prepare."""

    async def revoked(self, sources: frozenset[Source], budget_s: float) -> None:
        """Nothing is on its way."""


async def delivered_sizes(records: Sequence[bytes]) -> list[int]:
    """The sizes of the batches in which these records come."""
    bus, subscriber = InMemoryEventBus(), Batches(len(records))
    await bus.initialize(bus_binding())
    await bus.subscribe(INPUT, subscriber)
    consuming = asyncio.create_task(bus.start_consuming())
    bus.publish_batch([Message(INPUT, record, None, ()) for record in records], lambda _, error: None)
    await asyncio.wait_for(subscriber.complete.wait(), 5.0)
    await bus.shutdown()
    await consuming
    return subscriber.sizes


@pytest.mark.asyncio
async def test_small_records_come_in_large_batches() -> None:
    assert await delivered_sizes([b"x"] * 150) == [64, 64, 22]


@pytest.mark.asyncio
async def test_large_records_come_one_or_two_at_a_time_since_a_batch_is_decoded_as_a_whole() -> None:
    assert await delivered_sizes([b"x" * 300_000] * 3 + [b"x" * 100_000] * 3) == [1, 1, 1, 2, 1]


@pytest.mark.asyncio
async def test_a_subscriber_that_raises_ends_start_consuming_with_its_error() -> None:
    bus = InMemoryEventBus()
    await bus.initialize(bus_binding())
    await bus.subscribe(INPUT, Batches(error=ZeroDivisionError("a defect")))
    consuming = asyncio.create_task(bus.start_consuming())
    bus.publish_batch([Message(INPUT, b"x", None, ())], lambda _, error: None)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(consuming, 5.0)
    await bus.shutdown()


@pytest.mark.asyncio
async def test_what_was_taken_and_what_was_refused_is_told_in_the_order_of_publishing() -> None:
    bus = InMemoryEventBus()
    await bus.initialize(bus_binding(max_envelope_bytes=4_096))
    told: list[tuple[bytes | None, EventBusError | None]] = []
    sizes = (1, 5_000, 1, 1, 5_000)
    bus.publish_batch(
        [Message(INPUT, b"x" * size, b"%d" % number, ()) for number, size in enumerate(sizes)],
        lambda message, error: told.append((message.key, error)),
    )
    assert told == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [key for key, _ in told] == [b"0", b"1", b"2", b"3", b"4"]
    assert [isinstance(error, MessageTooLargeError) for _, error in told] == [False, True, False, False, True]
