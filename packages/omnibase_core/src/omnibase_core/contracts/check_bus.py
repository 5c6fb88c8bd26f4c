"""Checks the `event_bus` of a runtime contract: its kind, its config by kind, and the names of its topics."""

from typing import Final

from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelEventBusLimits, ModelTopics
from omnibase_core.contracts.check_handlers import check_references
from omnibase_core.contracts.findings import Findings, Refusal, Section, dotted
from omnibase_core.contracts.runtime_host import (
    ModelEventBusEntry,
    ModelInMemoryBusConfig,
    ModelKafkaBusConfig,
)
from omnibase_core.contracts.shape import check
from omnibase_core.topics import check_topic

DIRECTIONS: Final = {"input": "cmd", "output": "evt", "dead_letter": "error"}
"""The direction that each topic field of a runtime contract takes."""


def local_topics(host: str) -> dict[str, str]:
    """The topics of an in-memory bus that names none."""
    return {field: f"onex.local.{host}.{direction}.v1" for field, direction in DIRECTIONS.items()}


def check_bus(section: Section, host: str, findings: Findings) -> ModelEventBusBinding | None:
    """The bus of the host of that name; None, and problems, where there is none."""
    entry = check(ModelEventBusEntry, section, findings)
    kind = section.mapping().get("kind")
    inner = section.child("config")
    config = Section({} if inner.value is None else inner.value, inner.home)
    if not isinstance(config.value, dict):
        return None
    topics = _check_topics(config.child("topics"), findings)
    if kind == "inmemory":
        memory = check(ModelInMemoryBusConfig, config, findings)
        if entry is None or memory is None or not topics:
            return None
        named = local_topics(host) | memory.topics.model_dump(exclude_unset=True)
        return _binding(entry, memory, ModelTopics(**named))
    if kind == "kafka":
        check_references(config, findings)
        kafka = check(ModelKafkaBusConfig, config, findings)
        if entry is None or kafka is None or not topics:
            return None
        return _binding(entry, kafka, kafka.topics)
    return None


def _binding(
    entry: ModelEventBusEntry, config: ModelInMemoryBusConfig | ModelKafkaBusConfig, topics: ModelTopics
) -> ModelEventBusBinding:
    limits = {name: getattr(config, name) for name in ModelEventBusLimits.model_fields}
    others = config.model_dump(exclude={*limits, "topics"})
    return ModelEventBusBinding(kind=entry.kind, topics=topics, options=others, **limits)


def _check_topics(section: Section, findings: Findings) -> bool:
    """Whether every topic that is named is a good one; whether they are all there is the config's matter."""
    first: dict[str, str] = {}
    good = True
    for field, direction in DIRECTIONS.items():
        topic = section.mapping().get(field)
        origin = section.origin((field,))
        if not isinstance(topic, str) or origin.file.is_unchecked(origin.path):
            continue
        refusal = _refusal(topic, direction, dotted(origin.path), field, first)
        if refusal is not None:
            findings.add(origin, refusal)
            good = False
    return good


def _refusal(topic: str, direction: str, name: str, field: str, first: dict[str, str]) -> Refusal | None:
    if topic in first:
        return Refusal(
            f"Topics '{first[topic]}' and '{field}' are the same",
            "A host would read what it writes",
            f"Give {name} a topic of its own, with direction '{direction}'",
        )
    first[topic] = field
    return check_topic(topic, direction)
