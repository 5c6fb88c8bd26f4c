"""The progress of every stream that is ours: epochs, frontiers, and what is due to be committed.

A stream is one partition within one assignment. An outcome of an older assignment finds no stream of its epoch,
and changes nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from aiokafka import ConsumerRecord, TopicPartition
from omnibase_core.enums import EnumPauseCause, EnumSettlement
from omnibase_core.frontier import Frontier, ModelFrontier
from omnibase_spi.event_bus import Delivery, ProtocolDeliverySink, Source

_as_delivery = tuple.__new__  # half the time of a NamedTuple's own constructor


class Pause(NamedTuple):
    """Why a stream is not polled, in a word and in a sentence."""

    cause: EnumPauseCause
    because: str


class Stream:
    """One partition within one assignment. committed: what the group would begin with; None before it is known."""

    def __init__(self, source: Source, sink: ProtocolDeliverySink, now: float) -> None:
        self.source = source
        self.sink = sink
        self.assigned_at = now
        self.frontier: Frontier | None = None
        self.committed: int | None = None
        self.paused = False
        self._batches = deque[tuple[int, float]]()

    def begin(self, position: int) -> Frontier:
        """The frontier, which begins at this position unless it has begun already."""
        if self.frontier is None:
            self.frontier = Frontier(position)
            self.committed = position
        return self.frontier

    def take(self, records: Sequence[ConsumerRecord], now: float) -> list[Delivery]:
        """The records as deliveries, without those that this epoch has handed out already."""
        frontier, source = self.begin(records[0].offset), self.source
        batch = [
            _as_delivery(
                Delivery,
                (source, record.offset, value or b"", record.key, record.headers, record.timestamp, value is None),
            )
            for record in records
            if frontier.deliver(record.offset)
            for value in (record.value,)
        ]
        while self._batches and self._batches[0][0] < frontier.next_position:
            self._batches.popleft()
        self._batches.append((records[-1].offset, now))
        return batch

    def oldest_age_s(self, now: float) -> float | None:
        """How long the delivery that holds the frontier has been on its way."""
        oldest = None if self.frontier is None else self.frontier.oldest_outstanding
        if oldest is None:
            return None
        return next((now - since for last, since in self._batches if last >= oldest), None)


class Progress:
    """The streams of one consumer. clock: seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._epoch = 0
        self._streams: dict[tuple[str, int], Stream] = {}
        self._by_source: dict[Source, Stream] = {}  # the same, by names that hold the epoch
        self.uncommitted = 0

    @property
    def streams(self) -> Sequence[Stream]:
        """All that are ours now."""
        return list(self._streams.values())

    def of(self, partition: TopicPartition) -> Stream | None:
        """The stream of a partition, where it is ours."""
        return self._streams.get((partition.topic, partition.partition))

    def next_epoch(self) -> None:
        """What is opened from now on is of another assignment."""
        self._epoch += 1

    def open(self, partition: TopicPartition, sink: ProtocolDeliverySink) -> Stream:
        """A fresh stream, or the one that records have opened already."""
        place = (partition.topic, partition.partition)
        stream = self._streams.get(place)
        if stream is None:
            source = Source(*place, self._epoch)
            stream = self._streams[place] = self._by_source[source] = Stream(source, sink, self._clock())
        return stream

    def close(self, streams: Iterable[Stream]) -> None:
        """Forgets the streams: whatever is still told of them changes nothing."""
        for stream in streams:
            source = stream.source
            if self._streams.get((source.topic, source.partition)) is stream:
                del self._streams[source.topic, source.partition], self._by_source[source]

    def set_paused(self, source: Source, *, paused: bool) -> None:
        """Marks the stream of this source, where it is still ours."""
        stream = self._by_source.get(source)
        if stream is not None:
            stream.paused = paused

    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        """Records an outcome; False where nothing changed."""
        stream = self._by_source.get(delivery.source)
        if settlement is EnumSettlement.RELEASED or stream is None or stream.frontier is None:
            return False
        if not stream.frontier.settle(delivery.position):
            return False
        self.uncommitted += 1
        return True

    def due(self) -> dict[TopicPartition, int]:
        """What to commit: the frontier of each stream that has moved since its last commit."""
        self.uncommitted = 0
        return {
            TopicPartition(stream.source.topic, stream.source.partition): stream.frontier.next_position
            for stream in self._streams.values()
            if stream.frontier is not None and stream.frontier.next_position != stream.committed
        }

    def committed(self, offsets: Mapping[TopicPartition, int], epoch_of: Mapping[TopicPartition, Stream]) -> None:
        """Notes what was committed, where the stream is still the one that it was committed for."""
        for partition, offset in offsets.items():
            stream = self.of(partition)
            if stream is not None and stream is epoch_of.get(partition):
                stream.committed = offset

    def frontiers(
        self, pause: Callable[[Stream], Pause | None], end: Callable[[Stream], int | None] = lambda _: None
    ) -> Sequence[ModelFrontier]:
        """Every stream whose position is known.

        pause: why a stream is not polled, None where it is. end: the position after its last record, where known.
        """
        now = self._clock()
        return [
            _shown(stream, stream.frontier, now, pause(stream), end(stream))
            for stream in self._streams.values()
            if stream.frontier is not None
        ]


def _shown(stream: Stream, frontier: Frontier, now: float, pause: Pause | None, end: int | None) -> ModelFrontier:
    return ModelFrontier(
        topic=stream.source.topic,
        partition=stream.source.partition,
        epoch=stream.source.epoch,
        next_position=frontier.next_position,
        outstanding=frontier.outstanding,
        holes=frontier.holes,
        oldest_outstanding=frontier.oldest_outstanding,
        oldest_age_s=stream.oldest_age_s(now),
        committed_position=stream.committed,
        paused=pause is not None,
        paused_cause=None if pause is None else pause.cause,
        paused_because=None if pause is None else pause.because,
        lag=None if end is None else max(0, end - frontier.delivered_position),
    )
