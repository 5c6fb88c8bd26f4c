"""Records of given partitions, read without a consumer group: nobody's progress changes, nobody rebalances."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.errors import EventBusError
from omnibase_spi.topic_log import Extent, Partition, Record

from omnibase_infra.event_bus.kafka.careful import never_creating
from omnibase_infra.event_bus.kafka.clients import client_of
from omnibase_infra.event_bus.kafka.connection import SecurityArguments
from omnibase_infra.event_bus.kafka.ending import end_client
from omnibase_infra.event_bus.kafka.faults import in_words, is_final

_POLL_MS: Final = 200
_SILENCE_S: Final = 20.0
_RECORDS: Final = 500
_PARTITION_BYTES: Final = 4 * 1024 * 1024
_FETCH_BYTES: Final = 16 * 1024 * 1024
_RETRY_MS: Final = 200
_END_S: Final = 2.0


def make_reader(
    options: ModelKafkaOptions, security: SecurityArguments, group: str | None = None
) -> AIOKafkaConsumer:
    """A consumer that is assigned partitions, joins no group and commits nothing by itself.

    group: where offsets are committed when somebody asks for it.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=options.bootstrap_servers,
        client_id=options.client_id or "onex",
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        check_crcs=True,
        request_timeout_ms=options.request_timeout_ms,
        max_partition_fetch_bytes=_PARTITION_BYTES,
        fetch_max_bytes=_FETCH_BYTES,
        retry_backoff_ms=_RETRY_MS,
        **security,
    )
    never_creating(client_of(consumer))
    return consumer


async def read_extents(
    options: ModelKafkaOptions, security: SecurityArguments, extents: Sequence[Extent], *, follow: bool
) -> AsyncGenerator[Sequence[Record], None]:
    """The records of the extents, in the order of each partition; with `follow` beyond their ends, for ever.

    An empty batch comes when there is nothing for a moment, so that whoever follows can look up. Raises
    EventBusError where the brokers refuse, or stay silent before an end is reached.
    """
    ends = {_partition(each): each.end for each in extents if follow or each.start < each.end}
    if not ends:
        return
    consumer = make_reader(options, security)
    try:
        try:
            async with asyncio.timeout(options.connect_timeout_ms / 1000):
                await consumer.start()
            consumer.assign(list(ends))
            for each in extents:
                if _partition(each) in ends:
                    consumer.seek(_partition(each), each.start)
            async for batch in _batches(consumer, ends, follow=follow):
                yield batch
        except (KafkaError, TimeoutError, OSError) as error:
            raise EventBusError(f"The records cannot be read: {in_words(error)}") from None
    finally:
        await end_client(consumer, _END_S)


async def _batches(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], *, follow: bool
) -> AsyncGenerator[Sequence[Record], None]:
    loop = asyncio.get_running_loop()
    left = dict(ends)
    heard = loop.time()
    while left:
        found = await consumer.getmany(*left, timeout_ms=_POLL_MS, max_records=_RECORDS)
        batch = [_record(each) for records in found.values() for each in records]
        if follow:
            yield batch
            continue
        passed = [partition for partition, end in left.items() if await _position(consumer, partition) >= end]
        if batch or passed:
            heard = loop.time()
        elif loop.time() - heard > _SILENCE_S:
            raise TimeoutError
        yield [each for each in batch if each.offset < ends[_tp(each.partition)]]
        for partition in passed:
            del left[partition]


async def _position(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
    """Where the next record would be; behind transaction markers too, which are records of nobody."""
    try:
        async with asyncio.timeout(_POLL_MS / 1000):
            return await consumer.position(partition)
    except TimeoutError:
        return -1
    except KafkaError as error:
        if is_final(error):
            raise
        return -1


def _record(record: ConsumerRecord) -> Record:
    return Record(
        Partition(record.topic, record.partition),
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        record.headers,
    )


def _partition(extent: Extent) -> TopicPartition:
    return _tp(extent.partition)


def _tp(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)
