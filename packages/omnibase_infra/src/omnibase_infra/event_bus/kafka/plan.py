"""The topics that a contract needs, with the settings that we recommend and the commands that create them. Pure.

The host itself never creates a topic: partitions, replication and retention are the operators' decision.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from omnibase_core.contracts.bindings import ModelEventBusBinding

MARGIN_BYTES: Final = 64 * 1024
PARTITIONS: Final = 6
REPLICATION: Final = 3
_DAY_MS: Final = 86_400_000


class PlannedTopic(NamedTuple):
    """A topic of the contract. role: input, output or dead_letter. why: what it is for."""

    role: str
    name: str
    why: str
    settings: Mapping[str, str]


def planned_topics(binding: ModelEventBusBinding, *, replication: int = REPLICATION) -> tuple[PlannedTopic, ...]:
    """The topics of a contract, each with recommended settings: room for headers, all replicas but one in sync."""
    topics, size = binding.topics, binding.max_envelope_bytes + MARGIN_BYTES
    planned = [
        PlannedTopic("input", topics.input, "requests", _settings(size, 7, replication)),
        PlannedTopic("output", topics.output, "responses", _settings(size, 7, replication)),
    ]
    if topics.dead_letter is not None:
        settings = _settings(size + MARGIN_BYTES, 30, replication)
        planned.append(
            PlannedTopic("dead_letter", topics.dead_letter, "what is no envelope, as it came", settings)
        )
    return tuple(planned)


def creation_command(
    topic: PlannedTopic, server: str, *, partitions: int = PARTITIONS, replication: int = REPLICATION
) -> str:
    """The command of Kafka's own tools that creates the topic."""
    configs = " ".join(f"--config {name}={value}" for name, value in topic.settings.items())
    return (
        f"kafka-topics.sh --bootstrap-server {server} --create --topic {topic.name} "
        f"--partitions {partitions} --replication-factor {replication} {configs}"
    )


def _settings(size_bytes: int, days: int, replication: int) -> Mapping[str, str]:
    return {
        "max.message.bytes": str(size_bytes),
        "min.insync.replicas": str(max(1, replication - 1)),
        "retention.ms": str(days * _DAY_MS),
        "unclean.leader.election.enable": "false",
    }
