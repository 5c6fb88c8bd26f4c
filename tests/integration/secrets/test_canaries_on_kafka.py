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
from tools.services.kafka import Kafka
from tools.services.vault import Vault

CANARY: Final = "c4n4ry-s3cr3t"
_LIMIT_S: Final = 60.0
_RUNTIME: Final = """\
schema_version: "1.0.0"
runtime:
  name: "canaries"
  version: "1.0.0"
  event_bus:
    kind: "kafka"
    config:
      bootstrap_servers: "{topics.bootstrap_servers}"
      consumer_group: "{topics.group}"
      topics: {{input: "{topics.input}", output: "{topics.output}", dead_letter: "{topics.dead_letter}"}}
  handlers:
    - type: "http"
      timeout_ms: 2000
      retry_policy: {{max_retries: 0}}
      config:
        base_url: "{url}"
        allow_private: ["127.0.0.0/8"]
        headers: {{Authorization: {{secret_ref: "api/token", prefix: "Bearer "}}}}
    - {{type: "db", timeout_ms: 3000, config: {{dsn: {{secret_ref: "orders/dsn"}}}}}}
    - {{type: "vault", timeout_ms: 3000, config: {{address: "{vault}", token: {{secret_ref: "vault/token"}}}}}}
  nodes: [{{slug: "users"}}, {{slug: "ledger"}}, {{slug: "keys"}}]
"""
_KEYS: Final = """\
node_version: "1.0.0"
name: "keys"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "path", type: "string"}]}
output_model: {name: "ModelOut", fields: [{name: "version", type: "integer"}]}
io_operations: [{type: "vault", operations: ["vault.get_secret"]}]
"""
_TO_DEAD_LETTERS: Final = "on_failure: dead_letter\n"
REQUESTS: Final[Sequence[tuple[str, str, Mapping[str, str]]]] = (
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
    for number, (node, operation, payload) in enumerate(REQUESTS, 1):
        envelope = {
            "envelope_id": f"00000000-0000-4000-8000-{number:012}",
            "target_node": node,
            "operation": operation,
            "payload": payload,
            "timestamp": "2026-01-02T03:04:05Z",
        }
        producer.produce(topics.input, json.dumps(envelope).encode(), b"key")
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
        nodes = {"users": USERS, "ledger": LEDGER, "keys": _KEYS}
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
