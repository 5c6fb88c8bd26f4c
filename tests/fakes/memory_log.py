"""A topic log in memory, whose topics a test fills, and whose failures it chooses."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from omnibase_core.errors import EventBusError
from omnibase_spi.event_bus import Headers, Message
from omnibase_spi.topic_log import Extent, Note, Partition, Record

BATCH = 7
START_MS = 1_764_000_000_000


class MemoryTopicLog:
    """Topics as lists of partitions, each a list of records.

    refuse: says of a message what keeps it from being acknowledged. after_publish: called after each publish,
    which a test lets raise: what was published is safe by then.
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        self.partitions: dict[Partition, list[Record]] = {
            Partition(topic, number): [] for topic, count in topics.items() for number in range(count)
        }
        self.starts = dict.fromkeys(self.partitions, 0)
        self.kept: dict[tuple[str, Partition], Note] = {}
        self.published: list[Message] = []
        self.refuse: Callable[[Message], EventBusError | None] = lambda message: None
        self.after_publish: Callable[[], None] = lambda: None
        self.opened = self.closed = 0
        self._next = dict.fromkeys(self.partitions, 0)

    def add(
        self,
        topic: str,
        value: bytes | None,
        *,
        partition: int = 0,
        key: bytes | None = None,
        headers: Headers = (),
        timestamp_ms: int | None = None,
        skip: int = 0,
    ) -> Record:
        """Appends a record; `skip` offsets before it are of records that are not there."""
        where = Partition(topic, partition)
        offset = self._next[where] + skip
        self._next[where] = offset + 1
        at = START_MS + sum(self._next.values()) if timestamp_ms is None else timestamp_ms
        record = Record(where, offset, at, key, value, headers)
        self.partitions[where].append(record)
        return record

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.closed += 1

    async def extents(self, topics: Sequence[str], since_ms: int | None = None) -> Sequence[Extent]:
        return [
            Extent(partition, self._first(partition, since_ms), self._next[partition])
            for topic in topics
            for partition in self.partitions
            if partition.topic == topic
        ]

    async def read(
        self, extents: Sequence[Extent], *, follow: bool = False
    ) -> AsyncGenerator[Sequence[Record], None]:
        at = {each.partition: each.start for each in extents}
        ends = {each.partition: None if follow else each.end for each in extents}
        while True:
            batch = [
                record for partition in at for record in self._slice(partition, at[partition], ends[partition])
            ]
            for record in batch:
                at[record.partition] = record.offset + 1
            if not batch and not follow:
                return
            await asyncio.sleep(0)
            yield batch

    async def publish(self, messages: Sequence[Message]) -> Sequence[EventBusError | None]:
        results = [self.refuse(message) for message in messages]
        for message, error in zip(messages, results, strict=True):
            if error is None:
                self.published.append(message)
                self.add(message.topic, message.value, key=message.key, headers=message.headers)
        self.after_publish()
        return results

    async def remove(self, ends: Mapping[Partition, int]) -> None:
        for partition, end in ends.items():
            self.starts[partition] = end
            self.partitions[partition] = [each for each in self.partitions[partition] if each.offset >= end]

    async def notes(self, name: str, topic: str) -> Mapping[Partition, Note]:
        return {
            partition: note
            for (kept_name, partition), note in self.kept.items()
            if kept_name == name and partition.topic == topic
        }

    async def keep(self, name: str, notes: Mapping[Partition, Note]) -> None:
        self.kept.update({(name, partition): note for partition, note in notes.items()})

    def _first(self, partition: Partition, since_ms: int | None) -> int:
        if since_ms is None:
            return self.starts[partition]
        later = [each.offset for each in self.partitions[partition] if each.timestamp_ms >= since_ms]
        return later[0] if later else self._next[partition]

    def _slice(self, partition: Partition, start: int, end: int | None) -> Sequence[Record]:
        found = [
            each
            for each in self.partitions[partition]
            if each.offset >= start and (end is None or each.offset < end)
        ]
        return found[:BATCH]
