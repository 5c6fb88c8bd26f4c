"""A contract on disk, a real PostgreSQL, a real HTTP server: requests go in, responses come out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from omnibase_core.enums import EnumErrorCode, EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.wiring import build_host

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded

RUNTIME = """\
schema_version: "1.0.0"
runtime:
  name: "orders_host"
  version: "1.0.0"
  event_bus: {{kind: "inmemory"}}
  handlers:
    - type: "http"
      timeout_ms: 1000
      retry_policy: {{max_retries: 1, base_delay_ms: 1}}
      config: {{base_url: "{url}", allow_private: ["127.0.0.0/8"]}}
    - type: "db"
      config: {{dsn: {{secret_ref: "orders/dsn"}}, pool_size: 4}}
  nodes: [{{slug: "users"}}, {{slug: "ledger"}}]
"""
USERS = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "users"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "url", type: "string"}]}
output_model:
  name: "ModelOut"
  fields:
    - {name: "status_code", type: "integer"}
    - {name: "body", type: "any"}
    - {name: "body_type", type: "string"}
    - {name: "headers", type: "map[string]"}
io_operations: [{type: "http", operations: ["http.get"]}]
"""
LEDGER = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "ledger"
node_type: "EFFECT"
input_model:
  name: "ModelIn"
  fields: [{name: "sql", type: "string"}, {name: "parameters", type: "list[any]", required: false}]
output_model: {name: "ModelOut", fields: [{name: "rows", type: "list[any]"}, {name: "row_count", type: "integer"}]}
io_operations: [{type: "db", operations: ["db.query", "db.execute"]}]
"""
CORRELATION = UUID("00000000-0000-4000-8000-00000000c0de")


async def users(request: RecordedRequest, connection: Connection) -> None:
    """A small service: a user by path, one that is slow, one that breaks."""
    match request.target.rpartition("/")[2]:
        case "slow":
            await connection.hang()
        case "broken":
            await connection.send(encoded(503, {"why": "upgrade"}))
        case name:
            await connection.send(encoded(200, {"name": name}))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[HttpServer]:
    """The service."""
    async with HttpServer(users) as running:
        yield running


@pytest.fixture
def every_line(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The log, with the lines about each envelope."""
    with caplog.at_level(logging.DEBUG, logger="onex"):
        yield caplog


@pytest.fixture
def host(tmp_path: Path, server: HttpServer, database_dsn: str) -> BaseRuntimeHostProcess:
    """The host of the contract on disk, not yet opened: before its loop runs, it may read files."""
    (tmp_path / "nodes").mkdir()
    (tmp_path / "runtime.yaml").write_text(RUNTIME.format(url=server.url))
    (tmp_path / "nodes" / "users.yaml").write_text(USERS)
    (tmp_path / "nodes" / "ledger.yaml").write_text(LEDGER)
    loaded = load_contract_file(str(tmp_path / "runtime.yaml"), {})
    return build_host(loaded, SecretResolver([EnvironmentSecrets({"ONEX_SECRET_ORDERS_DSN": database_dsn})]))


def asking(
    target: str, payload: JsonObject, operation: str | None = None, *, correlation_id: UUID | None = CORRELATION
) -> ModelOnexEnvelope:
    """A request to one of the nodes."""
    return ModelOnexEnvelope(
        envelope_id=UUID(int=7),
        correlation_id=correlation_id,
        source_node="client",
        target_node=target,
        operation=operation,
        payload=payload,
        metadata={"tenant": "acme"},
        timestamp=datetime.now(UTC),
    )


@pytest.mark.asyncio
async def test_a_request_goes_through_http_and_comes_back(
    host: BaseRuntimeHostProcess, server: HttpServer
) -> None:
    async with host:
        response = await host.client.request(asking("users", {"url": "/users/ada"}))
    assert response.payload is not None
    assert (response.payload["status_code"], response.payload["body"]) == (200, {"name": "ada"})
    assert (response.source_node, response.target_node) == ("users", "client")
    assert (response.handler_type, response.operation) == (EnumHandlerType.HTTP, "http.get")
    assert response.metadata == {"tenant": "acme", "original_target_node": "users"}
    assert (response.envelope_id, response.causation_id) == (asking("users", {}).response_id, UUID(int=7))


@pytest.mark.asyncio
async def test_requests_go_through_the_database_and_come_back(
    host: BaseRuntimeHostProcess, server: HttpServer
) -> None:
    async with host:
        made = await host.client.request(
            asking("ledger", {"sql": "CREATE TABLE orders (id int PRIMARY KEY, at timestamptz)"}, "db.execute")
        )
        insert: JsonObject = {
            "sql": "INSERT INTO orders VALUES ($1, $2)",
            "parameters": [1, "2026-01-02T03:04:05Z"],
        }
        first = await host.client.request(asking("ledger", insert, "db.execute"))
        again = await host.client.request(asking("ledger", insert, "db.execute"))
        read = await host.client.request(asking("ledger", {"sql": "SELECT * FROM orders"}, "db.query"))
    assert made.success
    assert first.payload == {"rows": [], "row_count": 1}
    assert again.error is not None
    assert (again.error.handler_type, again.error.retryable) == (EnumHandlerType.DB, False)
    assert read.payload is not None
    assert read.payload["row_count"] == 1


