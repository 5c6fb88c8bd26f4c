"""aiokafka as those use it who have no bus: what the bus has no types for, since it has no business to use it."""

from asyncio import Future
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

import aiokafka
from aiokafka import TopicPartition


class Record(Protocol):
    """What was consumed."""

    key: bytes | None
    value: bytes


class Consumer(Protocol):
    """A consumer, with or without a group."""

    async def start(self) -> None:
        """Connects, and joins the group."""

    async def stop(self) -> None:
        """Ends it."""

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Consumes these, without a group."""

    async def seek_to_beginning(self, *partitions: TopicPartition) -> bool:
        """Consumes from their beginning."""

    async def getone(self) -> Record:
        """The next record."""

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Record]]:
        """What there is."""

    async def commit(self) -> None:
        """Commits the position: all that was handed out."""

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset of each."""


class Batch(Protocol):
    """A batch that is built by hand."""

    def append(self, *, timestamp: int | None, key: bytes, value: bytes) -> object | None:
        """None where it is full."""

    def close(self) -> None:
        """Nothing comes after."""


class Producer(Protocol):
    """A producer."""

    async def start(self) -> None:
        """Connects."""

    async def stop(self) -> None:
        """Ends it."""

    async def send(self, topic: str, value: bytes, *, key: bytes | None = None) -> Future[object]:
        """Queues a record; what it returns is done when it is acknowledged."""

    def create_batch(self) -> Batch:
        """An empty batch."""

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Future[object]:
        """The same for a batch."""


class Offset(Protocol):
    """A committed offset."""

    offset: int


class Groups(Protocol):
    """An answer about groups: each with its members, the last but one of its fields."""

    groups: Sequence[tuple[object, ...]]


class Admin(Protocol):
    """Topics and groups."""

    async def start(self) -> None:
        """Connects."""

    async def close(self) -> None:
        """Ends it."""

    async def create_topics(self, new_topics: Sequence[object]) -> object:
        """Creates topics."""

    async def delete_topics(self, topics: Sequence[str]) -> object:
        """Deletes topics."""

    async def list_topics(self) -> Sequence[str]:
        """Their names."""

    async def describe_consumer_groups(self, group_ids: Sequence[str]) -> Sequence[Groups]:
        """Their members, among others."""

    async def list_consumer_group_offsets(
        self, group_id: str, *, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, Offset]:
        """What the group has committed; -1 where it has not."""


def consumer(servers: str) -> Consumer:
    """One without a group."""
    return cast(Consumer, aiokafka.AIOKafkaConsumer(bootstrap_servers=servers))


def member(servers: str, group: str, topic: str) -> Consumer:
    """A member of a group that commits by itself, from the beginning of the topic."""
    made = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=servers, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    cast(_Subscriber, made).subscribe([topic])
    return cast(Consumer, made)


def safe_producer(servers: str) -> Producer:
    """One whose acknowledgement means that every replica in sync has it, once."""
    return cast(
        Producer, aiokafka.AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True)
    )


def quick_producer(servers: str, batch_bytes: int = 16_384) -> Producer:
    """One for backlogs and questions. batch_bytes: of a batch, at most."""
    return cast(Producer, aiokafka.AIOKafkaProducer(bootstrap_servers=servers, acks=1, max_batch_size=batch_bytes))


def admin(servers: str) -> Admin:
    """A client for topics and groups."""
    return cast(Admin, import_module("aiokafka.admin").AIOKafkaAdminClient(bootstrap_servers=servers))


def new_topic(name: str, partitions: int) -> object:
    """A topic to create, without a replica."""
    return cast(object, import_module("aiokafka.admin").NewTopic(name, partitions, 1))


class _Subscriber(Protocol):
    def subscribe(self, topics: Sequence[str]) -> None:
        """Joins for these topics."""
