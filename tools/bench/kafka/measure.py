"""All that is measured on Kafka, and the broker for it, real or mocked, which ends with the measurement."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NamedTuple

from tools.bench.kafka.cluster import Cluster, MockedCluster
from tools.bench.kafka.group import group
from tools.bench.kafka.keys import keys
from tools.bench.kafka.latency import latency
from tools.bench.kafka.memory import memory
from tools.bench.kafka.pipeline import pipeline
from tools.bench.kafka.programs import measuring_from
from tools.bench.report import Row
from tools.bench.rounds import Effort
from tools.services.base import cache_folder
from tools.services.kafka import Kafka
from tools.services.kafka_mock import KafkaMock

PARTS: Final[Mapping[str, Callable[[Effort, Cluster], list[Row]]]] = {
    "kafka.pipeline": pipeline,
    "kafka.keys": keys,
    "kafka.latency": latency,
    "kafka.group": group,
    "kafka.memory": memory,
}


ON_MOCK: Final = ("kafka.pipeline", "kafka.keys")


class Broker(NamedTuple):
    """What is measured on. pid: of its process, which gets a core to itself and those who measure meanwhile."""

    cluster: Cluster
    pid: int


def kafka(effort: Effort, names: Sequence[str], broker: str) -> list[Row]:
    """What is named, on a broker of BROKERS. Raises MissingError where it cannot be had."""
    with BROKERS[broker]() as running:
        return measured(effort, running, names)


def measured(effort: Effort, broker: Broker, names: Sequence[str]) -> list[Row]:
    """The same on a broker that runs."""
    rows: list[Row] = []
    with measuring_from(broker.pid):
        for name in names:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += PARTS[name](effort, broker.cluster)
    return rows


def broker_of(kafka: Kafka) -> Broker:
    """A real one."""
    return Broker(Cluster(kafka.bootstrap_servers), kafka.brokers[0].pid)


@contextmanager
def _real() -> Iterator[Broker]:
    server = Kafka(cache_folder() / "run" / f"bench-{os.getpid()}")
    server.fetch()
    try:
        server.start(leashed=True)
        yield broker_of(server)
    finally:
        server.stop()


@contextmanager
def mocked() -> Iterator[Broker]:
    """librdkafka's mock."""
    with KafkaMock() as mock:
        yield Broker(MockedCluster(mock), mock.pid)


BROKERS: Final[Mapping[str, Callable[[], AbstractContextManager[Broker]]]] = {"real": _real, "mock": mocked}
