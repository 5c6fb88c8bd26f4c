"""Checks the `event_bus` of a runtime contract: its kind, its config by kind, and the names of its topics."""

from omnibase_core.contracts.bindings import (
    ModelBusOptions,
    ModelEventBusBinding,
    ModelEventBusLimits,
    ModelTopics,
)
from omnibase_core.contracts.findings import Findings, Refusal, Section
from omnibase_core.contracts.runtime_host import (
    ModelEventBusEntry,
    ModelInMemoryBusConfig,
    ModelTopicNames,
)
from omnibase_core.contracts.shape import check
from omnibase_core.errors import shown
from omnibase_core.topics import FIELD_DIRECTIONS, check_topic, local_topics


def check_bus(section: Section, host: str, findings: Findings) -> ModelEventBusBinding | None:
    """The bus of the host of that name; None, and problems, where there is none."""
    entry = check(ModelEventBusEntry, section, findings)
    kind = section.mapping().get("kind")
    inner = section.child("config")
    config = Section({} if inner.value is None else inner.value, inner.home)
    if not isinstance(config.value, dict):
        return None
    are_good = _check_topics(config.child("topics"), findings)
    if kind == "inmemory":
        memory = check(ModelInMemoryBusConfig, config, findings)
        if entry is None or memory is None or not are_good:
            return None
        return _binding(entry, memory, _topics_in_memory(host, memory.topics), ModelBusOptions())
    if kind == "kafka":
        from omnibase_core.contracts.check_kafka import checked_kafka, options_of  # brings Kafka's models

        kafka = checked_kafka(config, findings)
        if entry is None or kafka is None or not are_good:
            return None
        return _binding(entry, kafka, kafka.topics, options_of(kafka, host))
    return None


def _binding(
    entry: ModelEventBusEntry, config: ModelEventBusLimits, topics: ModelTopics, options: ModelBusOptions
) -> ModelEventBusBinding:
    limits = {name: getattr(config, name) for name in ModelEventBusLimits.model_fields}
    return ModelEventBusBinding(kind=entry.kind, topics=topics, options=options, **limits)


def _topics_in_memory(host: str, named: ModelTopicNames) -> ModelTopics:
    defaults = local_topics(host)
    without_dead_letter = "dead_letter" in named.model_fields_set and named.dead_letter is None
    return ModelTopics(
        input=named.input or defaults["input"],
        output=named.output or defaults["output"],
        dead_letter=None if without_dead_letter else named.dead_letter or defaults["dead_letter"],
    )


def _check_topics(section: Section, findings: Findings) -> bool:
    """Whether every topic that is named is a good one; whether they are all there is the config's matter."""
    first: dict[str, str] = {}
    good = True
    for field, direction in FIELD_DIRECTIONS.items():
        topic, origin = section.mapping().get(field), section.origin((field,))
        if not isinstance(topic, str) or origin.file.is_unchecked(origin.path):
            continue
        refusal = _refusal(topic, field, direction, first)
        if refusal is not None:
            findings.add(origin, refusal)
            good = False
    return good


def _refusal(topic: str, field: str, direction: str, first: dict[str, str]) -> Refusal | None:
    if topic in first:
        return Refusal(
            f"Topics '{first[topic]}' and '{field}' are the same",
            "A host would mix up what it reads and what it writes",
            f"Give '{field}' a topic of its own, of direction '{direction}'",
        )
    first[topic] = field
    fault = check_topic(topic, direction)
    if fault is None:
        return None
    hint = fault[0].upper() + fault[1:]
    return Refusal(f"Invalid topic '{shown(topic, 128)}' for '{field}'", hint, "Rename the topic")
