"""Planted secrets on a real broker: of all that a host writes, says and shows, nothing holds one."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGTERM
from typing import Final
from urllib.request import urlopen

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from tests.chaos.backlog import Topics
from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded
from tests.infra.cli.programs import contract_in, program
from tests.integration.host.test_end_to_end import LEDGER, USERS
from tests.integration.secrets.canaries import CANARY, HTTP_AND_DB, KEYS, VAULT, Asked, envelopes
from tools.services.kafka import Kafka
from tools.services.vault import Vault

_LIMIT_S: Final = 60.0
_RUNTIME: Final = f"""\
schema_version: "1.0.0"
runtime:
  name: "canaries"
  version: "1.0.0"
  event_bus:
    kind: "kafka"
    config:
      bootstrap_servers: "{{topics.bootstrap_servers}}"
      consumer_group: "{{topics.group}}"
      topics:
        input: "{{topics.input}}"
        output: "{{topics.output}}"
        dead_letter: "{{topics.dead_letter}}"
  handlers:
{HTTP_AND_DB}{VAULT}
  nodes: [{{{{slug: "users"}}}}, {{{{slug: "ledger"}}}}, {{{{slug: "keys"}}}}]
"""
_TO_DEAD_LETTERS: Final = "on_failure: dead_letter\n"
REQUESTS: Final[Sequence[Asked]] = (
    ("users", "http.get", {"url": "/good"}),
    ("users", "http.get", {"url": "/cut"}),
    ("ledger", "db.query", {"sql": "SELECT nonsense"}),
    ("ledger", "db.execute", {"sql": "SELECT 1/0"}),
    ("keys", "vault.get_secret", {"path": "there/is/none"}),
    ("nobody", "http.get", {}),
)


async def service(request: RecordedRequest, connection: Connection) -> None:
    """Good, and cut off."""
    if request.target == "/good":
        await connection.send(encoded(200, {"x": 1}))
    else:
        connection.reset()


def publish(topics: Topics) -> None:
    """The requests, and a record that is no envelope."""
    producer = Producer({"bootstrap.servers": topics.bootstrap_servers})
    for envelope in envelopes(REQUESTS):
        producer.produce(topics.input, envelope.encode(), b"key")
    producer.produce(topics.input, b"no envelope", b"key")
    assert producer.flush(30) == 0


def written(topics: Topics, counts: Mapping[str, int]) -> str:
    """Keys, headers and values of so many records of each topic, as they lie there."""
    consumer = Consumer({"bootstrap.servers": topics.bootstrap_servers, "group.id": f"{topics.group}-reader"})
    try:
        consumer.assign([TopicPartition(name, 0, OFFSET_BEGINNING) for name in counts])
        found = list[Message]()
        deadline = time.monotonic() + _LIMIT_S
        while any(sum(each.topic() == name for each in found) < count for name, count in counts.items()):
            assert time.monotonic() < deadline, [(each.topic(), each.value()) for each in found]
            found += [each for each in consumer.consume(100, 0.2) if each.error() is None]
        return "\n".join(f"{each.key()!r} {each.headers()} {each.value()!r}" for each in found)
    finally:
        consumer.close()


def shown(address: str) -> str:
    """Every page of the server for probes."""
    pages = []
    for path in ("/health/live", "/health/ready", "/health/handlers", "/metrics"):
        with urlopen(address + path, timeout=10) as page:  # noqa: S310 - our own server
            pages.append(page.read().decode())
    return "\n".join(pages)


def worked(topics: Topics, contract: str, log: Path, secrets: Mapping[str, str]) -> str:
    """Everything that a host leaves behind while it answers the requests."""
    letters = sum(node != "nobody" for node, _, payload in REQUESTS if payload != {"url": "/good"}) + 1
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - our own program
            program("onex-host", "run", contract, "--log-level", "debug", "--log-format", "json"),
            env={**os.environ, **secrets},
            stdout=said,
            stderr=said,
        )
        try:
            records = written(topics, {topics.output: len(REQUESTS), topics.dead_letter: letters})
            [listening] = [json.loads(line) for line in log.read_text().splitlines() if "admin.listening" in line]
            pages = shown(f"http://127.0.0.1:{listening['port']}")
            process.send_signal(SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
    return "\n".join([records, pages, log.read_text()])


@pytest.mark.asyncio
async def test_no_secret_is_in_responses_dead_letters_logs_and_pages(
    kafka: Kafka, vault: Vault, postgres_dsn: str, tmp_path: Path
) -> None:
    topics = Topics.made(kafka.bootstrap_servers, 1)
    publish(topics)
    async with HttpServer(service) as server:
        text = _RUNTIME.format(topics=topics, url=server.url, vault=vault.address)
        nodes = {"users": USERS, "ledger": LEDGER, "keys": KEYS}
        path = contract_in(tmp_path, text, **{slug: node + _TO_DEAD_LETTERS for slug, node in nodes.items()})
        secrets = {
            "ONEX_SECRET_API_TOKEN": CANARY,
            "ONEX_SECRET_ORDERS_DSN": postgres_dsn,
            "ONEX_SECRET_VAULT_TOKEN": vault.token,
        }
        outcome = await asyncio.to_thread(worked, topics, path, tmp_path / "host.log", secrets)
    for code in ("HANDLER_CONNECTION_ERROR", "HANDLER_EXECUTION_ERROR", "ENVELOPE_VALIDATION_ERROR"):
        assert f"('onex-dlq-code', b'{code}')" in outcome
    password = postgres_dsn.partition("@")[0].rpartition(":")[2]
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    for secret in (CANARY, password, vault.token):
        assert secret not in outcome
