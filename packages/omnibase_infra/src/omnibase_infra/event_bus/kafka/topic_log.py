"""KafkaTopicLog: the topics of a contract's cluster, for who operates a host from outside it.

Topics are asked for by name only where creation is switched off (cluster.py), and used only where they exist.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager
from typing import Final, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.errors import EventBusError, ProtocolConfigurationError
from omnibase_spi.event_bus import Message
from omnibase_spi.topic_log import Extent, Note, Partition, Record

from omnibase_infra.config.handlers import resolve_bus
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.event_bus.kafka.careful import never_creating
from omnibase_infra.event_bus.kafka.clients import make_producer
from omnibase_infra.event_bus.kafka.cluster import READ, WRITE, Cluster, TopicState, connected
from omnibase_infra.event_bus.kafka.connection import SecurityArguments, security_arguments
from omnibase_infra.event_bus.kafka.ending import end_client
from omnibase_infra.event_bus.kafka.faults import in_words
from omnibase_infra.event_bus.kafka.producer import Publisher
from omnibase_infra.event_bus.kafka.producers import Producers
from omnibase_infra.event_bus.kafka.reader import make_reader, read_extents

_REQUEST_S: Final = 20.0
_END_S: Final = 2.0
_RETRY_S: Final = 0.2
_DEFAULT_LIMIT: Final = 1_048_588
_OPERATIONS: Final = {READ: "READ", WRITE: "WRITE"}

_Answer = TypeVar("_Answer")


class KafkaTopicLog:
    """A ProtocolTopicLog over Kafka. binding: of the contract; its secrets are resolved by `open`."""

    def __init__(self, binding: ModelEventBusBinding, resolver: SecretResolver) -> None:
        if not isinstance(binding.options, ModelKafkaOptions):
            raise ProtocolConfigurationError("The topics of a Kafka cluster need the options of kind kafka")
        self._binding = binding
        self._options = binding.options
        self._resolver = resolver
        self._security = SecurityArguments()
        self._open = AsyncExitStack()
        self._cluster: Cluster | None = None
        self._publisher: Publisher | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._keepers: dict[str, AIOKafkaConsumer] = {}

    async def open(self) -> None:
        """Connects to the first bootstrap server that answers."""
        async with self._resolver:
            resolved = (await resolve_bus(self._binding, self._resolver)).options
        assert isinstance(resolved, ModelKafkaOptions)
        self._options = resolved
        self._security = security_arguments(resolved)
        self._cluster = await self._open.enter_async_context(connected(resolved, self._security))

    async def close(self) -> None:
        """Ends every client within bounds."""
        await self._open.aclose()
        self._cluster = None

    async def extents(self, topics: Sequence[str], since_ms: int | None = None) -> Sequence[Extent]:
        """What committed transactions left there, and everything outside of transactions."""
        states = await self._states(topics, READ)
        partitions = [TopicPartition(name, number) for name in topics for number in sorted(states[name].leaders)]
        consumer = make_reader(self._options, self._security)
        try:
            with _in_words("The topics cannot be read"):
                async with asyncio.timeout(_REQUEST_S):
                    await consumer.start()
                    starts = await consumer.beginning_offsets(partitions)
                    ends = await consumer.end_offsets(partitions)
                    times = dict.fromkeys(partitions, max(0, since_ms or 0))
                    since = await consumer.offsets_for_times(times) if since_ms is not None else {}
        finally:
            await end_client(consumer, _END_S)
        extents = []
        for each in partitions:
            found, start = since.get(each), starts[each]
            if since_ms is not None:
                start = ends[each] if found is None else max(start, found.offset)
            extents.append(Extent(Partition(*each), start, max(start, ends[each])))
        return extents

    async def read(
        self, extents: Sequence[Extent], *, follow: bool = False
    ) -> AsyncGenerator[Sequence[Record], None]:
        """The records, by a consumer without a group."""
        async with aclosing(read_extents(self._options, self._security, extents, follow=follow)) as batches:
            async for batch in batches:
                yield batch

    async def publish(self, messages: Sequence[Message]) -> Sequence[EventBusError | None]:
        """Publishes with every acknowledgement that the cluster can give; idempotent."""
        if self._publisher is None:
            self._publisher = await self._started(sorted({message.topic for message in messages}))
        results: list[EventBusError | None] = [None] * len(messages)
        waiting = set(range(len(messages)))
        done = asyncio.get_running_loop().create_future()

        def acknowledged(message: Message, error: EventBusError | None) -> None:
            index = message.context
            assert isinstance(index, int)
            results[index] = error
            waiting.discard(index)
            if not waiting and not done.done():
                done.set_result(None)

        numbered = [message._replace(context=index) for index, message in enumerate(messages)]
        if numbered:
            self._publisher.publish(numbered, acknowledged)
            await done
        return results

    async def remove(self, ends: Mapping[Partition, int]) -> None:
        """Needs DELETE on the topic."""
        admin = await self._admin_client()
        wanted = {TopicPartition(*partition): RecordsToDelete(end) for partition, end in ends.items()}
        with _in_words("The records cannot be removed (it needs DELETE on the topic)"):
            async with asyncio.timeout(_REQUEST_S):
                await admin.delete_records(wanted, timeout_ms=int(_REQUEST_S * 1000))

    async def notes(self, name: str, topic: str) -> Mapping[Partition, Note]:
        """The offsets and the metadata that are committed for a group of this name."""
        states = await self._states([topic], READ)
        partitions = [TopicPartition(topic, number) for number in sorted(states[topic].leaders)]
        admin = await self._admin_client()
        with _in_words(_group_sentence("read", name)):
            async with asyncio.timeout(_REQUEST_S):
                found = await _retried(lambda: admin.list_consumer_group_offsets(name, partitions=partitions))
        return {
            Partition(*partition): Note(committed.offset, committed.metadata or "")
            for partition, committed in found.items()
            if committed.offset >= 0
        }

    async def keep(self, name: str, notes: Mapping[Partition, Note]) -> None:
        """Commits offsets with metadata for a group of this name, which nobody joins."""
        offsets = {TopicPartition(*partition): (note.offset, note.text) for partition, note in notes.items()}
        if not offsets:
            return
        with _in_words(_group_sentence("kept", name)):
            async with asyncio.timeout(_REQUEST_S):
                keeper = await self._keeper(name, list(offsets))
                await keeper.commit(offsets)

    async def _states(self, topics: Sequence[str], operation: int) -> Mapping[str, TopicState]:
        """The topics, all of which exist and allow the operation. Raises EventBusError for one that does not."""
        assert self._cluster is not None, "open it first"
        with _in_words("The cluster cannot be asked"):
            async with asyncio.timeout(_REQUEST_S):
                states = (await self._cluster.state(topics)).topics
        if absent := [name for name in topics if name not in states]:
            raise EventBusError(
                f"No such topic in the cluster: {', '.join(absent)}. None is created; onex-host topics CONTRACT "
                "prints the commands that do"
            )
        for name, state in states.items():
            if state.refused or not state.allows(operation):
                needed = _OPERATIONS[operation]
                raise EventBusError(
                    f"The cluster refuses {needed} on topic '{name}'; an operator grants it with "
                    f"kafka-acls.sh --add --operation {needed} --topic {name}"
                )
        return states

    async def _started(self, topics: Sequence[str]) -> Publisher:
        states = await self._states(topics, WRITE)
        assert self._cluster is not None, "open it first"
        settings = await self._cluster.limits(topics)
        limits = {name: int(settings.get(name, {}).get("max.message.bytes", _DEFAULT_LIMIT)) for name in topics}
        producers = Producers(
            lambda: make_producer(self._options, self._security, min(limits.values())),
            {name: len(state.leaders) for name, state in states.items()},
            attempt_s=self._options.connect_timeout_ms / 1000,
        )
        with _in_words("No producer can be had"):
            await producers.start()
        self._open.push_async_callback(producers.close)
        publisher = Publisher(
            producers,
            limits,
            max_value=max(limits.values()),
            timeout_s=self._options.publish_timeout_ms / 1000,
            told=lambda reason: None,
        )
        self._open.push_async_callback(publisher.close, _END_S)
        return publisher

    async def _admin_client(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = AIOKafkaAdminClient(
                bootstrap_servers=self._options.bootstrap_servers,
                client_id=self._options.client_id or "onex",
                request_timeout_ms=int(_REQUEST_S * 1000),
                **self._security,
            )
            never_creating(admin._client)  # noqa: SLF001 - a producer has the same under a public name
            self._open.push_async_callback(admin.close)
            with _in_words("The cluster cannot be asked"):
                async with asyncio.timeout(_REQUEST_S):
                    await admin.start()
            self._admin = admin
        return self._admin

    async def _keeper(self, name: str, partitions: Sequence[TopicPartition]) -> AIOKafkaConsumer:
        """A consumer that only commits: it is assigned the partitions, and paused."""
        keeper = self._keepers.get(name)
        if keeper is None:
            keeper = make_reader(self._options, self._security, name)
            self._open.push_async_callback(end_client, keeper, _END_S)
            await keeper.start()
            self._keepers[name] = keeper
        if not keeper.assignment() >= set(partitions):
            keeper.assign(list(partitions))
            keeper.pause(*partitions)
        return keeper


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise EventBusError(f"{what}: {in_words(error)}") from None


async def _retried(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Asks again while the group's coordinator is being found; whoever calls bounds the time."""
    while True:
        try:
            return await ask()
        except KafkaError as error:
            if not error.retriable:
                raise
        await asyncio.sleep(_RETRY_S)


def _group_sentence(verb: str, name: str) -> str:
    return f"What was replayed cannot be {verb}; it is noted as offsets of consumer group '{name}'"
