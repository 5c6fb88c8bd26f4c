"""Nodes with mappings from envelope to envelope, on a real PostgreSQL and a real HTTP server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import InvalidParameterError, UnexpectedResultError
from omnibase_core.runtime import NodeInstance, NodeRuntime
from omnibase_infra.handlers.http_handler import HttpHandler
from omnibase_infra.transports.http import HttpTransport
from omnibase_spi.handler import ProtocolHandler

from tests.core.nodes import contract_text
from tests.fakes.http_server import HttpServer, replying
from tests.integration.db.database import Database, database

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENVELOPE_ID = UUID("11111111-1111-4111-8111-111111111111")
ORDER_ID = "0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a"

ITEM = (
    "[{name: ModelItem, fields: "
    "[{name: sku, type: string}, {name: price, type: decimal}, {name: n, type: integer}]}]"
)
ORDER = (
    "[{name: order_id, type: uuid}, {name: note, type: string, required: false}, "
    "{name: items, type: 'list[ModelItem]'}]"
)
ITEMS: JsonObject = {
    "order_id": ORDER_ID,
    "items": [{"sku": "a/b", "price": "19.90", "n": 3}, {"sku": "é", "price": "12345678901234567890.05", "n": 1}],
}

CREATE = """
io_operations:
  - type: http
    operations: [http.post]
    request:
      url: /orders/${{ input.order_id }}/${{ input.items[0].sku }}
      headers: {X-Note: '${{ input.note }}'}
      params: {sku: '${{ input.items[*].sku }}', note: '${{ input.note }}'}
      body: {lines: '${{ input.items }}', note: '${{ input.note }}'}
    expect: {status: [201]}
    response: {id: '${{ text(result.body.id) }}', etag: '${{ result.headers.etag }}'}
"""

STORE = """
io_operations:
  - type: db
    operations: [db.transaction]
    request:
      statements:
        - sql: >
            INSERT INTO orders (id, note) VALUES ($1, $2)
            ON CONFLICT (id) DO UPDATE SET version = orders.version + 1, note = $2
            RETURNING version
          parameters: ['${{ input.order_id }}', '${{ input.note }}']
        - sql: >
            INSERT INTO lines (order_id, sku, price, n)
            SELECT $1, sku, price, n FROM jsonb_to_recordset($2) AS line (sku text, price numeric, n int)
            ON CONFLICT (order_id, sku) DO UPDATE SET price = EXCLUDED.price, n = EXCLUDED.n
            RETURNING sku, price, n
          parameters: ['${{ input.order_id }}', '${{ input.items }}']
    expect: {results: [{rows: one}, {row_count: 2}]}
    response:
      version: ${{ result.results[0].rows[0].version }}
      lines: ${{ result.results[1].rows }}
"""
STORED = "[{name: version, type: integer}, {name: lines, type: 'list[ModelItem]'}]"

FIND = """
io_operations:
  - type: db
    operations: [db.query]
    request: {sql: 'SELECT id, note FROM orders WHERE id = $1', parameters: ['${{ input.order_id }}']}
    expect: {rows: optional}
    response: {found: '${{ length(result.rows) > `0` }}', order: '${{ result.rows[0] }}'}
"""
FOUND = "[{name: found, type: boolean}, {name: order, type: ModelRow, required: false}]"
ROW = "[{name: ModelRow, fields: [{name: id, type: uuid}, {name: note, type: string, required: false}]}]"

TABLES = (
    """
CREATE TABLE orders (id uuid PRIMARY KEY, version int NOT NULL DEFAULT 1, note text)
""",
    """
