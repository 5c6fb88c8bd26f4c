"""Outages of real servers under a whole host: what is tried again, what waits, what is answered at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from omnibase_core.enums import EnumErrorCode
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver
from omnibase_infra.embedded import EmbeddedPostgres
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts
from omnibase_infra.wiring import build_host

from tests.fakes.http_server import Behaviour, Connection, HttpServer, RecordedRequest, encoded
from tests.integration.conftest import require_postgres

RUNTIME = """\
runtime:
  name: outages
  version: "1.0.0"
  event_bus: {{kind: inmemory}}
  handlers:
    - type: http
      retry_policy: {{max_retries: 3, base_delay_ms: 5}}
      circuit_breaker: {{failure_threshold: 5, open_ms: 200}}
      config: {{base_url: "{url}", allow_private: ["127.0.0.0/8"]}}
    - type: db
      retry_policy: {{max_retries: 3, base_delay_ms: 5}}
      circuit_breaker: {{failure_threshold: 5, open_ms: 200}}
      on_open: {on_open}
      config: {{dsn: {{secret_ref: "outages/dsn"}}, pool_size: 4}}
  nodes: [{{slug: page}}, {{slug: ledger}}]
"""
NODE = """\
node_version: "1.0.0"
name: {name}
node_type: EFFECT
input_model: {{name: ModelIn, fields: [{{name: number, type: integer}}]}}
output_model: {{name: ModelOut, fields: [{{name: number, type: any}}]}}
io_operations:
  - type: {type}
    operations: [{operation}]
    request: {request}
    response: {{number: "{response}"}}
"""
PAGE = NODE.format(
    name="page",
    type="http",
    operation="http.get",
    request='{url: "/pages/${{ text(input.number) }}"}',
    response="${{ result.body.number }}",
)
LEDGER = NODE.format(
    name="ledger",
    type="db",
    operation="db.execute",
    request=(
        '{sql: "INSERT INTO entries VALUES ($1) ON CONFLICT DO NOTHING", parameters: ["${{ input.number }}"]}'
    ),
    response="${{ input.number }}",
)


class Host(BaseRuntimeHostProcess):
    """Shows its guards."""

    def __init__(self, parts: HostParts) -> None:
        super().__init__(parts)
        self.guards = {guard.name: guard for guard, _ in parts.handlers}

    async def breaker(self, name: str) -> object:
        """The state of a handler's breaker."""
        figures = (await self.guards[name].health_check()).details["guard"]
        assert isinstance(figures, dict)
        return figures["breaker"]


def asking(node: str, number: int, ttl_s: float | None = None) -> ModelOnexEnvelope:
    """A request to one of the nodes."""
    return ModelOnexEnvelope(
        envelope_id=UUID(int=number + 1),
        target_node=node,
        payload={"number": number},
        timestamp=datetime.now(UTC),
        ttl_seconds=ttl_s,
    )


def host_of(folder: Path, url: str, dsn: str, on_open: str = "fail") -> Host:
    """The host of the contract on disk, not yet opened."""
    (folder / "runtime.yaml").write_text(RUNTIME.format(url=url, on_open=on_open))
    (folder / "page.yaml").write_text(PAGE)
    (folder / "ledger.yaml").write_text(LEDGER)
    loaded = load_contract_file(str(folder / "runtime.yaml"), {})
    secrets = SecretResolver([EnvironmentSecrets({"ONEX_SECRET_OUTAGES_DSN": dsn})])
    host = build_host(loaded, secrets, host=Host)
    assert isinstance(host, Host)
    return host


def failing_first(times: int, status: int = 503) -> Behaviour:
    """Fails so many times for each page, and then serves it."""
    seen: dict[str, int] = {}

    async def behave(request: RecordedRequest, connection: Connection) -> None:
        seen[request.target] = seen.get(request.target, 0) + 1
        if seen[request.target] <= times:
            await connection.send(encoded(status))
        else:
            await connection.send(encoded(200, {"number": int(request.target.rpartition("/")[2])}))

    return behave


