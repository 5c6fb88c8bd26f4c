"""The broker: topics for each measurement, backlogs in them, and how far a program has come."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from tools.bench.kafka import library
from tools.bench.kafka.programs import Program
from tools.services.kafka_mock import PARTITION_BYTES, KafkaMock

_BATCH: Final = 200
_MEMBERS: Final = 5
_BATCH_BYTES: Final = 1_000_000
_FRAME_BYTES: Final = 10
_LOOK_EVERY_S: Final = 0.02
_STALL_S: Final = 30.0
_numbers = itertools.count(1)

Record = tuple[bytes, bytes]


class Names(NamedTuple):
    """Topics that nobody else has, and a group for whoever works on them."""

    group: str
    input: str
    output: str


class Sample(NamedTuple):
    """At a moment, in seconds: how many answers there are, and the programs' computing time and memory."""

    at: float
    answers: int
    cpu_s: float
    rss_bytes: int


class Cluster:
    """A running broker."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._partitions: dict[str, int] = {}

    def topics(self, inputs: int = 8, outputs: int = 4) -> Names:
        """Creates an input and an output topic with so many partitions."""
        domain = f"onex.bench.{os.getpid()}-{next(_numbers)}"
        names = Names(_group(), f"{domain}.cmd.v1", f"{domain}.evt.v1")
        self._partitions |= (made := {names.input: inputs, names.output: outputs})
        asyncio.run(self._create(made))
        return names

    def again(self, names: Names) -> Names:
        """The same topics for another group, which has read nothing of them yet."""
        return names._replace(group=_group())

    async def fill(self, topic: str, records: Iterable[Record]) -> None:
        """Appends keys and values; a key's records lie in one partition, in order; keys are shared out."""
        producer = library.quick_producer(self.bootstrap_servers, _BATCH_BYTES)
        await producer.start()
        parts: list[list[Record]] = [[] for _ in range(self._partitions[topic])]
        places: dict[bytes, int] = {}
        try:
            for record in records:
                number = places.setdefault(record[0], len(places) % len(parts))
                parts[number].append(record)
                if len(parts[number]) == _BATCH:
                    await _send(producer, topic, number, parts[number])
            for number, part in enumerate(parts):
                await _send(producer, topic, number, part)
        finally:
            await producer.stop()

    def committed(self, names: Names) -> int:
        """The sum of the group's committed offsets in its input topic."""
        return asyncio.run(self._committed(names))

    def remove(self, *topics: str) -> None:
        """Deletes topics, for the room on the disk."""
        asyncio.run(self._remove(topics))

    async def members(self, group: str) -> int:
        """How many members of the group have partitions."""
        async with self._admin() as admin:
            try:
                described = await admin.describe_consumer_groups([group])
            except KafkaError:  # a new broker has no coordinator before the first group asks for one
                return 0
            members = described[0].groups[0][_MEMBERS]
            assert isinstance(members, Sequence)
            return sum(1 for member in members if member[-1])

    async def watch(
        self,
        programs: Sequence[Program],
        topic: str,
        count: int,
        begin: Callable[[], Awaitable[None]] | None = None,
    ) -> list[Sample]:
        """Samples of these programs together, after `begin`, until the topic has grown by `count`.

        Raises RuntimeError where a program ends, or does nothing any more.
        """
        async with self.reader(topic) as ends:
            before = await ends()
            samples = [_sample(programs, 0)]
            since = samples[0].at
            if begin is not None:
                await begin()
            while samples[-1].answers < count:
                await asyncio.sleep(_LOOK_EVERY_S)
                sample = _sample(programs, await ends() - before)
                if sample.answers > samples[-1].answers:
                    since = sample.at
                elif sample.at - since > _STALL_S:
                    raise RuntimeError(f"{topic} has {sample.answers} of {count} answers, and gets no more")
                samples.append(sample)
        return samples

    @asynccontextmanager
    async def reader(self, topic: str) -> AsyncIterator["Ends"]:
        """Asks for the ends of the topic, as often as wanted, over one connection.

        It is assigned nothing: behind a fetch that waits for records the answers would be late.
        """
        consumer = library.consumer(self.bootstrap_servers)
        await consumer.start()
        try:
            yield Ends(consumer, self._partitions_of(topic))
        finally:
            await consumer.stop()

    async def _create(self, topics: dict[str, int]) -> None:
        async with self._admin() as admin:
            await admin.create_topics([library.new_topic(topic, count) for topic, count in topics.items()])
            # The answer comes before every part of the broker knows.
            async with asyncio.timeout(_STALL_S):
                while not set(topics) <= set(await admin.list_topics()):  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(_LOOK_EVERY_S)

    async def _remove(self, topics: Iterable[str]) -> None:
        async with self._admin() as admin:
            await admin.delete_topics(list(topics))

    async def _committed(self, names: Names) -> int:
        partitions = self._partitions_of(names.input)
        async with self._admin() as admin:
            offsets = await admin.list_consumer_group_offsets(names.group, partitions=partitions)
            return sum(max(0, entry.offset) for entry in offsets.values())

    def _partitions_of(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in range(self._partitions[topic])]

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[library.Admin]:
        admin = library.admin(self.bootstrap_servers)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()


class MockedCluster(Cluster):
    """The same on librdkafka's mock, which takes no requests for topics and keeps little of them."""

    def __init__(self, mock: KafkaMock) -> None:
        super().__init__(mock.bootstrap_servers)
        self._mock = mock

    async def fill(self, topic: str, records: Iterable[Record]) -> None:
        """Raises ValueError where the mock would forget the first records before somebody reads them."""
        kept = list(records)
        size = sum(len(key) + len(value) + _FRAME_BYTES for key, value in kept)
        if size > PARTITION_BYTES * self._partitions[topic]:
            raise ValueError(f"{size} bytes are more than librdkafka's mock keeps; choose a smaller --scale")
        await super().fill(topic, kept)

    async def _create(self, topics: dict[str, int]) -> None:
        for topic, partitions in topics.items():
            self._mock.create(topic, partitions)

    async def _remove(self, topics: Iterable[str]) -> None:
        for topic in topics:
            self._mock.delete(topic)


class Ends:
    """How many records the partitions of a topic have had."""

    def __init__(self, consumer: library.Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions

    async def __call__(self) -> int:
        """The sum over the partitions, asked now."""
        return sum((await self._consumer.end_offsets(self._partitions)).values())


def _group() -> str:
    return f"bench-{os.getpid()}-{next(_numbers)}"


def _sample(programs: Sequence[Program], answers: int) -> Sample:
    for program in programs:
        program.require()
    at = asyncio.get_running_loop().time()
    cpu_s, rss_bytes = (sum(figures) for figures in zip(*(each.usage for each in programs), strict=True))
    return Sample(at, answers, cpu_s, int(rss_bytes))


async def _send(producer: library.Producer, topic: str, number: int, part: list[Record]) -> None:
    """Sends what is collected of a partition, and empties it."""
    if not part:
        return
    batch = producer.create_batch()
    for key, value in part:
        if batch.append(key=key, value=value, timestamp=None) is None:
            raise RuntimeError(f"{len(part)} records are more than a batch of {_BATCH_BYTES} bytes holds")
    batch.close()
    await (await producer.send_batch(batch, topic, partition=number))
    part.clear()
