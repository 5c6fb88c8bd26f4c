"""The servers by name: to add one, write a class that is a Service, and name it here."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tools.services.base import Service, cache_folder
from tools.services.consul import Consul
from tools.services.kafka import Kafka
from tools.services.postgres import Postgres
from tools.services.vault import Vault

SERVICES: Final[Mapping[str, Callable[[Path], Service]]] = {
    "kafka": lambda folder: Kafka(folder, settings={"auto.create.topics.enable": "true"}),
    "kafka-cluster": lambda folder: Kafka(folder, 3, settings={"auto.create.topics.enable": "false"}),
    "postgres": Postgres,
    "vault": Vault,
    "consul": Consul,
}


def shared(name: str) -> Service:
    """The server of this name that `up` starts, which every command and test run of this user shares."""
    return SERVICES[name](cache_folder() / "run" / name)
