"""The stand that a bus is checked on: a subscriber that keeps what comes, and receipts for what goes out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.errors import EventBusError
from omnibase_core.frontier import ModelFrontier

from omnibase_spi.conformance.promise import Watch, in_time, promised
from omnibase_spi.event_bus import Delivery, Message, ProtocolEventBus, Source

BusMaker = Callable[[], ProtocolEventBus]


class Revocation(NamedTuple):
    """One call of `revoked`."""

    sources: frozenset[Source]
    budget_s: float


class Subscriber:
    """A ProtocolDeliverySink that settles nothing by itself.

    on_batch: called within `deliver`. on_revoked: awaited within `revoked`.
    """

    def __init__(self) -> None:
        self.batches: list[Sequence[Delivery]] = []
        self.assignments: set[Source] = set()
        self.revocations: list[Revocation] = []
        self.on_batch: Callable[[Sequence[Delivery]], None] = lambda _: None
        self.on_revoked = _nothing
        self.watch = Watch()

    @property
    def deliveries(self) -> list[Delivery]:
        """Everything that came, as it came."""
        return [delivery for batch in self.batches for delivery in batch]

    def deliver(self, batch: Sequence[Delivery]) -> None:
        """Keeps the batch."""
        self.batches.append(list(batch))
        self.on_batch(batch)
        self.watch.note()

    def assigned(self, sources: frozenset[Source]) -> None:
        """Keeps the sources."""
        self.assignments |= sources
        self.watch.note()

    async def revoked(self, sources: frozenset[Source], budget_s: float) -> None:
        """Keeps the call."""
        self.revocations.append(Revocation(sources, budget_s))
        await self.on_revoked()

    async def has(self, count: int) -> list[Delivery]:
        """The first `count` deliveries, once they are here."""
        await self.watch.until(
            lambda: len(self.deliveries) >= count,
            f"{count} records were published and acknowledged, but they were not all delivered",
        )
        return self.deliveries[:count]


class Receipts:
    """Publishes, and keeps what is told of each message.

    early: how often it was told within publish_batch. on_first: called when the first message is told.
    """

    def __init__(self, bus: ProtocolEventBus) -> None:
        self.told: list[tuple[Message, EventBusError | None]] = []
        self.on_first: Callable[[], object] = lambda: None
        self.early = 0
        self._bus = bus
        self._publishing = False
        self._watch = Watch()

    @property
    def errors(self) -> list[EventBusError]:
        """The errors that were told."""
        return [error for _, error in self.told if error is not None]

    def publish(self, messages: Sequence[Message]) -> None:
        """Hands the messages to the bus, without waiting."""
        self._publishing = True
        self._bus.publish_batch(messages, self._acknowledged)
        self._publishing = False

    async def all_told(self, count: int) -> None:
        """Returns when `count` messages have been acknowledged, however."""
        await self._watch.until(
            lambda: len(self.told) >= count,
            f"every message must be acknowledged; of {count} some never were",
        )

    async def safe(self, messages: Sequence[Message]) -> None:
        """Publishes, and returns when all of it is safe."""
        before = len(self.told)
        self.publish(messages)
        await self.all_told(before + len(messages))
        promised(not self.errors, "a running bus must take an ordinary message; it acknowledged one with an error")

    def _acknowledged(self, message: Message, error: EventBusError | None) -> None:
        self.early += self._publishing
        if not self.told:
            self.on_first()
        self.told.append((message, error))
        self._watch.note()


class Stand(NamedTuple):
    """A bus that runs, with a subscriber of the input topic and receipts."""

    bus: ProtocolEventBus
    binding: ModelEventBusBinding
    subscriber: Subscriber
    receipts: Receipts
    consuming: asyncio.Task[None]

    def message(self, number: int, key: bytes | None = b"key") -> Message:
        """A message to the input topic; its value and its context are the number."""
        return Message(self.binding.topics.input, str(number).encode(), key, (), number)

    async def delivered(self, count: int, key: bytes | None = b"key") -> list[Delivery]:
        """Publishes messages of one key, and gives their deliveries."""
        await self.receipts.safe([self.message(number, key) for number in range(count)])
        return await self.subscriber.has(count)

    def progress(self, source: Source) -> ModelFrontier:
        """What the bus says of this source."""
        for frontier in self.bus.frontier():
            if (frontier.topic, frontier.partition, frontier.epoch) == source:
                return frontier
        raise AssertionError("frontier() must have an entry for every stream that is delivered")


@asynccontextmanager
async def running(make: BusMaker, binding: ModelEventBusBinding) -> AsyncIterator[Stand]:
    """A stand whose bus consumes, and is shut down afterwards."""
    bus = make()
    await in_time(bus.initialize(binding), "initialize")
    subscriber = Subscriber()
    await in_time(bus.subscribe(binding.topics.input, subscriber), "subscribe")
    consuming = asyncio.ensure_future(bus.start_consuming())
    try:
        yield Stand(bus, binding, subscriber, Receipts(bus), consuming)
    finally:
        await in_time(bus.shutdown(), "shutdown")
        consuming.cancel()
        await asyncio.wait([consuming])


async def _nothing() -> None:
    """Nothing to do when streams are revoked."""
