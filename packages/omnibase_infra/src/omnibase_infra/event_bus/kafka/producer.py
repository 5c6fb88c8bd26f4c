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
from omnibase_infra.event_bus.kafka.producers import Batch, Producer, Producers
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.bus")
_FRAME_BYTES: Final = 96
_HEADER_BYTES: Final = 12
_MOST: Final = 1_000_000

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
        self.most = _MOST


class Publisher:
    """Publishes to the topics of one contract.

    limits: the largest batch of each topic, in bytes. max_value: the largest value, in bytes. timeout_s: after so
    long without an acknowledgement a batch has failed; it may still arrive. told: called after each batch, with
    None where it is safe, else with what went wrong. decorate: gives what is sent in a message's place.
    narrow_s: for how long after a refusal for its size a topic gets less; an operator may raise its limit again.
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
        narrow_s: float = 60.0,
    ) -> None:
        self._producers = producers
        self._granted = dict(limits)
        self._limits = dict(limits)
        self._narrow_s = narrow_s
        self._widening: asyncio.TimerHandle | None = None
        self._max_value = max_value
        self._timeout_s = timeout_s
        self._told = told
        self._decorate = decorate
        self._lanes: dict[str, dict[int, _Lane]] = {topic: {} for topic in limits}
        self._spread = Spread()
        self._tasks = set[asyncio.Task[None]]()
        self._context: Context = copy_context()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Messages that are queued behind a batch."""
        return sum(len(lane.queue) for lanes in self._lanes.values() for lane in lanes.values())

    def publish(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Takes the messages; `acknowledged` is called later, once for each."""
        touched = list[_Lane]()
        topic, lanes = "", dict[int, _Lane]()
        partitions: Sequence[int] = ()
        most = -1 if self._closed else self._max_value
        for message in messages:
            if message.topic != topic:
                topic = message.topic
                lanes = self._lanes.get(topic, {})
                partitions = self._producers.partitions_of(topic) if topic in self._lanes else ()
            value, key = message.value, message.key
            if not partitions or len(value) > most:
                asyncio.get_running_loop().call_soon(
                    acknowledged, message, self._refusal(message), context=self._context
                )
                continue
            partition = (
                self._spread.next_of(partitions) if key is None else partitions[partition_of(key, len(partitions))]
            )
            lane = lanes.get(partition)
            if lane is None:
                lane = lanes[partition] = _Lane(topic, partition)
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
        if self._widening is not None:
            self._widening.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for lanes in self._lanes.values():
            for lane in lanes.values():
                self._fail(lane, [], _stopped())

    def _refusal(self, message: Message) -> EventBusError:
        if self._closed:
            return _stopped()
        if message.topic not in self._limits:
            return EventBusError(
                f"Topic '{message.topic}' is none of the contract's; the bus publishes to these only"
            )
        return MessageTooLargeError(len(message.value), self._max_value)

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
                self._pack(batch, lane, taken)
                if taken:
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

    def _pack(self, batch: Batch, lane: _Lane, taken: list[_Entry]) -> None:
        """Moves what there is room for; a message that no batch can hold is refused when it would be the first.

        A batch takes its first message whatever the size, and no others that go beyond the topic's limit.
        """
        queue, most, decorate, add = lane.queue, lane.most, self._decorate, batch.add
        while queue and len(taken) < most:
            message, acknowledged = queue[0]
            sent = message if decorate is None else decorate(message)
            if not taken and (size := size_of(sent)) > (limit := self._limits[lane.topic]):
                queue.popleft()
                acknowledged(message, MessageTooLargeError(size, limit))
            elif add(sent):
                taken.append(queue.popleft())
            else:
                break

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
        if self._widening is None:
            self._widening = asyncio.get_running_loop().call_later(self._narrow_s, self._widen)
        if len(taken) > 1:
            lane.most = len(taken) // 2
        elif taken:
            self._limits[lane.topic] = min(self._limits[lane.topic], size_of(taken[0][0]) - 1)

    def _widen(self) -> None:
        self._widening = None
        self._limits = dict(self._granted)
        for lanes in self._lanes.values():
            for lane in lanes.values():
                lane.most = _MOST

    def _fail(self, lane: _Lane, taken: list[_Entry], error: EventBusError) -> None:
        failed = [*taken, *lane.queue]
        lane.queue.clear()
        for message, acknowledged in failed:
            acknowledged(message, error)


def _stopped() -> EventBusError:
    return EventBusError("The Kafka bus is not running; initialize it first, and publish before shutdown")
