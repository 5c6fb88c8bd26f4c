"""InMemoryEventBus: one bounded queue per topic, no network, nothing that outlives the process.

The queues are deques: an asyncio.Queue wakes one getter per record, and here one step of the loop tells what was
taken, and delivers a batch of each topic.
Whatever is queued, or delivered and not settled, when the process ends is gone: this is the one bus that
can lose messages, and only that way. While it runs nothing is dropped: who publishes into a full topic waits.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextvars import Context, copy_context

from omnibase_core.codec import encode
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumHealth, EnumPauseCause, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError, MessageTooLargeError, ProtocolConfigurationError
from omnibase_core.frontier import Frontier, ModelFrontier
from omnibase_spi.event_bus import Acknowledged, Delivery, Message, ProtocolDeliverySink, Source

from omnibase_infra.event_bus.headers import envelope_headers

_BATCH = 64
_BATCH_BYTES = 128 * 1024
_REVOKE_BUDGET_S = 1.0

_as_delivery = tuple.__new__  # half the time of a NamedTuple's own constructor

_Told = tuple[Acknowledged, Sequence[Message], EventBusError | None]


class _Topic:
    """One topic: its queue, who waits to publish into it, and how far its subscriber is."""

    def __init__(self, name: str, capacity: int) -> None:
        self.source = Source(name, 0, 0)
        self.capacity = capacity
        self.queue = deque[Message]()
        self.waiting = deque[tuple[Message, Acknowledged]]()
        self.sink: ProtocolDeliverySink | None = None
        self.frontier = Frontier(0)
        self.position = 0
        self.paused = False

    def take(self) -> list[Delivery]:
        """The next records as deliveries: `_BATCH` at most, and none after `_BATCH_BYTES`.

        A subscriber decodes a batch before it works on it; what is decoded of large records should be few.
        """
        queue, source, frontier = self.queue, self.source, self.frontier
        position = self.position
        room = _BATCH_BYTES
        now_ms = int(time.time() * 1000)
        batch = []
        for _ in range(min(len(queue), _BATCH)):
            _, value, key, headers, _, timestamp_ms, null = queue.popleft()
            stamp = now_ms if timestamp_ms is None else timestamp_ms
            batch.append(_as_delivery(Delivery, (source, position, value, key, headers, stamp, null)))
            frontier.deliver(position)
            position += 1
            room -= len(value)
            if room <= 0:
                break
        self.position = position
        return batch


class InMemoryEventBus:
    """A ProtocolEventBus for one process: dev, tests, pipes. capacity: records that a topic holds."""

    def __init__(self, capacity: int = 1_000) -> None:
        self._capacity = capacity
        self._limit = 0
        self._topics: dict[str, _Topic] = {}
        self._subscribed: list[_Topic] = []
        self._told: list[_Told] = []
        self._scheduled = False
        self._context: Context | None = None
        self._consuming = False
        self._ended: asyncio.Future[None] | None = None
        self._stopped = False
        self._ending = False
        self._closed = False

    async def initialize(self, config: ModelEventBusBinding) -> None:
        """Takes the size limit from the binding; there is nothing to connect to."""
        if self._limit or self._ending:
            raise ProtocolConfigurationError("The in-memory bus is initialized once; make a new one")
        self._limit = config.max_envelope_bytes
        self._context = copy_context()

    async def shutdown(self) -> None:
        """Revokes what is still subscribed, refuses what still waits, and ends."""
        if self._ending:
            return
        self._ending = True
        self.stop_consuming()
        try:
            for topic in self._topics.values():
                if topic.sink is not None:
                    await topic.sink.revoked(frozenset((topic.source,)), _REVOKE_BUDGET_S)
        finally:
            self._closed = True
            for topic in self._topics.values():
                self._told.extend((acknowledged, (message,), _shut()) for message, acknowledged in topic.waiting)
                topic.waiting.clear()
            self._schedule()

    async def publish_envelope(self, envelope: ModelOnexEnvelope, topic: str, *, key: bytes | None = None) -> None:
        """Publishes one envelope; waits while the topic is full."""
        published = asyncio.get_running_loop().create_future()

        def told(_: Message, error: EventBusError | None) -> None:
            if published.cancelled():
                return
            if error is None:
                published.set_result(None)
            else:
                published.set_exception(error)

        self.publish_batch([Message(topic, encode(envelope), key, envelope_headers(envelope))], told)
        await published

    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Queues the messages; those that find their topic full wait in order, and are acknowledged later."""
        taken: list[Message] = []
        limit = self._limit if self._limit and not self._closed else -1
        topic: _Topic | None = None
        for message in messages:
            if len(message.value) > limit:
                self._told += ((acknowledged, taken, None), (acknowledged, (message,), self._refusal(message)))
                taken = []
                continue
            if topic is None or message.topic != topic.source.topic:
                topic = self._topic(message.topic)
            if topic.waiting or len(topic.queue) >= topic.capacity:
                topic.waiting.append((message, acknowledged))
            else:
                topic.queue.append(message)
                taken.append(message)
        self._told.append((acknowledged, taken, None))
        self._schedule()

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """The handler gets every delivery of the topic, from the first that is still queued."""
        subscribed = self._topic(topic)
        if subscribed.sink is not None or self._consuming:
            raise ProtocolConfigurationError(f"Topic '{topic}' is subscribed once, before consuming starts")
        subscribed.sink = handler
        self._subscribed.append(subscribed)
        handler.assigned(frozenset((subscribed.source,)))

    async def start_consuming(self) -> None:
        """Delivers until `stop_consuming`."""
        self._consuming = True
        if not self._stopped:
            self._ended = asyncio.get_running_loop().create_future()
            self._schedule()
            await self._ended

    def stop_consuming(self) -> None:
        """No delivery from now on."""
        self._stopped = True
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def pause(self, sources: frozenset[Source]) -> None:
        """Leaves the topics out of the poll."""
        self._set_paused(sources, paused=True)

    def resume(self, sources: frozenset[Source]) -> None:
        """Polls the topics again."""
        self._set_paused(sources, paused=False)
        self._schedule()

    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        """Records an outcome."""
        source = delivery.source
        topic = self._topics.get(source.topic)
        if topic is None or (topic.source is not source and topic.source != source) or self._closed:
            return False
        return settlement is not EnumSettlement.RELEASED and topic.frontier.settle(delivery.position)

    async def flush(self) -> None:
        """There is nothing durable to write."""

    async def renew(self, config: ModelEventBusBinding) -> None:
        """Nothing: it connects to nobody."""

    def frontier(self) -> Sequence[ModelFrontier]:
        """The progress of each subscribed topic."""
        return [
            ModelFrontier(
                topic=topic.source.topic,
                partition=0,
                epoch=0,
                next_position=topic.frontier.next_position,
                outstanding=topic.frontier.outstanding,
                holes=topic.frontier.holes,
                oldest_outstanding=topic.frontier.oldest_outstanding,
                paused=topic.paused,
                paused_cause=EnumPauseCause.WINDOW_FULL if topic.paused else None,
                paused_because="its window of records in flight is full" if topic.paused else None,
                lag=len(topic.queue) + len(topic.waiting),
            )
            for topic in self._topics.values()
            if topic.sink is not None
        ]

    async def health_check(self) -> ModelHealth:
        """Healthy while it runs, with the depth of each topic."""
        running = bool(self._limit) and not self._closed
        return ModelHealth(
            status=EnumHealth.HEALTHY if running else EnumHealth.UNHEALTHY,
            message="in memory: its content dies with the process" if running else "not running",
            details={name: len(topic.queue) + len(topic.waiting) for name, topic in self._topics.items()},
        )

    def _topic(self, name: str) -> _Topic:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic(name, self._capacity)
        return topic

    def _schedule(self) -> None:
        """One step of the loop from now: in a context of our own, since whoever published has no part in it."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._step, context=self._context)

    def _step(self) -> None:
        self._scheduled = False
        told, self._told = self._told, []
        try:
            for acknowledged, messages, error in told:
                for message in messages:
                    acknowledged(message, error)
        finally:
            self._poll()

    def _poll(self) -> None:
        """A batch of each topic; what is left then has its turn in the next step."""
        ended = self._ended
        if ended is None or ended.done():
            return
        try:
            for topic in self._subscribed:
                if topic.queue and not topic.paused:
                    self._deliver(topic)
        except Exception as error:  # noqa: BLE001 - a subscriber that raises ends `start_consuming`, who tells it
            ended.set_exception(error)
        if self._told:
            self._schedule()

    def _deliver(self, topic: _Topic) -> None:
        if topic.sink is None:
            return
        batch = topic.take()
        while topic.waiting and len(topic.queue) < topic.capacity:
            message, acknowledged = topic.waiting.popleft()
            topic.queue.append(message)
            self._told.append((acknowledged, (message,), None))
        topic.sink.deliver(batch)
        if topic.queue:
            self._schedule()

    def _set_paused(self, sources: frozenset[Source], *, paused: bool) -> None:
        for source in sources:
            topic = self._topics.get(source.topic)
            if topic is not None and topic.source == source:
                topic.paused = paused

    def _refusal(self, message: Message) -> EventBusError:
        if self._closed or not self._limit:
            return _shut()
        return MessageTooLargeError(len(message.value), self._limit)


def _shut() -> EventBusError:
    return EventBusError("The in-memory bus is not running; initialize it first, and publish before shutdown")
