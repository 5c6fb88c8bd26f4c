"""The contracts of the hosts that are measured on Kafka, and the records for them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tools.bench.contracts import HTTP, NOOP, envelope, order
from tools.bench.kafka.app import NODES
from tools.bench.kafka.cluster import Cluster, Names, Record

WINDOW: Final = 1_000
_KEYS: Final = 1_000

ONE: Final[Mapping[str, str]] = {"noop": NOOP}
TEN: Final[Mapping[str, str]] = dict.fromkeys(NODES, NOOP)
SLOW: Final[Mapping[str, str]] = {"slow": HTTP}

_LONGEST_US: Final = 5_000
_STRIDE: Final = 7_919
_HTTP: Final[Sequence[Mapping[str, object]]] = (
    {"type": "http", "config": {"base_url": "http://127.0.0.1", "allow_private": ["127.0.0.1/32"]}},
)
_RUNTIME: Final = """
runtime:
  name: bench
  version: "1.0.0"
  event_bus: {bus}
  handlers: {handlers}
  nodes: {nodes}
"""


@contextmanager
def contract(cluster: Cluster, names: Names, nodes: Mapping[str, str], window: int = WINDOW) -> Iterator[Path]:
    """A runtime contract on these topics with these nodes, in a folder of its own."""
    config = {
        "bootstrap_servers": cluster.bootstrap_servers,
        "consumer_group": names.group,
        "max_inflight_envelopes": window,
        "topics": {"input": names.input, "output": names.output, "dead_letter": None},
    }
    bus = {"kind": "kafka", "config": config}
    handlers = _HTTP if nodes is SLOW else ()
    with TemporaryDirectory() as folder:
        for slug, text in nodes.items():
            Path(folder, f"{slug}.yaml").write_text(text.format(slug=slug))
        path = Path(folder, "runtime.yaml")
        listed = json.dumps([{"slug": slug} for slug in nodes])
        path.write_text(_RUNTIME.format(bus=json.dumps(bus), handlers=json.dumps(handlers), nodes=listed))
        yield path


def orders(count: int, nodes: Sequence[str] = ("noop",)) -> Iterator[Record]:
    """Requests of 1,000 customers, to these nodes in turn."""
    for number in range(count):
        yield _key(number % _KEYS), envelope(number, nodes[number % len(nodes)], order())


def waits(count: int, keys: int) -> Iterator[Record]:
    """Requests to `slow` of so many customers in turn; its handler takes 0 to 5 ms, spread evenly."""
    for number in range(count):
        wait_us = number * _STRIDE % (_LONGEST_US + 1)
        yield _key(number % keys), envelope(number, "slow", {"url": f"/{wait_us}"})


def _key(number: int) -> bytes:
    return b"customer-%06d" % number