async def until(condition: Callable[[], Awaitable[bool]], limit_s: float = 20.0) -> None:
    """Waits for a condition, within a bound."""
    deadline = asyncio.get_running_loop().time() + limit_s
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that the test may stop."""
    require_postgres()
    with EmbeddedPostgres(password="canary-of-outages") as running:
        yield running


@pytest.mark.asyncio
async def test_a_server_that_fails_twice_and_then_works_is_a_success_to_the_client(
    tmp_path: Path, postgres_dsn: str
) -> None:
    async with HttpServer(failing_first(2)) as pages:
        host = await asyncio.to_thread(host_of, tmp_path, pages.url, postgres_dsn)
        async with host:
            response = await host.client.request(asking("page", 7))
    assert response.payload == {"number": 7}
    assert len(pages.requests) == 3


@pytest.mark.asyncio
async def test_a_server_that_asks_for_a_pause_gets_one(tmp_path: Path, postgres_dsn: str) -> None:
    times: list[float] = []

    async def busy(request: RecordedRequest, connection: Connection) -> None:
        times.append(asyncio.get_running_loop().time())
        first = encoded(429, b"", {"retry-after": "1"})
        await connection.send(first if len(times) == 1 else encoded(200, {"number": 7}))

    async with HttpServer(busy) as pages:
        host = await asyncio.to_thread(host_of, tmp_path, pages.url, postgres_dsn)
        async with host:
            assert (await host.client.request(asking("page", 7))).success
    assert times[1] - times[0] >= 1.0


@pytest.mark.asyncio
async def test_a_server_that_only_fails_gets_five_requests_and_then_one_at_a_time(
    tmp_path: Path, postgres_dsn: str
) -> None:
    async with HttpServer(failing_first(1_000_000)) as pages:
        host = await asyncio.to_thread(host_of, tmp_path, pages.url, postgres_dsn)
        async with host:
            for number in range(10):
                await host.client.request(asking("page", number))
                if await host.breaker("http") == "open":
                    break
            assert len(pages.requests) == 5
            refused = await host.client.request(asking("page", 11))
            assert refused.error is not None
            assert (refused.error.code, refused.error.retryable) == (EnumErrorCode.HANDLER_UNAVAILABLE, True)
            assert len(pages.requests) == 5


async def load(host: Host, numbers: range) -> list[ModelOnexEnvelope]:
    """An entry for each number, all at once."""
    return list(await asyncio.gather(*(host.client.request(asking("ledger", number)) for number in numbers)))


async def prepared(host: Host) -> None:
    """The table of the entries."""
    made: JsonObject = {"sql": "CREATE TABLE entries (id int PRIMARY KEY)", "parameters": []}
    request = asking("ledger", 0).model_copy(update={"handler_type": "db", "operation": "db.execute"})
    await host.guards["db"].execute(request.model_copy(update={"payload": made}))


async def entries(host: Host) -> object:
    """How many there are."""
    counted: JsonObject = {"sql": "SELECT count(*)::int AS n FROM entries", "parameters": []}
    request = asking("ledger", 0).model_copy(update={"operation": "db.query", "payload": counted})
    response = await host.guards["db"].execute(request)
    assert response.payload is not None
    return response.payload["rows"]


def test_a_pause_keeps_everything_through_an_outage_of_the_database_and_others_run_on(
    tmp_path: Path, server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with HttpServer(failing_first(0)) as pages:
            host = await asyncio.to_thread(host_of, tmp_path, pages.url, server.dsn, "pause")
            async with host:
                await prepared(host)
                assert all(answer.success for answer in await load(host, range(50)))
                await asyncio.to_thread(server.stop, immediate=True)
                during = asyncio.create_task(load(host, range(50, 130)))
                await until(lambda: is_open(host))
                page = await asyncio.wait_for(host.client.request(asking("page", 1)), 5)
                late = await host.client.request(asking("ledger", 900, ttl_s=0.3))
                await asyncio.to_thread(server.start)
                answers = await asyncio.wait_for(during, 30)
                assert page.success
                assert late.error is not None
                assert late.error.code is EnumErrorCode.HANDLER_UNAVAILABLE
                assert [answer.payload for answer in answers] == [{"number": n} for n in range(50, 130)]
                assert await entries(host) == [{"n": 130}]
                assert await host.breaker("db") == "closed"

    with caplog.at_level(logging.INFO, logger="onex.guard"):
        asyncio.run(run())
    told = [vars(record)["event"] for record in caplog.records if record.name == "onex.guard"]
    assert told[0] == "guard.breaker_opened"
    assert told[-1] == "guard.breaker_closed"


def test_without_a_pause_an_outage_is_answered_at_once_and_ends_without_a_restart(
    tmp_path: Path, server: EmbeddedPostgres
) -> None:
    async def run() -> None:
        host = await asyncio.to_thread(host_of, tmp_path, "http://127.0.0.1:1", server.dsn)
        async with host:
            await prepared(host)
            await asyncio.to_thread(server.stop, immediate=True)
            answers = await asyncio.wait_for(load(host, range(50)), 10)
            codes = {answer.error.code for answer in answers if answer.error is not None}
            assert codes <= {EnumErrorCode.HANDLER_CONNECTION_ERROR, EnumErrorCode.HANDLER_UNAVAILABLE}
            assert EnumErrorCode.HANDLER_UNAVAILABLE in codes
            await asyncio.to_thread(server.start)
            await until(lambda: works(host))
            assert all(answer.success for answer in await load(host, range(50)))

    asyncio.run(run())


async def is_open(host: Host) -> bool:
    """Whether the database's breaker has opened."""
    return await host.breaker("db") == "open"


async def works(host: Host) -> bool:
    """Whether a request succeeds."""
    return bool((await host.client.request(asking("ledger", 0))).success)
