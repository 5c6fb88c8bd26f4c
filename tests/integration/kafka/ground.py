"""What tests on a real Kafka stand on: topics of their own, a binding to them, requests in and responses out."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelTopics
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.enums import EnumSettlement
from omnibase_core.runtime import NodeRuntime
from omnibase_infra.event_bus.kafka.bus import KafkaEventBus
from omnibase_infra.host.engine import DeliveryEngine
from omnibase_infra.host.traces import Traces

from tests.fakes.runtimes import raw_request
from tests.fakes.waiting import until

PATIENCE_S = 30.0
Answer = TypeVar("Answer")


def unmade_binding(
    servers: str, *, window: int = 100, size: int = 1_048_576, **options: Any
) -> ModelEventBusBinding:
    """A binding to topics and a group that nobody else has, and that nobody has created. options: of Kafka."""
    name = uuid.uuid4().hex[:10]
    given = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 500, "rebalance_timeout_ms": 12_000}
    return ModelEventBusBinding(
        kind="kafka",
        topics=ModelTopics(
            input=f"onex.t{name}.x.cmd.v1", output=f"onex.t{name}.x.evt.v1", dead_letter=f"onex.t{name}.x.error.v1"
        ),
        max_inflight_envelopes=window,
        max_envelope_bytes=size,
        options=ModelKafkaOptions(bootstrap_servers=servers, consumer_group=f"g-{name}", **{**given, **options}),
    )


async def fresh_binding(
    servers: str,
    *,
    partitions: int = 1,
    window: int = 100,
    size: int = 1_048_576,
    settings: Mapping[str, Mapping[str, str]] | None = None,
    **options: Any,
) -> ModelEventBusBinding:
    """The same, its topics created. settings: of the topics, by input, output and dead_letter."""
    binding = unmade_binding(servers, window=window, size=size, **options)
    await create_topics(servers, binding.topics.model_dump(), partitions, settings)
    return binding


async def create_topics(
    servers: str,
    topics: Mapping[str, str],
    partitions: int,
    settings: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Creates the topics by their roles, and returns when each of their partitions has a leader.

    A broker answers before it tells those who ask that the topics exist: a quarter of a second before, or more.
    """
    async with administering(servers) as admin:
        await admin.create_topics(
            [
                NewTopic(name, partitions, 1, topic_configs=dict((settings or {}).get(role, {})))
                for role, name in topics.items()
            ]
        )
        await asked_until(lambda: admin.describe_topics(list(topics.values())), _are_led)


@asynccontextmanager
async def administering(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administrator's client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def asked_until(ask: Callable[[], Awaitable[Answer]], is_it: Callable[[Answer], bool]) -> None:
    """Returns when the answer is as wanted. Raises TimeoutError where it does not come to be."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_it(await ask()):  # noqa: ASYNC110 - a broker says when it is asked
            await asyncio.sleep(0.02)


def _are_led(topics: Sequence[Mapping[str, Any]]) -> bool:
    return all(
        not topic["error_code"] and all(partition["leader"] >= 0 for partition in topic["partitions"])
        for topic in topics
    )


async def produce(
    binding: ModelEventBusBinding,
    values: Sequence[bytes | None],
    *,
    keys: Sequence[bytes | None] = (b"key",),
    headers: Sequence[tuple[str, bytes]] = (),
    partition: int | None = None,
    **producer: Any,
) -> None:
    """Records on the input topic; keys are taken in turn."""
    client = AIOKafkaProducer(bootstrap_servers=_servers(binding), max_request_size=64 * 1024 * 1024, **producer)
    await client.start()
    try:
        sending = [
            await client.send(
                binding.topics.input,
                value,
                key=keys[number % len(keys)],
                headers=list(headers),
                partition=partition,
            )
            for number, value in enumerate(values)
        ]
        await asyncio.gather(*sending)
    finally:
        await client.stop()


async def records_of(binding: ModelEventBusBinding, topic: str, count: int) -> list[ConsumerRecord]:
    """The first `count` records of a topic, partition by partition; fails where they do not come."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=_servers(binding), auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    found: list[ConsumerRecord] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < count:
                taken = await consumer.getmany(timeout_ms=200)
                found.extend(record for records in taken.values() for record in records)
    finally:
        await consumer.stop()
    return sorted(found, key=lambda record: (record.partition, record.offset))


async def committed(binding: ModelEventBusBinding, partition: int = 0) -> int | None:
    """What the group has committed for a partition of the input topic."""
    options = binding.options
    assert isinstance(options, ModelKafkaOptions)
    async with administering(options.bootstrap_servers) as admin:
        offsets = await admin.list_consumer_group_offsets(options.consumer_group)
    found = offsets.get(TopicPartition(binding.topics.input, partition))
    return None if found is None or found.offset < 0 else int(found.offset)


class Running:
    """A bus that consumes into an engine, as a host does it."""

    def __init__(self, binding: ModelEventBusBinding, runtime: NodeRuntime, traces: Traces | None = None) -> None:
        self.bus = KafkaEventBus()
        self.binding = binding
        self.engine = DeliveryEngine(self.bus, runtime, binding, group="g", traces=traces)
        self.consuming: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Starts, in the host's order."""
        await self.bus.initialize(self.binding)
        await self.bus.subscribe(self.binding.topics.input, self.engine)
        self.consuming = asyncio.create_task(self.bus.start_consuming())

    async def close(self, grace_s: float = 5.0) -> None:
        """Stops, in the host's order."""
        self.bus.stop_consuming()
        await self.engine.drain(asyncio.get_running_loop().time() + grace_s)
        await self.bus.flush()
        await self.engine.close()
        await self.bus.shutdown()
        if self.consuming is not None:
            self.consuming.cancel()
            await asyncio.wait([self.consuming])

    async def owns(self, partitions: int) -> None:
        """Returns when this many partitions are ours and located."""
        await until(lambda: len(self.bus.frontier()) == partitions, PATIENCE_S)

    @property
    def settled(self) -> int:
        """Records with an outcome."""
        settled = self.engine.progress.settled
        return sum(count for outcome, count in settled.items() if outcome is not EnumSettlement.RELEASED)

    async def has_settled(self, count: int) -> None:
        """Returns when this many records have an outcome."""
        await until(lambda: self.settled >= count, PATIENCE_S)


@asynccontextmanager
async def running(
    binding: ModelEventBusBinding, runtime: NodeRuntime, traces: Traces | None = None
) -> AsyncIterator[Running]:
    """A bus and an engine, closed in good order."""
    host = Running(binding, runtime, traces)
    try:
        await host.open()
        yield host
    finally:
        await host.close()


def requests(count: int, start: int = 0) -> list[bytes]:
    """Requests with these numbers."""
    return [raw_request(number) for number in range(start, start + count)]


def _servers(binding: ModelEventBusBinding) -> str:
    options = binding.options
    assert isinstance(options, ModelKafkaOptions)
    return options.bootstrap_servers
