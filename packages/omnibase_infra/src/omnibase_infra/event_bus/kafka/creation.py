"""Creates the topics of a contract, for an operator who asks for it. A host never does."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.errors import EventBusError, ProtocolConfigurationError

from omnibase_infra.event_bus.kafka.cluster import Cluster, connected
from omnibase_infra.event_bus.kafka.connection import security_arguments
from omnibase_infra.event_bus.kafka.faults import in_words
from omnibase_infra.event_bus.kafka.plan import REPLICATION, PlannedTopic, planned_topics

_EXISTS: Final = 36
_ASK_OFTEN: Final = 200
_ASK_EVERY_S: Final = 0.05


async def create_topics(
    binding: ModelEventBusBinding, options: ModelKafkaOptions, *, partitions: int, replication: int | None
) -> Sequence[PlannedTopic]:
    """Creates those of the topics that do not exist, and gives them; returns when each has its leaders.

    replication: None for 3, or for as many brokers as there are. Raises EventBusError where no broker answers,
    ProtocolConfigurationError with the cluster's reason where it refuses.
    """
    security = security_arguments(options)
    names = [topic.name for topic in planned_topics(binding)]
    async with connected(options, security) as cluster:
        state = await cluster.state(names)
        factor = replication or min(REPLICATION, max(1, len(state.brokers)))
        missing = [
            topic for topic in planned_topics(binding, replication=factor) if topic.name not in state.topics
        ]
        if not missing:
            return []
        admin = AIOKafkaAdminClient(
            bootstrap_servers=options.bootstrap_servers, client_id=options.client_id or "onex", **security
        )
        try:
            await admin.start()
            answer = await admin.create_topics(
                [NewTopic(topic.name, partitions, factor, topic_configs=topic.settings) for topic in missing]
            )
        except KafkaError as error:
            raise EventBusError(f"The topics could not be created: {in_words(error)}") from None
        finally:
            await admin.close()
        _refuse({name: (code, why) for name, code, why, *_ in answer.topic_errors})
        await _are_led(cluster, names)
    return missing


async def _are_led(cluster: Cluster, names: Sequence[str]) -> None:
    """Returns when every partition has a leader, or after a while: who uses the topics sees what is missing."""
    for _ in range(_ASK_OFTEN):
        topics = (await cluster.state(names)).topics
        leaders = [leader for name in names if name in topics for leader in topics[name].leaders.values()]
        if len(topics) == len(names) and all(leader >= 0 for leader in leaders):
            return
        await asyncio.sleep(_ASK_EVERY_S)


def _refuse(answers: Mapping[str, tuple[int, str | None]]) -> None:
    refused = {name: why or f"error {code}" for name, (code, why) in answers.items() if code not in (0, _EXISTS)}
    if refused:
        told = "; ".join(f"'{name}': {why}" for name, why in refused.items())
        raise ProtocolConfigurationError(f"The cluster does not create {told}")
