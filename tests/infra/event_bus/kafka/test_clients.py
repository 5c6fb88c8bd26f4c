"""The library's clients as the bus makes them: every default that loses or skips records is set otherwise."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_infra.event_bus.kafka.clients import make_consumer, make_producer
from omnibase_infra.event_bus.kafka.connection import security_arguments

OPTIONS = ModelKafkaOptions(bootstrap_servers="127.0.0.1:1", consumer_group="g", client_id="c")


def setting(client: AIOKafkaConsumer | AIOKafkaProducer, name: str) -> object:
    """What the library keeps of a setting."""
    return getattr(client, f"_{name}")


@pytest.mark.asyncio
async def test_the_consumer_commits_nothing_by_itself_and_skips_nothing() -> None:
    consumer = make_consumer(OPTIONS, security_arguments(OPTIONS), 3_000_000)
    kept = {
        name: setting(consumer, name)
        for name in (
            "enable_auto_commit",
            "auto_offset_reset",
            "isolation_level",
            "check_crcs",
            "max_partition_fetch_bytes",
            "rebalance_timeout_ms",
            "session_timeout_ms",
        )
    }
    await consumer.stop()
    assert kept == {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "check_crcs": True,
        "max_partition_fetch_bytes": 3_000_000,
        "rebalance_timeout_ms": 45_000,
        "session_timeout_ms": 30_000,
    }


@pytest.mark.asyncio
async def test_one_assignor_and_each_consumer_its_own() -> None:
    """With two the library sends two joins; it keeps a member's partitions in the class, which two would share."""
    one, other = (make_consumer(OPTIONS, security_arguments(OPTIONS), 1) for _ in range(2))
    first, second = (setting(each, "partition_assignment_strategy") for each in (one, other))
    await one.stop()
    await other.stop()
    assert isinstance(first, tuple)
    assert [issubclass(assignor, StickyPartitionAssignor) for assignor in first] == [True]
    assert first != second


@pytest.mark.asyncio
async def test_the_producer_waits_for_all_replicas_and_repeats_nothing() -> None:
    producer = make_producer(OPTIONS, security_arguments(OPTIONS), 1_000)
    sender, accumulator = setting(producer, "sender"), setting(producer, "message_accumulator")
    transactions = setting(producer, "txn_manager")
    await producer.stop()
    assert getattr(sender, "_acks") == -1  # noqa: B009 - the library's own
    assert transactions is not None, "idempotence needs its sequence numbers"
    assert getattr(accumulator, "_batch_size") == 1_000  # noqa: B009 - the library's own
