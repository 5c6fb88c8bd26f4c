"""What `onex-host topics` does. Imported within the command only."""

import asyncio
import json
import os

from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.errors import ProtocolConfigurationError

from omnibase_infra.cli.command import counted
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.wiring import check_cluster, create_topics, creation_command, planned_topics, resolver_of

REPLICATION = 3
_WIDTH = 12


def planned(path: str, partitions: int, replication: int, as_json: bool) -> str:
    """The topics, settings and commands. Raises ContractValidationError, ProtocolConfigurationError."""
    loaded, options = _kafka(path)
    server = options.bootstrap_servers.split(",")[0].strip()
    topics = planned_topics(loaded.require().event_bus, replication)
    commands = [
        creation_command(topic, server, partitions=partitions, replication=replication) for topic in topics
    ]
    if as_json:
        document = {
            "bootstrap_servers": options.bootstrap_servers,
            "consumer_group": options.consumer_group,
            "partitions": partitions,
            "replication_factor": replication,
            "topics": [
                {"role": topic.role, "name": topic.name, "settings": dict(topic.settings), "command": command}
                for topic, command in zip(topics, commands, strict=True)
            ],
        }
        return json.dumps(document, ensure_ascii=False, indent=2)
    lines = [f"topics on {options.bootstrap_servers}, read by group {options.consumer_group}"]
    for topic in topics:
        lines.append(f"  {topic.role:<{_WIDTH}} {topic.name}: {topic.why}")
        lines.extend(f"  {'':<{_WIDTH}}   {name}={value}" for name, value in topic.settings.items())
    return "\n".join([*lines, "", "to create them:", *(f"  {command}" for command in commands)])


def created(path: str, partitions: int, replication: int | None) -> str:
    """Creates what is missing. Raises as `checked` does."""
    loaded, options = _kafka(path)
    binding = loaded.require().event_bus
    made = asyncio.run(
        create_topics(binding, resolver_of(loaded, os.environ), partitions=partitions, replication=replication)
    )
    if not made:
        return f"every topic exists on {options.bootstrap_servers}"
    return "\n".join(f"created {topic.name}: {counted(partitions, 'partition')}" for topic in made)


def checked(path: str) -> str:
    """What a start would find. Raises EventBusError, ProtocolConfigurationError and SecretResolutionError."""
    loaded, options = _kafka(path)
    found = asyncio.run(check_cluster(loaded.require().event_bus, resolver_of(loaded, os.environ)))
    lines = [f"{counted(len(found), 'topic')} on {options.bootstrap_servers} can be used"]
    lines.extend(f"  {name}: {counted(partitions, 'partition')}" for name, partitions in found.items())
    return "\n".join(lines)


def _kafka(path: str) -> tuple[LoadedContract, ModelKafkaOptions]:
    loaded = load_contract_file(path, os.environ)
    binding = loaded.require().event_bus
    if not isinstance(binding.options, ModelKafkaOptions):
        raise ProtocolConfigurationError(
            f"The contract's bus is '{binding.kind}', which has no topics to create; set event_bus.kind to kafka"
        )
    return loaded, binding.options
