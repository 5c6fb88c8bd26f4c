"""The faults: which server dies, how it comes back, and how what the host says of it is looked at."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from tools.faults.ground import Ground


class Fault(NamedTuple):
    """A server that dies, and comes back."""

    kill: Callable[[Ground], None]
    heal: Callable[[Ground], None]


FAULTS: Final[Mapping[str, Fault]] = {
    "PostgreSQL": Fault(lambda its: its.postgres.stop(immediate=True), lambda its: its.postgres.start()),
    "Kafka": Fault(lambda its: its.kafka.brokers[0].kill(), lambda its: its.kafka.brokers[0].restart()),
    "Vault": Fault(lambda its: its.vault.kill(), lambda its: its.vault.start(leashed=True)),
    "Consul": Fault(lambda its: its.consul.kill(), lambda its: its.consul.start(leashed=True)),
}


class Views(NamedTuple):
    """What an operator sees at a moment: the probe's answer, the metrics, the log since, the page's state."""

    ready: str
    metrics: str
    log: str
    page: str


def views(ground: Ground, since: int) -> Views:
    """Everything, now. since: where in the log the fault began."""
    status, ready = ground.page("/health/ready")
    metrics = ground.page("/metrics")[1]
    attention = json.loads(ground.page("/console/state.json")[1])["attention"]
    return Views(f"{status} {ready}", metrics, ground.said(since), json.dumps(attention, ensure_ascii=False))


@contextmanager
def broken(ground: Ground, name: str) -> Iterator[int]:
    """The server is dead within the block; where in the log that began."""
    since = len(ground.said())
    FAULTS[name].kill(ground)
    try:
        yield since
    finally:
        FAULTS[name].heal(ground)


def await_well(ground: Ground, limit_s: float = 60.0) -> None:
    """Returns when the host is ready, and nothing wants attention. Raises RuntimeError where it never is."""
    deadline = time.monotonic() + limit_s
    while True:
        seen = views(ground, 0)
        if seen.ready.startswith("200") and seen.page == "[]":
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"not well again: {seen.ready}\n{seen.page}\n{seen.log[-3_000:]}")
        time.sleep(0.2)
