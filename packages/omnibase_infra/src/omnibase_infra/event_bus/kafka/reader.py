"""Reads a topic without joining a group: what is there, and records from given offsets. Commits nothing.

For commands that look at topics (`dlq`, `tail`, `trace`); the host itself reads as a member of its group.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.errors import EventBusError, ProtocolConfigurationError
from omnibase_spi.event_bus import Headers

from omnibase_infra.event_bus.kafka.careful import never_creating
from omnibase_infra.event_bus.kafka.cluster import READ, connected
from omnibase_infra.event_bus.kafka.connection import security_arguments
from omnibase_infra.event_bus.kafka.ending import end_client
from omnibase_infra.event_bus.kafka.faults import in_words

_POLL_MS: Final = 200
_BATCH: Final = 500
_END_S: Final = 2.0


class StoredRecord(NamedTuple):
    """A record of a topic, byte for byte."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Extent(NamedTuple):
    """What a partition holds: its first offset, and the one that its next record will have."""

    first: int
    end: int


class TopicReader:
    """One topic, open for reading."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, partitions: Sequence[int]) -> None:
        self._consumer = consumer
        self._topic = topic
        self.partitions = partitions

    async def extents(self) -> Mapping[int, Extent]:
        """What each partition holds now."""
        every = [self._of(partition) for partition in self.partitions]
        first, end = await self._consumer.beginning_offsets(every), await self._consumer.end_offsets(every)
        return {at.partition: Extent(first[at], end[at]) for at in every}

    async def offsets_at(self, timestamp_ms: int) -> Mapping[int, int]:
        """The first offset of each partition that is not older than this time; the end where none is."""
        asked = {self._of(partition): timestamp_ms for partition in self.partitions}
        found, ends = await self._consumer.offsets_for_times(asked), await self.extents()
        return {
            at.partition: ends[at.partition].end if known is None else known.offset for at, known in found.items()
        }

    async def records(
        self, start: Mapping[int, int], until: Mapping[int, int] | None = None
    ) -> AsyncIterator[StoredRecord]:
        """The records of the partitions in `start`, from its offsets on; in order within a partition.

        until: the offset of each partition before which to stop, which ends the iteration; None follows for ever.
        Raises EventBusError where the cluster gives no more.
        """
        wanted = [self._of(partition) for partition in start]
        self._consumer.assign(wanted)
        for at in wanted:
            self._consumer.seek(at, start[at.partition])
        open_ = set(wanted)
        while open_:
            if until is not None:
                open_ = {at for at in open_ if await self._consumer.position(at) < until[at.partition]}
                if not open_:
                    return
            for record in await self._polled(open_):
                if until is None or record.offset < until[record.partition]:
                    yield record

    async def _polled(self, partitions: set[TopicPartition]) -> list[StoredRecord]:
        try:
            taken = await self._consumer.getmany(*partitions, timeout_ms=_POLL_MS, max_records=_BATCH)
        except KafkaError as error:
            raise EventBusError(f"Topic '{self._topic}' cannot be read on: {in_words(error)}") from None
        return [_stored(record) for records in taken.values() for record in records]

    def _of(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)


@asynccontextmanager
async def reading(options: ModelKafkaOptions, topic: str) -> AsyncIterator[TopicReader]:
    """The topic, open for reading; its secrets must be resolved.

    Raises EventBusError where no broker answers, ProtocolConfigurationError where the topic does not exist or may
    not be read.
    """
    security = security_arguments(options)
    async with connected(options, security) as cluster:
        state = (await cluster.state([topic])).topics.get(topic)
    if state is None:
        raise ProtocolConfigurationError(
            f"Topic '{topic}' does not exist; 'onex-host topics' creates none, it says how"
        )
    if state.refused or not state.allows(READ):
        raise ProtocolConfigurationError(f"The cluster refuses READ on topic '{topic}' to this client")
    partitions = sorted(state.leaders)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=options.bootstrap_servers,
        client_id=options.client_id or "onex",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        request_timeout_ms=options.request_timeout_ms,
        **security,
    )
    never_creating(consumer._client)  # noqa: SLF001 - a producer has the same under a public name
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in partitions])
        await consumer.start()
        yield TopicReader(consumer, topic, partitions)
    except KafkaError as error:
        raise EventBusError(f"Topic '{topic}' cannot be read: {in_words(error)}") from None
    finally:
        await end_client(consumer, _END_S)


def _stored(record: ConsumerRecord) -> StoredRecord:
    return StoredRecord(
        record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
    )