CREATE TABLE lines (order_id uuid REFERENCES orders, sku text, price numeric, n int, PRIMARY KEY (order_id, sku))
""",
)


class Host:
    """A runtime with one handler and one node."""

    def __init__(self, handler: ProtocolHandler, text: str) -> None:
        self.runtime = NodeRuntime()
        self.runtime.register_handler(handler)
        self.runtime.register_node(NodeInstance(parse_node_contract(text)))

    async def ask(self, payload: JsonObject) -> JsonObject:
        """The payload of the response."""
        request = ModelOnexEnvelope(
            envelope_id=ENVELOPE_ID,
            correlation_id=ENVELOPE_ID,
            target_node="node",
            payload=payload,
            timestamp=NOW,
        )
        return (await self.runtime.route_envelope(request)).payload


@asynccontextmanager
async def http_host(server: HttpServer, text: str) -> AsyncIterator[Host]:
    """A host whose http handler has the server as its base_url."""
    handler = HttpHandler(HttpTransport, lambda: NOW)
    config = ModelHttpConfig.model_validate({"base_url": f"{server.url}/v1", "idempotency_key": True})
    await handler.initialize(
        ModelHandlerBinding(type=EnumHandlerType.HTTP, name="http", config=config, timeout_ms=5_000)
    )
    try:
        yield Host(handler, text)
    finally:
        await handler.shutdown()


@asynccontextmanager
async def db_host(dsn: str, text: str) -> AsyncIterator[tuple[Host, Database]]:
    """A host on a database that has the tables of orders."""
    async with database(dsn, pool_size=2) as opened:
        for table in TABLES:
            await opened.run(table)
        yield Host(opened.handler, text), opened


@pytest.mark.asyncio
async def test_a_post_with_a_json_body_carries_the_envelopes_id_as_its_idempotency_key() -> None:
    text = contract_text("EFFECT", ORDER, "[{name: id, type: string}, {name: etag, type: string}]", CREATE, ITEM)
    async with HttpServer(replying(201, {"id": 7}, {"ETag": "v1"})) as server, http_host(server, text) as host:
        assert await host.ask(ITEMS) == {"id": "7", "etag": "v1"}
        (request,) = server.requests
    assert (request.method, request.target) == ("POST", f"/v1/orders/{ORDER_ID}/a%2Fb?sku=a%2Fb&sku=%C3%A9")
    assert request.headers["idempotency-key"] == str(ENVELOPE_ID)
    assert "x-note" not in request.headers
    assert json.loads(request.body) == {"lines": ITEMS["items"], "note": None}


@pytest.mark.asyncio
async def test_an_answer_with_another_status_is_an_unexpected_result() -> None:
    text = contract_text("EFFECT", ORDER, "[{name: id, type: string}, {name: etag, type: string}]", CREATE, ITEM)
    async with HttpServer(replying(409, {"error": "twice"})) as server, http_host(server, text) as host:
        with pytest.raises(UnexpectedResultError, match="A status of 201 was expected; 409 came"):
            await host.ask(ITEMS)


@pytest.mark.asyncio
async def test_an_upsert_of_an_order_with_its_lines_in_one_transaction(database_dsn: str) -> None:
    text = contract_text("EFFECT", ORDER, STORED, STORE, ITEM)
    async with db_host(database_dsn, text) as (host, db):
        assert await host.ask(ITEMS) == {"version": 1, "lines": ITEMS["items"]}
        assert await host.ask({**ITEMS, "note": "again"}) == {"version": 2, "lines": ITEMS["items"]}
        assert await db.query("SELECT version, note FROM orders") == [{"version": 2, "note": "again"}]
        assert await db.value("SELECT sum(price) FROM lines") == "12345678901234567909.95"


@pytest.mark.asyncio
async def test_a_miss_of_the_second_statement_undoes_the_first(database_dsn: str) -> None:
    text = contract_text("EFFECT", ORDER, STORED, STORE, ITEM)
    async with db_host(database_dsn, text) as (host, db):
        with pytest.raises(UnexpectedResultError) as caught:
            await host.ask({**ITEMS, "items": []})
        assert caught.value.details["statement"] == 1
        assert await db.value("SELECT count(*) FROM orders") == 0


@pytest.mark.asyncio
async def test_a_row_that_is_optional(database_dsn: str) -> None:
    text = contract_text("EFFECT", "[{name: order_id, type: uuid}]", FOUND, FIND, ROW)
    async with db_host(database_dsn, text) as (host, db):
        assert await host.ask({"order_id": ORDER_ID}) == {"found": False, "order": None}
        await db.run("INSERT INTO orders (id, note) VALUES ($1, 'soon')", ORDER_ID)
        assert await host.ask({"order_id": ORDER_ID}) == {
            "found": True,
            "order": {"id": ORDER_ID, "note": "soon"},
        }


@pytest.mark.asyncio
async def test_numbers_and_decimals_are_parameters_of_their_own_types(database_dsn: str) -> None:
    body = """
    io_operations:
      - type: db
        operations: [db.query]
        request:
          sql: SELECT $1::numeric AS exact, $2::float8 AS near, $3::int AS whole, $4::text AS word
          parameters:
            - ${{ multiply(input.price, `2`) }}
            - ${{ divide(input.rate, `3`) }}
            - ${{ length(input.word) }}
            - ${{ concat(input.word, '; DROP TABLE orders') }}
        response:
          exact: ${{ result.rows[0].exact }}
          near: ${{ result.rows[0].near }}
          whole: ${{ result.rows[0].whole }}
          word: ${{ result.rows[0].word }}
    """
    given = "[{name: price, type: decimal}, {name: rate, type: number}, {name: word, type: string}]"
    made = (
        "[{name: exact, type: decimal}, {name: near, type: number}, {name: whole, type: integer}, "
        "{name: word, type: string}]"
    )
    async with db_host(database_dsn, contract_text("EFFECT", given, made, body)) as (host, _):
        assert await host.ask({"price": "0.10", "rate": 1, "word": "é'"}) == {
            "exact": "0.20",
            "near": 1 / 3,
            "whole": 2,
            "word": "é'; DROP TABLE orders",
        }


@pytest.mark.asyncio
async def test_a_value_that_is_no_parameter_of_its_type_is_refused_by_the_handler(database_dsn: str) -> None:
    body = """
    io_operations:
      - {type: db, operations: [db.query], request: {sql: 'SELECT $1::int AS n', parameters: ['${{ input.n }}']}}
    """
    text = contract_text("EFFECT", "[{name: n, type: string}]", "[{name: rows, type: any}]", body)
    async with db_host(database_dsn, text) as (host, _):
        with pytest.raises(InvalidParameterError, match=r"Parameter \$1"):
            await host.ask({"n": "1"})