@pytest.mark.asyncio
async def test_one_correlation_id_is_at_every_hop(
    host: BaseRuntimeHostProcess, server: HttpServer, every_line: pytest.LogCaptureFixture
) -> None:
    async with host:
        served = await host.client.request(asking("users", {"url": "/users/ada"}))
        failed = await host.client.request(asking("users", {"url": "/users/broken"}))
        suspicious = {"sql": "SELECT 1; -- DROP TABLE orders"}
        refused = await host.client.request(asking("ledger", {**suspicious}, "db.query"))
    assert [request.headers["x-correlation-id"] for request in server.requests] == [str(CORRELATION)] * 3
    assert served.correlation_id == failed.correlation_id == refused.correlation_id == CORRELATION
    about_envelopes = [vars(record) for record in every_line.records if hasattr(record, "correlation_id")]
    assert {line["correlation_id"] for line in about_envelopes} == {CORRELATION}
    assert {line["name"] for line in about_envelopes} >= {"onex.delivery", "onex.handlers.db"}


@pytest.mark.asyncio
async def test_the_host_gives_a_request_without_a_correlation_id_one_that_every_hop_has(
    host: BaseRuntimeHostProcess, server: HttpServer
) -> None:
    async with host:
        response = await host.client.request(asking("users", {"url": "/users/ada"}, correlation_id=None))
    assert response.correlation_id is not None
    assert server.requests[0].headers["x-correlation-id"] == str(response.correlation_id)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("target", "payload", "operation", "code", "retryable"),
    [
        ("users", {"url": "/users/broken"}, None, EnumErrorCode.HANDLER_EXECUTION_ERROR, True),
        ("users", {"url": "/users/slow"}, None, EnumErrorCode.HANDLER_TIMEOUT, True),
        ("users", {"url": "https://elsewhere.example/"}, None, EnumErrorCode.HANDLER_EXECUTION_ERROR, False),
        ("users", {"uri": "/users/ada"}, None, EnumErrorCode.ENVELOPE_VALIDATION_ERROR, False),
        ("users", {"url": "/"}, "http.delete", EnumErrorCode.INVALID_OPERATION, False),
        ("ledger", {"sql": "SELECT 1"}, None, EnumErrorCode.INVALID_OPERATION, False),
        ("ledger", {"sql": "SELECT wrong"}, "db.query", EnumErrorCode.HANDLER_EXECUTION_ERROR, False),
        ("ledger", {"sql": "SELECT pg_sleep(20)"}, "db.query", EnumErrorCode.HANDLER_TIMEOUT, True),
        ("nobody", {}, None, EnumErrorCode.NODE_NOT_FOUND, False),
    ],
)
async def test_what_fails_is_answered_with_its_code_and_nothing_of_the_libraries(
    host: BaseRuntimeHostProcess,
    target: str,
    payload: JsonObject,
    operation: str | None,
    code: EnumErrorCode,
    retryable: bool,
) -> None:
    request = asking(target, payload, operation)
    if "pg_sleep" in str(payload):
        request = request.model_copy(update={"ttl_seconds": 0.5})
    async with host:
        response = await asyncio.wait_for(host.client.request(request), 20)
    assert response.error is not None
    assert (response.error.code, response.error.retryable) == (code, retryable)
    assert response.correlation_id == CORRELATION
    on_the_bus = response.model_dump_json()
    for hidden in ("httpx", "asyncpg", "Traceback", "Exception", "canary"):
        assert hidden not in on_the_bus


@pytest.mark.asyncio
async def test_many_requests_at_once_get_each_its_own_response(
    host: BaseRuntimeHostProcess, server: HttpServer
) -> None:
    async with host:

        async def ask(number: int) -> tuple[object, object]:
            page = await host.client.request(asking("users", {"url": f"/users/{number}"}))
            row = await host.client.request(
                asking("ledger", {"sql": "SELECT $1::int AS n", "parameters": [number]}, "db.query")
            )
            assert page.payload is not None
            assert row.payload is not None
            return page.payload["body"], row.payload["rows"]

        answers = await asyncio.gather(*(ask(number) for number in range(40)))
    assert answers == [({"name": str(number)}, [{"n": number}]) for number in range(40)]


@pytest.mark.asyncio
async def test_a_stop_in_the_middle_finishes_what_runs_in_the_database(
    host: BaseRuntimeHostProcess, server: HttpServer
) -> None:
    async with host:
        await host.client.request(asking("ledger", {"sql": "CREATE TABLE slow (n int)"}, "db.execute"))
        insert: JsonObject = {"sql": "INSERT INTO slow SELECT 1 FROM pg_sleep(0.3)"}
        asked = [
            asyncio.create_task(host.client.request(asking("ledger", insert, "db.execute"))) for _ in range(3)
        ]
        await asyncio.sleep(0)
        host.request_stop()
        assert (await host.run(grace_s=10)).unfinished == 0
        assert [(await one).payload for one in asked] == [{"rows": [], "row_count": 1}] * 3
