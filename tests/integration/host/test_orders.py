"""contracts/orders as its README shows it: on a real PostgreSQL and HTTP server, and by its contract tests."""

import asyncio
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from click.testing import CliRunner
from omnibase_core.codec import decode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_infra.cli.hosting import HostClass, host_class, with_dsn
from omnibase_infra.cli.main import onex_host
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.wiring import build_host

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded
from tests.integration.conftest import require_postgres

FOLDER: Final = Path(__file__).resolve().parents[3] / "contracts/orders"
REQUESTS: Final = [decode(line) for line in (FOLDER / "requests.jsonl").read_bytes().splitlines()]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostClass]:
    """The host of host.py, found from the folder as `--host host:OrdersHost` finds it."""
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield host_class("host:OrdersHost")
    for name in ("host", "models"):
        sys.modules.pop(name, None)


async def payments(request: RecordedRequest, connection: Connection) -> None:
    """Reserves small amounts; the bank declines the others."""
    amount = json.loads(request.body)["amount"]
    order = request.target.split("/")[2]
    accepted = float(amount) < 1_000
    body = {"id": f"p-{order[:8]}"} if accepted else {"reason": "limit"}
    await connection.send(encoded(201 if accepted else 402, body))


def without_time(response: ModelOnexEnvelope) -> dict[str, Any]:
    return response.model_dump(mode="json", exclude={"timestamp"})


async def answers(host: HostClass, dsn: str, server: HttpServer) -> Sequence[ModelOnexEnvelope]:
    connection = await asyncpg.connect(dsn)
    await connection.execute(await asyncio.to_thread((FOLDER / "schema.sql").read_text))
    await connection.close()
    environment = {"ORDERS_PAYMENTS_URL": server.url}
    loaded = await asyncio.to_thread(load_contract_file, str(FOLDER / "runtime.yaml"), environment)
    built = await asyncio.to_thread(build_host, with_dsn(loaded, dsn), SecretResolver([]), host=host, local=True)
    async with built:
        return [await built.client.request(request) for request in REQUESTS]


@pytest.mark.asyncio
async def test_each_sample_request_is_answered_as_the_golden_responses_say(
    host: HostClass, database_dsn: str
) -> None:
    async with HttpServer(payments) as server:
        responses = await answers(host, database_dsn, server)
    golden = [json.loads(line) for line in (FOLDER / "responses.jsonl").read_text().splitlines()]
    schema = database_dsn.rpartition("search_path=")[2]
    given = json.dumps([without_time(response) for response in responses]).replace(schema, "public")
    assert json.loads(given) == golden
    first, second = server.requests
    assert first.headers["idempotency-key"] == "10000000-0000-4000-8000-000000000003"
    assert json.loads(first.body) == {"amount": "58.54", "currency": "EUR"}
    assert second.target == "/orders/7a1d0c52-93be-4f0a-8a55-2d9b8f6e4c11/payments"


@pytest.mark.asyncio
async def test_what_failed_left_nothing_behind(host: HostClass, database_dsn: str) -> None:
    async with HttpServer(payments) as server:
        await answers(host, database_dsn, server)
    connection = await asyncpg.connect(database_dsn)
    orders = await connection.fetch("SELECT customer, total::text, version FROM orders")
    history = await connection.fetchval("SELECT count(*) FROM history")
    lines = await connection.fetch("SELECT sku, quantity FROM lines ORDER BY sku")
    await connection.close()
    assert [tuple(row) for row in orders] == [("Ada", "60.00", 2)], "the order of another customer was rolled back"
    assert history == 2
    assert [tuple(row) for row in lines] == [("bulb", 1), ("lamp", 3)]


@pytest.mark.usefixtures("host")
class TestTheCommandsOfItsReadme:
    def run(self, *arguments: str) -> str:
        ended = CliRunner().invoke(onex_host, list(arguments))
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    def test_its_files_are_valid(self) -> None:
        assert self.run("validate", ".") == "10 files, 0 problems\n"

    def test_its_contract_tests_pass(self) -> None:
        out = self.run("test", "runtime.yaml", "--host", "host:OrdersHost")
        assert out.endswith("19 tests in 3 files: 19 passed\n")

    def test_its_call_stores_an_order(self) -> None:
        require_postgres()
        readme = (FOLDER / "README.md").read_text()
        (command,) = [line for line in readme.splitlines() if line.startswith("onex-host call")]
        assert self.run(*shlex.split(command)[1:]).splitlines()[1:] == ["  version: 1"]

    def test_its_models_are_those_of_the_contract(self) -> None:
        self.run("models", "nodes/ship_order.yaml", "--check", "models.py")

    def test_every_node_is_tested_for_success_and_failure(self) -> None:
        out = json.loads(self.run("test", "runtime.yaml", "--host", "host:OrdersHost", "--format", "json"))
        nodes = {path.stem for path in (FOLDER / "nodes").glob("*.yaml")}
        assert {test["node"] for test in out} == nodes
        text = "".join(path.read_text() for path in (FOLDER / "tests").glob("*.yaml"))
        blocks = text.split("  - name: ")[1:]
        tested = [(block.partition('node: "')[2].partition('"')[0], "error: {" in block) for block in blocks]
        assert set(tested) == {(node, failing) for node in nodes for failing in (True, False)}
