"""Checks the `event_bus` of a runtime contract: its kind, its config by kind, and the names of its topics."""

from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelEventBusLimits, ModelTopics
from omnibase_core.contracts.check_handlers import check_references
from omnibase_core.contracts.findings import Findings, Refusal, Section
from omnibase_core.contracts.runtime_host import (
    ModelEventBusEntry,
    ModelInMemoryBusConfig,
    ModelKafkaBusConfig,
)
from omnibase_core.contracts.shape import check
from omnibase_core.errors import shown
from omnibase_core.topics import ROLE_DIRECTIONS, Role, check_topic, local_topic


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
        defaults = {role: local_topic(host, role) for role in ROLE_DIRECTIONS}
        return _binding(entry, memory, ModelTopics(**(defaults | memory.topics.model_dump(exclude_unset=True))))
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
    first: dict[str, Role] = {}
    good = True
    for role in ROLE_DIRECTIONS:
        topic, origin = section.mapping().get(role), section.origin((role,))
        if not isinstance(topic, str) or origin.file.is_unchecked(origin.path):
            continue
        refusal = _refusal(topic, role, first)
        if refusal is not None:
            findings.add(origin, refusal)
            good = False
    return good


def _refusal(topic: str, role: Role, first: dict[str, Role]) -> Refusal | None:
    if topic in first:
        return Refusal(
            f"Topics '{first[topic]}' and '{role}' are the same",
            "A host would mix up what it reads and what it writes",
            f"Give '{role}' a topic of its own, of direction '{ROLE_DIRECTIONS[role]}'",
        )
    first[topic] = role
    fault = check_topic(topic, role)
    if fault is None:
        return None
    return Refusal(
        f"Invalid topic '{shown(topic, 128)}' for '{role}'", fault[0].upper() + fault[1:], "Rename the topic"
    )
