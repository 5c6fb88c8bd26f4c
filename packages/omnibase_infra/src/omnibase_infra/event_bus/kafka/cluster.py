"""What a cluster says of itself over one connection: brokers, topics, what we may do with them, their limits.

No request here creates a topic: all topics are listed, and those that are not among them are asked for by name
with creation switched off, which tells an absent topic from one that we may not see.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import IncompatibleBrokerVersion, KafkaConnectionError, KafkaError
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.coordination import FindCoordinatorRequest
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.errors import EventBusError

from omnibase_infra.event_bus.kafka.connection import SecurityArguments
from omnibase_infra.event_bus.kafka.faults import in_words
from omnibase_infra.event_bus.kafka.metadata import MetadataRequest, MetadataResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READ: Final = 3
WRITE: Final = 4
_UNKNOWN_OPERATIONS: Final = -(2**31)
_REFUSED: Final = 29
_GROUP_REFUSED: Final = 30
_TOPIC: Final = 2
_GROUP_COORDINATOR: Final = 0
_PORT: Final = 9_092

Address = tuple[str, int]


class TopicState(NamedTuple):
    """A topic as the cluster tells it.

    operations: what we may do with it, None where the cluster does not say.
    leaders: the broker that leads each partition, -1 for none.
    """

    name: str
    refused: bool
    leaders: Mapping[int, int]
    replicas: int
    operations: int | None

    def allows(self, operation: int) -> bool:
        """Whether we may do this; True where the cluster does not say."""
        return self.operations is None or bool(self.operations >> operation & 1)


class ClusterState(NamedTuple):
    """The brokers by id, and the topics that were asked for and exist or are refused."""

    brokers: Mapping[int, Address]
    topics: Mapping[str, TopicState]


def addresses(servers: str) -> list[Address]:
    """The hosts and ports of a bootstrap list."""
    found = []
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        found.append((host.strip("[]"), int(port or _PORT)))
    return found


class Cluster:
    """One connection to a cluster, for questions before the bus runs."""

    def __init__(self, connection: AIOKafkaConnection) -> None:
        self._connection = connection

    async def state(self, wanted: Iterable[str]) -> ClusterState:
        """The brokers, and those of the wanted topics that exist or that we may not see."""
        names = set(wanted)
        listed = await self._ask(MetadataRequest(None))
        topics = {name: state for name, state in _states(listed) if name in names}
        if absent := sorted(names - topics.keys()):
            asked = await self._ask(MetadataRequest(absent))
            topics |= {name: state for name, state in _states(asked) if state.refused or state.leaders}
        return ClusterState({node: (host, port) for node, host, port, _ in listed.brokers}, topics)

    async def limits(self, topics: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """The settings of each topic that is there; an empty one where we may not see them.

        What only speaks Kafka's protocol may not have this request.
        """
        asked = [(_TOPIC, name, ["max.message.bytes", "min.insync.replicas"]) for name in topics]
        try:
            answer = await self._ask(DescribeConfigsRequest(asked))
        except IncompatibleBrokerVersion:
            return {name: {} for _, name, _ in asked}
        return {
            name: {} if code else {entry[0]: entry[1] for entry in entries}
            for code, _, _, name, entries in answer.resources
        }

    async def group_is_refused(self, group: str) -> bool:
        """Whether we may not even ask who coordinates the group."""
        answer = await self._ask(FindCoordinatorRequest(group, _GROUP_COORDINATOR))
        return bool(answer.error_code == _GROUP_REFUSED)

    async def _ask(self, request: object) -> Any:  # the fields of an answer are those of its schema
        try:
            return await self._connection.send(request)
        except NotImplementedError:  # the library's word for a broker that knows older versions only
            raise IncompatibleBrokerVersion from None


@asynccontextmanager
async def connected(options: ModelKafkaOptions, security: SecurityArguments) -> "AsyncIterator[Cluster]":
    """A cluster over the first bootstrap server that answers, all of them asked at once.

    Raises EventBusError that names each server, and why it cannot be reached.
    """
    found = await _reach(addresses(options.bootstrap_servers), options, security)
    reached = [connection for connection in found.values() if isinstance(connection, AIOKafkaConnection)]
    try:
        if not reached:
            raise EventBusError(
                "No Kafka broker can be reached: "
                + "; ".join(f"{host}:{port}: {reason}" for (host, port), reason in found.items())
            )
        yield Cluster(reached[0])
    finally:
        for connection in reached:
            connection.close()


async def is_reachable(options: ModelKafkaOptions, security: SecurityArguments, topics: Sequence[str]) -> bool:
    """Whether the cluster answers, and every partition of the topics has a leader."""
    try:
        async with connected(options, security) as cluster:
            state = await cluster.state(topics)
    except (EventBusError, KafkaError, TimeoutError):
        return False
    return all(leader >= 0 for topic in state.topics.values() for leader in topic.leaders.values())


async def unreachable(
    brokers: Iterable[Address], options: ModelKafkaOptions, security: SecurityArguments
) -> Mapping[Address, str]:
    """Those of the brokers that cannot be connected to, each with the reason."""
    found = await _reach(sorted(set(brokers)), options, security)
    reasons = {}
    for address, result in found.items():
        if isinstance(result, str):
            reasons[address] = result
        else:
            result.close()
    return reasons


async def _reach(
    servers: Sequence[Address], options: ModelKafkaOptions, security: SecurityArguments
) -> Mapping[Address, AIOKafkaConnection | str]:
    attempts = await asyncio.gather(*(_connect(server, options, security) for server in servers))
    return dict(zip(servers, attempts, strict=True))


async def _connect(
    server: Address, options: ModelKafkaOptions, security: SecurityArguments
) -> AIOKafkaConnection | str:
    host, port = server
    try:
        async with asyncio.timeout(options.connect_timeout_ms / 1000):
            return await create_conn(
                host,
                port,
                client_id=options.client_id or "onex",
                request_timeout_ms=options.connect_timeout_ms,
                **security,
            )
    except (ConnectionResetError, KafkaConnectionError, EOFError):
        protocol = options.security.protocol
        certificate = ", and does it want a client certificate" if protocol.endswith("SSL") else ""
        return f"the listener closed the connection; does it speak {protocol}{certificate}?"
    except (OSError, KafkaError, TimeoutError) as error:
        return in_words(error)


def _states(response: MetadataResponse) -> Iterable[tuple[str, TopicState]]:
    for code, name, _, partitions, operations in response.topics:
        leaders = {partition: leader for _, partition, leader, *_ in partitions}
        replicas = min((len(entry[4]) for entry in partitions), default=0)
        known = None if operations == _UNKNOWN_OPERATIONS else operations
        yield name, TopicState(name, code == _REFUSED, leaders, replicas, known)
