"""What goes out: one batch at a time on its way to each output partition, acknowledged or failed as a whole.

While a batch is on its way the next messages pile up behind it, which makes batches by itself. Behind a batch
that failed everything queued for its partition fails too, in order and in one step of the loop, so whoever
publishes it again keeps the order. A failed producer is replaced: the broker may have lost count of its batches.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from typing import Final

from aiokafka.errors import KafkaError
from omnibase_core.errors import EventBusError, MessageTooLargeError
from omnibase_spi.event_bus import Acknowledged, Message

from omnibase_infra.event_bus.kafka.faults import in_words, is_too_large
from omnibase_infra.event_bus.kafka.partitions import Spread, partition_of
from omnibase_infra.event_bus.kafka.producers import Producer, Producers
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.bus")
_FRAME_BYTES: Final = 96
_HEADER_BYTES: Final = 12

_Entry = tuple[Message, Acknowledged]


def size_of(message: Message) -> int:
    """An upper bound of the message's size as a batch of its own, in bytes."""
    size = _FRAME_BYTES + len(message.value) + len(message.key or b"")
    for name, value in message.headers:
        size += _HEADER_BYTES + len(name) * 4 + len(value)
    return size


class _Lane:
    """One output partition: what waits for it, and whether a batch is on its way. most: records in a batch."""

    __slots__ = ("busy", "most", "partition", "queue", "topic")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.queue = deque[_Entry]()
        self.busy = False
        self.most = 1_000_000


class Publisher:
    """Publishes to the topics of one contract.

    limits: the largest batch of each topic, in bytes. max_value: the largest value, in bytes. timeout_s: after so
    long without an acknowledgement a batch has failed; it may still arrive. told: called after each batch, with
    None where it is safe, else with what went wrong. decorate: gives what is sent in a message's place.
    """

    def __init__(
        self,
        producers: Producers,
        limits: Mapping[str, int],
        *,
        max_value: int,
        timeout_s: float,
        told: Callable[[str | None], None],
        decorate: Callable[[Message], Message] | None = None,
    ) -> None:
        self._producers = producers
        self._limits = dict(limits)
        self._max_value = max_value
        self._timeout_s = timeout_s
        self._told = told
        self._decorate = decorate
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._spread = Spread()
        self._tasks = set[asyncio.Task[None]]()
        self._context: Context = copy_context()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Messages that are queued behind a batch."""
        return sum(len(lane.queue) for lane in self._lanes.values())

    def publish(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Takes the messages; `acknowledged` is called later, once for each."""
        touched = list[_Lane]()
        for message in messages:
            if (refusal := self._refusal(message)) is not None:
                asyncio.get_running_loop().call_soon(acknowledged, message, refusal, context=self._context)
                continue
            lane = self._lane_of(message)
            lane.queue.append((message, acknowledged))
            if not lane.busy:
                lane.busy = True
                touched.append(lane)
        for lane in touched:
            task = asyncio.get_running_loop().create_task(
                self._work(lane), name=f"onex-publish-{lane.topic}-{lane.partition}", context=self._context
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self, within_s: float) -> None:
        """Waits for what is on its way, and fails the rest."""
        self._closed = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for lane in self._lanes.values():
            self._fail(lane, [], _stopped())

    def _refusal(self, message: Message) -> EventBusError | None:
        if self._closed:
            return _stopped()
        limit = self._limits.get(message.topic)
        if limit is None:
            return EventBusError(
                f"Topic '{message.topic}' is none of the contract's; the bus publishes to these only"
            )
        if len(message.value) > self._max_value:
            return MessageTooLargeError(len(message.value), self._max_value)
        size = size_of(self._outward(message))
        return MessageTooLargeError(size, limit) if size > limit else None

    def _outward(self, message: Message) -> Message:
        return message if self._decorate is None else self._decorate(message)

    def _lane_of(self, message: Message) -> _Lane:
        topic, key = message.topic, message.key
        partitions = self._producers.partitions_of(topic)
        partition = (
            self._spread.next_of(partitions) if key is None else partitions[partition_of(key, len(partitions))]
        )
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = self._lanes[topic, partition] = _Lane(topic, partition)
        return lane

    async def _work(self, lane: _Lane) -> None:
        """Sends what is queued, batch after batch, until nothing is."""
        try:
            while lane.queue:
                await self._send(lane)
        except Exception:  # noqa: BLE001 - a lane that ended would hold its messages for ever
            _log.critical("a batch could not be built", exc_info=True, extra={"event": events.BUS_PUBLISH_FAILED})
            self._fail(lane, [], EventBusError("A message could not be published; the host's log has the trace"))
        finally:
            lane.busy = False

    async def _send(self, lane: _Lane) -> None:
        taken: list[_Entry] = []
        producer: Producer | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                producer = await self._producers.get()
                batch = producer.batch()
                queue, most = lane.queue, lane.most
                while queue and len(taken) < most and batch.add(self._outward(queue[0][0])):
                    taken.append(queue.popleft())
                await producer.send(batch, lane.topic, lane.partition)
        except (KafkaError, TimeoutError, OSError) as error:
            if producer is not None:
                self._producers.retire(producer)
            self._failed(lane, taken, error)
        except BaseException:
            self._fail(lane, taken, _stopped())
            raise
        else:
            self._told(None)
            for message, acknowledged in taken:
                acknowledged(message, None)
            if producer.retired:
                self._producers.released(producer)

    def _failed(self, lane: _Lane, taken: list[_Entry], error: BaseException) -> None:
        reason = in_words(error)
        self._told(f"publishing to {lane.topic}: {reason}")
        _log.warning(
            "a batch of %d for %s, partition %d failed: %s",
            len(taken),
            lane.topic,
            lane.partition,
            reason,
            extra={"event": events.BUS_PUBLISH_FAILED, "topic": lane.topic, "partition": lane.partition},
        )
        if is_too_large(error):
            self._narrow(lane, taken)
        if is_too_large(error) and len(taken) == 1:
            (message, acknowledged), limit = taken.pop(), self._limits[lane.topic]
            acknowledged(message, MessageTooLargeError(size_of(message), limit))
        self._fail(lane, taken, EventBusError(f"The message is not acknowledged: {reason}"))

    def _narrow(self, lane: _Lane, taken: list[_Entry]) -> None:
        """The topic takes less than it did: smaller batches, and for a single message a smaller limit."""
        if len(taken) > 1:
            lane.most = len(taken) // 2
        elif taken:
            self._limits[lane.topic] = min(self._limits[lane.topic], size_of(taken[0][0]) - 1)

    def _fail(self, lane: _Lane, taken: list[_Entry], error: EventBusError) -> None:
        failed = [*taken, *lane.queue]
        lane.queue.clear()
        for message, acknowledged in failed:
            acknowledged(message, error)


def _stopped() -> EventBusError:
    return EventBusError("The Kafka bus is not running; initialize it first, and publish before shutdown")
