"""What must be so before a host reads its first record: topics, permissions, sizes, reachable leaders.

Each refusal names the topic and what is missing, and says what an operator does about it.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from aiokafka.errors import KafkaError
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.errors import EventBusError, ProtocolConfigurationError

from omnibase_infra.event_bus.kafka.cluster import (
    READ,
    WRITE,
    Cluster,
    ClusterState,
    connected,
    unreachable,
)
from omnibase_infra.event_bus.kafka.connection import SecurityArguments
from omnibase_infra.event_bus.kafka.faults import in_words
from omnibase_infra.event_bus.kafka.plan import REPLICATION, creation_command, planned_topics
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.bus")
_NEEDED: Final = {"input": (READ, "READ"), "output": (WRITE, "WRITE"), "dead_letter": (WRITE, "WRITE")}
_DEFAULT_LIMIT: Final = 1_048_588
_LEAST_FETCH_BYTES: Final = 2 * 1024 * 1024
_FRAME_BYTES: Final = 1_024


class Findings(NamedTuple):
    """What the bus works with. limits: the largest batch of each topic; partitions: how many each topic has."""

    partitions: Mapping[str, int]
    limits: Mapping[str, int]
    fetch_bytes: int


async def preflight(
    binding: ModelEventBusBinding, options: ModelKafkaOptions, security: SecurityArguments
) -> Findings:
    """Looks at the cluster. Raises EventBusError where it cannot be reached, else ProtocolConfigurationError."""
    try:
        async with connected(options, security) as cluster:
            planned = [topic.name for topic in planned_topics(binding)]
            state = await cluster.state(planned)
            limits = _limits(await cluster.limits(state.topics), planned)
            problems = [
                *_problems(binding, options, state),
                *await _group_problem(cluster, options),
                *_size_problems(binding, limits),
            ]
            if problems:
                raise ProtocolConfigurationError("\n".join(problems))
        await check_leaders(state, options, security)
    except KafkaError as error:
        raise EventBusError(f"The Kafka cluster could not be asked: {in_words(error)}") from None
    fetch_bytes = max(_LEAST_FETCH_BYTES, limits[binding.topics.input] * 11 // 10)
    return Findings({name: len(topic.leaders) for name, topic in state.topics.items()}, limits, fetch_bytes)


def _problems(binding: ModelEventBusBinding, options: ModelKafkaOptions, state: ClusterState) -> Iterator[str]:
    absent = []
    replication = min(REPLICATION, max(1, len(state.brokers)))
    for topic in planned_topics(binding, replication=replication):
        found = state.topics.get(topic.name)
        code, operation = _NEEDED[topic.role]
        if found is None:
            absent.append(topic)
        elif found.refused or not found.allows(code):
            needed = "DESCRIBE and " + operation if found.refused else operation
            yield (
                f"The cluster refuses {needed} on topic '{topic.name}' ({topic.role}) to {_user(options)}; "
                f"an operator grants it with kafka-acls.sh --add --operation {operation} --topic {topic.name}"
            )
    if absent:
        server = options.bootstrap_servers.split(",")[0].strip()
        commands = "\n".join(f"  {creation_command(topic, server, replication=replication)}" for topic in absent)
        names = ", ".join(f"'{topic.name}' ({topic.role})" for topic in absent)
        what = "Topics do not exist" if len(absent) > 1 else "A topic does not exist"
        yield f"{what}: {names}. The host creates none; these commands do:\n{commands}"


async def _group_problem(cluster: Cluster, options: ModelKafkaOptions) -> list[str]:
    if not await cluster.group_is_refused(options.consumer_group):
        return []
    return [
        f"The cluster refuses READ on consumer group '{options.consumer_group}' to {_user(options)}; "
        f"an operator grants it with kafka-acls.sh --add --operation READ --group {options.consumer_group}"
    ]


def _user(options: ModelKafkaOptions) -> str:
    sasl = options.security.sasl
    if sasl is not None and sasl.username:
        return f"user '{sasl.username}'"
    return "this client"


def _limits(settings: Mapping[str, Mapping[str, str]], topics: list[str]) -> Mapping[str, int]:
    hidden = [name for name, found in settings.items() if "max.message.bytes" not in found]
    if hidden:
        _log.warning(
            "max.message.bytes of %s may not be seen (DESCRIBE_CONFIGS); the broker's default is taken for it",
            ", ".join(hidden),
            extra={"event": events.BUS_LIMITS_UNKNOWN},
        )
    return {name: int(settings.get(name, {}).get("max.message.bytes", _DEFAULT_LIMIT)) for name in topics}


def _size_problems(binding: ModelEventBusBinding, limits: Mapping[str, int]) -> Iterator[str]:
    topics, most = binding.topics, binding.max_envelope_bytes
    if limits[topics.output] < most:
        yield (
            f"Topic '{topics.output}' (output) takes {limits[topics.output]} bytes, max_envelope_bytes is {most}; "
            f"raise the topic's max.message.bytes to {most + _FRAME_BYTES}, or lower max_envelope_bytes"
        )
    dead_letter = topics.dead_letter
    if dead_letter is not None and limits[dead_letter] < limits[topics.input]:
        yield (
            f"Topic '{dead_letter}' (dead_letter) takes {limits[dead_letter]} bytes, less than the "
            f"{limits[topics.input]} that can come in; raise its max.message.bytes to "
            f"{limits[topics.input] + _FRAME_BYTES}, so that every record has room there"
        )


async def check_leaders(state: ClusterState, options: ModelKafkaOptions, security: SecurityArguments) -> None:
    """At least one leader must be reachable at its own address: else the brokers advertise a wrong one."""
    leaders = {leader for topic in state.topics.values() for leader in topic.leaders.values()}
    brokers = [state.brokers[leader] for leader in leaders if leader in state.brokers]
    failed = await unreachable(brokers, options, security)
    for (host, port), reason in failed.items():
        _log.warning(
            "broker %s:%s leads partitions of ours, and cannot be reached: %s",
            host,
            port,
            reason,
            extra={"event": events.BUS_BROKER_UNREACHABLE},
        )
    if failed and len(failed) == len(set(brokers)):
        told = "; ".join(f"{host}:{port}: {reason}" for (host, port), reason in failed.items())
        raise EventBusError(
            f"The cluster answers at {options.bootstrap_servers}, but its brokers advertise addresses that cannot "
            f"be reached from here ({told}); correct advertised.listeners of the brokers, or the network"
        )
