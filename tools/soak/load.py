"""What a soak runs on: contracts, servers, and for Kafka the requests."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from uuid import uuid4

from omnibase_core.codec import encode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_infra.embedded import EmbeddedPostgres
from omnibase_infra.host.clock import utc_now

from tools.bench.contracts import DB, HANDLERS, HTTP, environment, write_contract
from tools.bench.handlers import loopback
from tools.bench.kafka import library
from tools.bench.kafka.cluster import Cluster
from tools.services.base import cache_folder
from tools.services.kafka import Kafka
from tools.soak.host import payloads

_TICK_S: Final = 0.02
_KEYS: Final = 500
_FEW: Final[Mapping[str, object]] = {"max_inflight_envelopes": 20}  # lanes: as many as there can be are there soon
_TOTAL: Final = """
node_version: "1.0.0"
name: {slug}
node_type: COMPUTE
input_model:
  name: ModelPrices
  fields: [{{name: prices, type: "list[integer]"}}, {{name: note, type: string}}]
output_model: {{name: ModelTotal, fields: [{{name: total, type: integer}}]}}
"""


class Ground(NamedTuple):
    """A contract, the variables of its host, and where Kafka and its input topic are, if it is on Kafka."""

    contract: Path
    environment: dict[str, str]
    kafka: tuple[str, str] | None = None


@contextmanager
def in_memory() -> Iterator[Ground]:
    """A COMPUTE node, and one that asks a web service in a process of its own."""
    with loopback() as url, TemporaryDirectory() as folder:
        path = write_contract(Path(folder), {"total": _TOTAL, "ask": HTTP}, HANDLERS[:1])
        path.write_text(
            path.read_text().replace("{kind: inmemory}", json.dumps({"kind": "inmemory", "config": _FEW}))
        )
        yield Ground(path, environment(url, ""))


@contextmanager
def on_servers() -> Iterator[Ground]:
    """The same and a database, on Kafka and PostgreSQL of their own. Raises MissingError where there are none."""
    broker = Kafka(cache_folder() / "run" / f"soak-{os.getpid()}")
    broker.fetch()
    try:
        broker.start(leashed=True)
        names = Cluster(broker.bootstrap_servers).topics()
        with loopback() as url, EmbeddedPostgres() as server, TemporaryDirectory() as folder:
            path = write_contract(Path(folder), {"total": _TOTAL, "ask": HTTP, "query": DB}, HANDLERS)
            config = {
                "bootstrap_servers": broker.bootstrap_servers,
                "consumer_group": names.group,
                "topics": {"input": names.input, "output": names.output, "dead_letter": None},
                **_FEW,
            }
            bus = json.dumps({"kind": "kafka", "config": config})
            path.write_text(path.read_text().replace("{kind: inmemory}", bus))
            yield Ground(path, environment(url, server.dsn), (broker.bootstrap_servers, names.input))
    finally:
        broker.stop()


async def publish(servers: str, topic: str, rate: float) -> None:
    """So many requests a second into the topic, without an end."""
    producer = library.quick_producer(servers)
    await producer.start()
    try:
        requests = payloads({"total": None, "ask": None, "query": None})
        loop = asyncio.get_running_loop()
        begun, sent = loop.time(), 0
        while True:
            due = int((loop.time() - begun) * rate)
            for number, (target, payload) in zip(range(sent, due), requests, strict=False):
                request = ModelOnexEnvelope(
                    envelope_id=uuid4(), target_node=target, payload=payload, timestamp=utc_now()
                )
                await producer.send(topic, encode(request), key=b"key-%03d" % (number % _KEYS))
            sent = due
            await asyncio.sleep(_TICK_S)
    finally:
        await producer.stop()
