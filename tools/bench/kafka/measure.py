"""All that is measured on Kafka, and the broker for it: one of its own, which ends with the measurement."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from tools.bench.kafka.cluster import Cluster
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

PARTS: Final[Mapping[str, Callable[[Effort, Cluster], list[Row]]]] = {
    "kafka.pipeline": pipeline,
    "kafka.keys": keys,
    "kafka.latency": latency,
    "kafka.group": group,
    "kafka.memory": memory,
}


def kafka(effort: Effort, names: Sequence[str] = tuple(PARTS)) -> list[Row]:
    """Everything, or what is named. Raises MissingError where a broker cannot be had."""
    with _broker() as broker:
        return measured(effort, broker, names)


def measured(effort: Effort, broker: Kafka, names: Sequence[str]) -> list[Row]:
    """The same on this broker, which has a core to itself and those who measure meanwhile."""
    cluster = Cluster(broker.bootstrap_servers)
    rows: list[Row] = []
    with measuring_from(broker.brokers[0].pid):
        for name in names:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += PARTS[name](effort, cluster)
    return rows


@contextmanager
def _broker() -> Iterator[Kafka]:
    server = Kafka(cache_folder() / "run" / f"bench-{os.getpid()}")
    server.fetch()
    try:
        server.start(leashed=True)
        yield server
    finally:
        server.stop()
