"""The servers, the contract, the host and the load on which faults are tried out."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import urlopen
from uuid import UUID

import asyncpg
from omnibase_core.codec import encode
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_infra.embedded import EmbeddedPostgres
from omnibase_infra.host.clock import utc_now
from omnibase_infra.transports.postgres import Inbox

from tools.bench.kafka import library
from tools.bench.kafka.cluster import Names
from tools.services.consul import Consul
from tools.services.kafka import Kafka
from tools.services.vault import Vault

RATE: Final = 40.0
_POLL_S: Final = 0.1
_START_S: Final = 60.0
_POLICY: Final = 'path "secret/data/orders/*" { capabilities = ["read"] }'
_RUNTIME: Final = """\
schema_version: "1.0.0"
runtime:
  name: "orders"
  version: "1.0.0"
  event_bus:
    kind: "kafka"
    config:
      bootstrap_servers: "{kafka}"
      consumer_group: "{names.group}"
      topics: {{input: "{names.input}", output: "{names.output}", dead_letter: null}}
      max_inflight_envelopes: 40
      session_timeout_ms: 3000
      heartbeat_interval_ms: 300
      rebalance_timeout_ms: 6000
      request_timeout_ms: 15000
      publish_timeout_ms: 5000
  handlers:
    - {{type: "db", timeout_ms: 5000, circuit_breaker: {breaker}, config: {db}}}
    - {{type: "vault", timeout_ms: 3000, circuit_breaker: {breaker}, config: {vault}}}
    - {{type: "consul", timeout_ms: 3000, circuit_breaker: {breaker}, config: {{address: "{consul}"}}}}
  registration: {{ttl_ms: 3000}}
  nodes: [{{slug: "order_total"}}, {{slug: "store_order"}}, {{slug: "discount_of"}}, {{slug: "find_payments"}}]
"""
_BREAKER: Final = "{failure_threshold: 3, open_ms: 2000}"
_HEAD: Final = 'schema_version: "1.0.0"\nnode_version: "1.0.0"\n'
_NODES: Final = {
    "order_total": """\
name: "order_total"
node_type: "COMPUTE"
input_model: {name: "ModelPrices", fields: [{name: "prices", type: "list[decimal]"}]}
output_model: {name: "ModelTotal", fields: [{name: "total", type: "decimal"}]}
transform: {total: "${{ sum(input.prices) }}"}
""",
    "store_order": """\
name: "store_order"
node_type: "EFFECT"
input_model: {name: "ModelOrder", fields: [{name: "number", type: "integer"}]}
output_model: {name: "ModelStored", fields: [{name: "number", type: "integer"}]}
io_operations:
  - type: "db"
    operations: ["db.execute"]
    request: {sql: "INSERT INTO stored VALUES ($1) RETURNING number", parameters: ["${{ input.number }}"]}
    response: {number: "${{ result.rows[0].number }}"}
""",
    "discount_of": """\
name: "discount_of"
node_type: "EFFECT"
input_model: {name: "ModelCode", fields: [{name: "code", type: "string"}]}
output_model: {name: "ModelDiscount", fields: [{name: "percent", type: "integer"}]}
io_operations:
  - type: "vault"
    operations: ["vault.get_secret"]
    request: {path: "orders/${{ input.code }}"}
    response: {percent: "${{ result.data.percent }}"}
""",
    "find_payments": """\
name: "find_payments"
node_type: "EFFECT"
input_model: {name: "ModelName", fields: [{name: "name", type: "string"}]}
output_model: {name: "ModelInstances", fields: [{name: "count", type: "integer"}]}
io_operations:
  - type: "consul"
    operations: ["consul.get_service"]
    request: {name: "${{ input.name }}"}
    response: {count: "${{ length(result.instances) }}"}
