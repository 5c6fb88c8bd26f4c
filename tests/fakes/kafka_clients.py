"""A producer of the client library whose every acknowledgement a test decides, and records to be consumed."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from omnibase_infra.event_bus.kafka.producers import Producers


@dataclass
class Sent:
    """One batch on its way: its records as they were added, and its acknowledgement."""

    topic: str
    partition: int
    values: Sequence[bytes]
    headers: Sequence[Sequence[tuple[str, bytes]]]
    acknowledged: "asyncio.Future[object]"


class FakeBatch:
    """Holds `room` records. headers: of each, as they were given."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.values: list[bytes] = []
        self.headers: list[list[tuple[str, bytes]]] = []
        self.closed = False

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]
    ) -> object | None:
        """Takes a record, where there is room."""
        if len(self.values) >= self.room:
            return None
        assert type(headers) is list  # a tuple is a TypeError from the library's C code
        self.values.append(value)
        self.headers.append(headers)
        return object()

    def close(self) -> None:
        """Takes no more."""
        self.closed = True


class FakeCluster:
    """Knows nothing beyond what the start has said."""

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """Not known."""
        return None


class FakeClient:
    """Has a cluster."""

    cluster = FakeCluster()


@dataclass
class FakeProducer:
    """Every batch waits for the test; `start_error` fails the start."""

    room: int = 1_000
    start_error: BaseException | None = None
    sent: list[Sent] = field(default_factory=list)
    stopped: bool = False
    client: FakeClient = field(default_factory=FakeClient)

    async def start(self) -> None:
        """Starts, or fails."""
        if self.start_error is not None:
            raise self.start_error

    async def stop(self) -> None:
        """Ends."""
        self.stopped = True

    async def partitions_for(self, topic: str) -> set[int]:
        """Two."""
        return {0, 1}

    def create_batch(self) -> FakeBatch:
        """An empty one."""
        return FakeBatch(self.room)

    async def send_batch(self, batch: FakeBatch, topic: str, *, partition: int) -> "asyncio.Future[object]":
        """Notes the batch."""
        assert batch.closed, "an open batch collects other messages"
        acknowledged: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.sent.append(Sent(topic, partition, batch.values, batch.headers, acknowledged))
        return acknowledged


class FakeConsumer:
    """A consumer of the client library: what it hands out, and how it fails, a test decides.

    polls: the partitions of each `getmany`. cancelled: how often one was cancelled, which must not happen.
    """

    def __init__(self, assigned: Sequence[TopicPartition] = (TopicPartition("in", 0),)) -> None:
        self.assigned = set(assigned)
        self.highwaters: dict[TopicPartition, int] = {}
        self.listener: ConsumerRebalanceListener | None = None
        self.polls: list[tuple[TopicPartition, ...]] = []
        self.commits: list[dict[TopicPartition, int]] = []
        self.buffered: dict[TopicPartition, list[ConsumerRecord]] = {}
        self.start_error: BaseException | None = None
        self.poll_error: BaseException | None = None
        self.commit_error: BaseException | None = None
        self.hangs: set[str] = set()
        self.cancelled = 0
        self.stopped = False
        self.last_answer_ms: int | None = None

    def subscribe(self, topics: Sequence[str], *, listener: ConsumerRebalanceListener) -> None:
        """Notes who is told of a rebalance."""
        self.listener = listener

    async def start(self) -> None:
        """Joins: the listener is told twice, as the library does it."""
        if self.start_error is not None:
            raise self.start_error
        await self._never("start")
        await self.revoke(set())
        self.assign_now()

    def assign_now(self) -> None:
        """The group gives the assigned partitions."""
        assert self.listener is not None
        self.listener.on_partitions_assigned(set(self.assigned))

    async def revoke(self, partitions: set[TopicPartition] | None = None) -> None:
        """The group takes the partitions away; all of them by default."""
        assert self.listener is not None
        told = self.listener.on_partitions_revoked(set(self.assigned) if partitions is None else partitions)
        assert told is not None
        await told

    async def stop(self) -> None:
        """Ends."""
        await self._never("stop")
        self.stopped = True

    def assignment(self) -> set[TopicPartition]:
        """What is assigned."""
        return self.assigned

    def highwater(self, partition: TopicPartition) -> int | None:
        """What the test set."""
        return self.highwaters.get(partition)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """What is buffered of the partitions."""
        self.polls.append(partitions)
        try:
            await self._never("getmany")
            taken = {at: self.buffered.pop(at) for at in partitions if at in self.buffered}
            if not taken:
                await asyncio.sleep(min(timeout_ms, 5) / 1000)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.poll_error is not None:
            raise self.poll_error
        return taken

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Notes the offsets."""
        await self._never("commit")
        if self.commit_error is not None:
            raise self.commit_error
        self.commits.append(dict(offsets))

    async def position(self, partition: TopicPartition) -> int:
        """Always the first."""
        return 0

    def last_poll_timestamp(self, partition: TopicPartition) -> int | None:
        """When the brokers last answered."""
        return self.last_answer_ms

    async def _never(self, what: str) -> None:
        if what in self.hangs:
            await asyncio.Event().wait()


def as_consumer(fake: FakeConsumer) -> AIOKafkaConsumer:
    """The fake, for who wants the library's class."""
    return fake  # type: ignore[return-value]  # the fake has what the bus uses of it


def producers_of(fakes: Sequence[FakeProducer], partitions: int = 2) -> Producers:
    """Producers that take one fake after the other, for one topic `out` and one `dead`."""
    remaining = iter(fakes)
    make: Callable[[], FakeProducer] = lambda: next(remaining)  # noqa: E731 - the cast below wants a callable
    return Producers(_as_library(make), {"out": partitions, "dead": 1}, attempt_s=1.0)


def record(offset: int, value: bytes = b"v", key: bytes | None = b"k") -> ConsumerRecord:
    """A record of partition 0 of `in`."""
    made = object.__new__(ConsumerRecord)
    fields = {
        "topic": "in",
        "partition": 0,
        "offset": offset,
        "timestamp": 1,
        "timestamp_type": 0,
        "key": key,
        "value": value,
        "headers": (),
    }
    for name, content in fields.items():
        object.__setattr__(made, name, content)
    return made


def _as_library(make: Callable[[], FakeProducer]) -> Callable[[], AIOKafkaProducer]:
    return make  # type: ignore[return-value]  # the fake has what the bus uses of it
