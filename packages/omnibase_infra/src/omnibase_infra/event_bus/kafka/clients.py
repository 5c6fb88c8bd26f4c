"""The library's consumer and producer, with every setting that safety needs. docs/delivery.md tells them."""

from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from omnibase_core.contracts.kafka_config import ModelKafkaOptions

from omnibase_infra.event_bus.kafka.careful import never_creating
from omnibase_infra.event_bus.kafka.connection import SecurityArguments

_FETCH_BYTES: Final = 16 * 1024 * 1024
_BATCH_BYTES: Final = 512 * 1024
_RETRY_MS: Final = 200
_PRODUCE_REQUEST_MS: Final = 30_000


def make_consumer(options: ModelKafkaOptions, security: SecurityArguments, fetch_bytes: int) -> AIOKafkaConsumer:
    """A consumer of the group that commits nothing by itself and skips nothing. fetch_bytes: of one partition.

    The assignor is a class of this consumer's own, since the library keeps a member's partitions in the class.
    """
    assignor = type("MemberAssignor", (StickyPartitionAssignor,), {})
    consumer = AIOKafkaConsumer(
        bootstrap_servers=options.bootstrap_servers,
        client_id=options.client_id or "onex",
        group_id=options.consumer_group,
        group_instance_id=options.group_instance_id,
        enable_auto_commit=False,
        auto_offset_reset=options.offset_reset,
        isolation_level="read_committed",
        check_crcs=True,
        partition_assignment_strategy=(assignor,),
        session_timeout_ms=options.session_timeout_ms,
        heartbeat_interval_ms=options.heartbeat_interval_ms,
        rebalance_timeout_ms=options.rebalance_timeout_ms,
        request_timeout_ms=options.request_timeout_ms,
        max_poll_interval_ms=options.max_poll_interval_ms,
        max_partition_fetch_bytes=fetch_bytes,
        fetch_max_bytes=max(_FETCH_BYTES, fetch_bytes),
        retry_backoff_ms=_RETRY_MS,
        **security,
    )
    never_creating(client_of(consumer))
    return consumer


def client_of(consumer: AIOKafkaConsumer) -> AIOKafkaClient:
    """What connects for a consumer; a producer has the same under a public name."""
    return consumer._client  # noqa: SLF001


def connect_with(client: AIOKafkaClient, security: SecurityArguments) -> None:
    """Has a client that runs make its further connections with these: it reads them anew for each."""
    for name, value in security.items():
        if name != "security_protocol":
            setattr(client, f"_{name}", value)


def make_producer(options: ModelKafkaOptions, security: SecurityArguments, batch_bytes: int) -> AIOKafkaProducer:
    """A producer whose acknowledgement means that every replica in sync has it. batch_bytes: at most."""
    producer = AIOKafkaProducer(
        bootstrap_servers=options.bootstrap_servers,
        client_id=options.client_id or "onex",
        acks="all",
        enable_idempotence=True,
        compression_type=None if options.compression == "none" else options.compression,
        max_batch_size=min(_BATCH_BYTES, batch_bytes),
        request_timeout_ms=min(options.request_timeout_ms, _PRODUCE_REQUEST_MS),
        linger_ms=0,
        retry_backoff_ms=_RETRY_MS // 2,
        **security,
    )
    never_creating(producer.client)
    return producer