""",
}


def _request(number: int) -> ModelOnexEnvelope:
    payloads: tuple[tuple[str, JsonObject], ...] = (
        ("order_total", {"prices": ["1.50", "2.25"]}),
        ("store_order", {"number": number}),
        ("discount_of", {"code": "spring"}),
        ("find_payments", {"name": "orders"}),
    )
    target, payload = payloads[number % len(payloads)]
    return ModelOnexEnvelope(
        envelope_id=UUID(int=number + 1, version=4),
        source_node="shop",
        target_node=target,
        payload=payload,
        timestamp=utc_now(),
    )


class Ground:
    """Everything that runs. Attributes: `postgres`, `kafka`, `vault`, `consul`, the servers; `log`, the host's."""

    def __init__(
        self, folder: Path, postgres: EmbeddedPostgres, kafka: Kafka, vault: Vault, consul: Consul
    ) -> None:
        self.postgres = postgres
        self.kafka = kafka
        self.vault = vault
        self.consul = consul
        self.log = folder / "host.log"
        self.sent = 0
        self.address = ""
        self._names = Names("orders-host", "onex.shop.orders.cmd.v1", "onex.shop.orders.evt.v1")
        asyncio.run(_create(kafka.bootstrap_servers, self._names))
        self._contract = folder / "runtime.yaml"
        self._environment = self._prepared(folder)
        self._over = threading.Event()
        self._loading = threading.Thread(target=lambda: asyncio.run(self._load()), name="load")

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of one of the host's pages."""
        try:
            with urlopen(f"{self.address}{path}", timeout=10) as page:  # noqa: S310 - our own host
                return page.status, page.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def said(self, since: int = 0) -> str:
        """What the host has logged, from a place on."""
        return self.log.read_text(encoding="utf-8")[since:]

    @contextmanager
    def running(
        self, host: str = "omnibase_infra.host.process:BaseRuntimeHostProcess"
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The host, ready and under load; ends it with the load. Raises RuntimeError where it ends by itself."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [
                    *(Path(sys.executable).with_name("onex-host"), "run", self._contract, "--host", host),
                    *("--http", "127.0.0.1:0", "--log-format", "json"),
                ],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._await_ready(process)
            self._loading.start()
            yield process
        finally:
            self._over.set()
            if self._loading.ident is not None:
                self._loading.join()
            if process.poll() is None:
                process.kill()
            process.wait()

    def stop(self, process: "subprocess.Popen[bytes]") -> int:
        """Ends the load, waits for every answer, then ends the host; its exit code."""
        self._over.set()
        self._loading.join()
        deadline = time.monotonic() + _START_S
        while re.search(r"^onex_partition_(lag|outstanding)\{.*\} [^0]", self.page("/metrics")[1], re.MULTILINE):
            if time.monotonic() > deadline:
                raise RuntimeError(f"not everything of {self.sent} was answered:\n{self.said()[-3_000:]}")
            time.sleep(_POLL_S)
        process.send_signal(signal.SIGTERM)
        return process.wait(60)

    async def stored(self) -> list[int]:
        """The numbers of the orders in the database, in order."""
        connection = await asyncpg.connect(self.postgres.dsn)
        try:
            return [row["number"] for row in await connection.fetch("SELECT number FROM stored ORDER BY number")]
        finally:
            await connection.close()

    def expected(self) -> list[int]:
        """What `stored` gives where nothing was lost, and nothing done twice."""
        return [number for number in range(self.sent) if number % 4 == 1]

    def _prepared(self, folder: Path) -> dict[str, str]:
        role = self.vault.approle("orders", _POLICY, token_ttl="10m")  # noqa: S106 - a time
        self.vault.ask("POST", "secret/data/orders/spring", {"data": {"percent": 15}})
        asyncio.run(_lay_out(self.postgres.dsn))
        for slug, text in _NODES.items():
            (folder / f"{slug}.yaml").write_text(_HEAD + text)
        login = {"role_id": role["role_id"], "secret_id": {"secret_ref": "orders/secret_id"}}
        vault = {"address": self.vault.address, "approle": login, "allow": ["orders/spring"]}
        db = {"dsn": {"secret_ref": "orders/dsn"}, "pool_size": 4, "idempotency": "inbox"}
        self._contract.write_text(
            _RUNTIME.format(
                kafka=self.kafka.bootstrap_servers,
                names=self._names,
                breaker=_BREAKER,
                db=json.dumps(db),
                vault=json.dumps(vault),
                consul=self.consul.address,
            )
        )
        return {"ONEX_SECRET_ORDERS_DSN": self.postgres.dsn, "ONEX_SECRET_ORDERS_SECRET_ID": role["secret_id"]}

    def _await_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + _START_S
        while '"host.ready"' not in self.said():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the host does not get ready:\n{self.said()[-3_000:]}")
            time.sleep(_POLL_S)
        found = re.search(r'"admin.listening".*"port":(\d+)', self.said())
        assert found is not None
        self.address = f"http://127.0.0.1:{found[1]}"

    async def _load(self) -> None:
        """Requests at a steady rate; while the broker is away they wait for it."""
        producer = library.quick_producer(self.kafka.bootstrap_servers)
        await producer.start()
        try:
            while not self._over.is_set():
                request = _request(self.sent)
                key = f"{request.target_node}-{self.sent % 40}".encode()
                await self._sent(producer, self._names, encode(request), key)
                self.sent += 1
                await asyncio.sleep(1 / RATE)
        finally:
            await producer.stop()

    async def _sent(self, producer: library.Producer, names: Names, value: bytes, key: bytes) -> None:
        while True:
            try:
                await (await producer.send(names.input, value, key=key))
                return
            except Exception:  # noqa: BLE001 - whatever the library meets while the broker is away, it is sent again
                await asyncio.sleep(0.5)


async def _create(servers: str, names: Names) -> None:
    admin = library.admin(servers)
    await admin.start()
    try:
        await admin.create_topics([library.new_topic(names.input, 4), library.new_topic(names.output, 2)])
    finally:
        await admin.close()


async def _lay_out(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(Inbox("onex_inbox", 1).ddl)
        await connection.execute("CREATE TABLE stored (number int PRIMARY KEY)")
    finally:
        await connection.close()


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """All four servers, of their own. Raises MissingError where one is not there."""
    kafka, vault, consul = Kafka(folder / "kafka"), Vault(folder / "vault"), Consul(folder / "consul")
    for service in (kafka, vault, consul):
        service.require()
    with ExitStack() as around:
        for service in (kafka, vault, consul):
            around.callback(service.stop)
            service.start(leashed=True)
        yield Ground(folder, around.enter_context(EmbeddedPostgres()), kafka, vault, consul)
