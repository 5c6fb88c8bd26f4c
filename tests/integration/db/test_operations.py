"""The three operations: payloads, results, expectations, what is refused and what is left behind."""

import logging
from datetime import UTC

import pytest
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import (
    HandlerExecutionError,
    InvalidOperationError,
    InvalidParameterError,
    ProtocolConfigurationError,
    UnexpectedResultError,
)
from omnibase_infra.handlers.db_handler import DbHandler

from tests.integration.db.database import CORRELATION, NOW, Database, binding, database, request, rows_of

pytestmark = pytest.mark.asyncio


@pytest.fixture
def anyone() -> DbHandler:
    """A handler that was not initialised."""
    return DbHandler(clock=lambda: NOW)


async def test_the_response_is_the_reply_to_the_request(db: Database) -> None:
    asked = request("db.query", {"sql": "SELECT 1 AS one"})
    response = await db.handler.execute(asked)
    assert response.payload == {"rows": [{"one": 1}], "row_count": 1}
    assert response.is_response
    assert response.success
    assert response.correlation_id == CORRELATION
    assert response.handler_type is EnumHandlerType.DB
    assert response.operation == "db.query"
    assert response.timestamp.tzinfo is UTC


async def test_execute_counts_what_it_changed_and_returns_what_it_is_asked_to(db: Database) -> None:
    await db.run("CREATE TABLE t (id int PRIMARY KEY, name text)")
    assert await db.run("INSERT INTO t VALUES (1, 'a'), (2, 'b')") == {"rows": [], "row_count": 2}
    assert await db.run("UPDATE t SET name = $1 WHERE id > $2", "c", 5) == {"rows": [], "row_count": 0}
    deleted = await db.run("DELETE FROM t WHERE id = $1 RETURNING id, name", 1)
    assert deleted == {"rows": [{"id": 1, "name": "a"}], "row_count": 1}


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"statements": [1]}, "payload.statements[0]: an object is needed"),
        ({"statements": []}, "payload.statements: it is empty"),
        ({"statements": {}}, "payload.statements: a list is needed"),
        (
            {"statements": [{"sql": "SELECT 1", "params": []}]},
            "payload.statements[0].params: there is no such field",
        ),
        ({"statements": [{"sql": ""}]}, "payload.statements[0].sql: it is empty"),
    ],
)
async def test_what_is_wrong_with_a_payload_is_said_without_words_of_a_library(
    db: Database, payload: JsonObject, told: str
) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        await db.handler.execute(request("db.transaction", payload))
    assert refused.value.message == told


async def test_a_query_that_writes_is_refused_by_the_server_with_the_way_out(db: Database) -> None:
    await db.run("CREATE TABLE t (id int)")
    for sql in ("INSERT INTO t VALUES (1) RETURNING id", "SELECT id FROM t FOR UPDATE", "CREATE TABLE u (id int)"):
        with pytest.raises(HandlerExecutionError, match=r"db\.execute"):
            await db.query(sql)
    assert await db.query("SELECT id FROM t") == []


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "payload.sql"),
        ({"sql": ""}, "payload.sql"),
        ({"sql": "nul \x00"}, "payload.sql"),
        ({"sql": 5}, "payload.sql"),
        ({"sql": "SELECT 1", "parameters": {"a": 1}}, "payload.parameters"),
        ({"sql": "", "parameters": []}, "payload.sql"),
        ({"sql": "nul \x00", "parameters": []}, "payload.sql"),
        ({"sql": 5, "parameters": []}, "payload.sql"),
        ({"sql": "SELECT 1", "params": []}, "payload.params"),
        ({"sql": "SELECT 1", "expect": {"rows": "some"}}, "payload.expect.rows"),
        ({"sql": "SELECT 1", "expect": {"row_count": -1}}, "payload.expect.row_count"),
        ({"sql": "SELECT 1", "expect": {"row_count": True}}, "payload.expect.row_count"),
    ],
)
async def test_a_payload_of_another_shape_is_refused_by_field(
    db: Database, payload: JsonObject, field: str
) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        await db.perform("db.query", payload)
    assert refused.value.details["fields"] == [field]
    assert refused.value.message.startswith(f"{field}: ")
    assert (refused.value.correlation_id, refused.value.operation) == (CORRELATION, "db.query")


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"sql": "SELECT 1"}, "payload.statements"),
        ({"statements": []}, "payload.statements"),
        ({"statements": [{"sql": "SELECT 1"}, {"parameters": []}]}, "payload.statements[1].sql"),
        ({"statements": [{"sql": "SELECT 1"}], "isolation": "chaos"}, "payload.isolation"),
    ],
)
async def test_so_is_that_of_a_transaction(db: Database, payload: JsonObject, field: str) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        await db.perform("db.transaction", payload)
    assert field in str(refused.value.details["fields"])


@pytest.mark.parametrize("operation", ["db.drop", "http.get", None])
async def test_an_unknown_operation_names_those_that_there_are(db: Database, operation: str | None) -> None:
    with pytest.raises(InvalidOperationError) as refused:
        await db.handler.execute(request(operation, {}))
    assert refused.value.available_operations == ["db.execute", "db.query", "db.transaction"]


@pytest.mark.parametrize("sql", ["", "-- nothing", "/* nothing */ ;"])
async def test_a_text_without_a_statement_is_refused(db: Database, sql: str) -> None:
    with pytest.raises(InvalidParameterError, match="sql"):
        await db.query(sql)


@pytest.mark.parametrize(
    "sql", ["COMMIT", " /* */ rollback", "BEGIN", "DEALLOCATE ALL", "COPY t FROM STDIN", "LISTEN x", "SAVEPOINT a"]
)
async def test_what_would_end_the_transaction_or_upset_the_session_is_refused(db: Database, sql: str) -> None:
    with pytest.raises(InvalidParameterError, match="sql may not be"):
        await db.run(sql)
    with pytest.raises(InvalidParameterError, match=r"statements\[1\]: sql may not be"):
        await db.transact(["SELECT 1", sql])


async def test_several_statements_in_one_text_are_refused(db: Database) -> None:
    with pytest.raises(HandlerExecutionError) as refused:
        await db.run("CREATE TABLE a (id int); CREATE TABLE b (id int)")
    assert refused.value.details["sqlstate"] == "42601"


@pytest.mark.parametrize(
    ("expect", "rows", "fits"),
    [
        ({"rows": "one"}, 1, True),
        ({"rows": "one"}, 0, False),
        ({"rows": "one"}, 2, False),
        ({"rows": "optional"}, 0, True),
        ({"rows": "optional"}, 1, True),
        ({"rows": "optional"}, 2, False),
        ({"rows": "many"}, 5, True),
        ({"row_count": 2}, 2, True),
        ({"row_count": 2}, 3, False),
        ({"rows": "one", "row_count": 2}, 1, False),
    ],
)
async def test_expect_is_held_to_what_came(db: Database, expect: JsonObject, rows: int, fits: bool) -> None:
    payload: JsonObject = {"sql": "SELECT generate_series(1, $1) AS n", "parameters": [rows], "expect": expect}
    for operation in ("db.query", "db.execute"):
        if fits:
            assert len(rows_of(await db.perform(operation, payload))) == rows
            continue
        with pytest.raises(UnexpectedResultError) as missed:
            await db.perform(operation, payload)
        assert missed.value.details["rows"] == rows
        assert missed.value.details["row_count"] == rows
        assert not missed.value.retryable


async def test_a_miss_rolls_back_what_was_done(db: Database) -> None:
    await db.run("CREATE TABLE t (id int)")
    with pytest.raises(UnexpectedResultError):
        await db.perform("db.execute", {"sql": "INSERT INTO t VALUES (1), (2)", "expect": {"row_count": 1}})
    with pytest.raises(UnexpectedResultError, match=r"^statements\[1\]: ") as missed:
        await db.transact(
            ["INSERT INTO t VALUES (1)", {"sql": "UPDATE t SET id = 3 WHERE id = 2", "expect": {"row_count": 1}}]
        )
    assert missed.value.details["statement"] == 1
    assert await db.query("SELECT id FROM t") == []


async def test_a_transaction_is_done_as_a_whole(db: Database) -> None:
    await db.run("CREATE TABLE t (id int PRIMARY KEY)")
    done = await db.transact(
        [{"sql": "INSERT INTO t VALUES ($1)", "parameters": [1]}, "SELECT id FROM t"], isolation="serializable"
    )
    assert done == {"results": [{"rows": [], "row_count": 1}, {"rows": [{"id": 1}], "row_count": 1}]}
    with pytest.raises(HandlerExecutionError, match=r"^statements\[1\]: .*unique") as refused:
        await db.transact(["INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (1)"])
    assert refused.value.details["constraint"] == "t_pkey"
    assert await db.query("SELECT id FROM t") == [{"id": 1}]


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
async def test_the_isolation_is_the_payloads_or_else_the_configs(database_dsn: str, isolation: str) -> None:
    async with database(database_dsn, isolation=isolation) as db:
        level = isolation.replace("_", " ")
        asked = "SELECT current_setting('transaction_isolation') AS level"
        assert (await db.transact([asked]))["results"] == [{"rows": [{"level": level}], "row_count": 1}]
        other = await db.transact([asked], isolation="repeatable_read")
        assert other["results"] == [{"rows": [{"level": "repeatable read"}], "row_count": 1}]


async def test_more_rows_than_max_rows_are_refused_and_what_was_done_is_undone(database_dsn: str) -> None:
    async with database(database_dsn, max_rows=10) as db:
        await db.run("CREATE TABLE t (id int)")
        assert len(await db.query("SELECT generate_series(1, 10) AS n")) == 10
        with pytest.raises(UnexpectedResultError, match="more than 10 rows"):
            await db.query("SELECT generate_series(1, 1000000000) AS n")
        with pytest.raises(UnexpectedResultError, match="max_rows"):
            await db.run("INSERT INTO t SELECT generate_series(1, 11) RETURNING id")
        assert await db.query("SELECT id FROM t") == []
        assert (await db.run("INSERT INTO t SELECT generate_series(1, 11)"))["row_count"] == 11


@pytest.mark.parametrize(
    ("sql", "leftover", "clean"),
    [
        ("SELECT set_config('app.user', 'mallory', false) AS x", "current_setting('app.user', true)", (None, "")),
        ("SET search_path TO nowhere", "current_schema() IS NOT NULL", (True,)),
        ("SET statement_timeout = 0", "current_setting('statement_timeout')", ("10s",)),
        ("SET ROLE pg_monitor", "current_user::text", ("postgres",)),
        ("SELECT pg_advisory_lock(7)", "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')", (0,)),
        ("CREATE TEMP TABLE left_behind (id int)", "to_regclass('pg_temp.left_behind')::text", (None,)),
    ],
)
async def test_nothing_of_a_statement_is_left_in_its_session(
    database_dsn: str, sql: str, leftover: str, clean: tuple[object, ...]
) -> None:
    async with database(database_dsn, pool_size=1) as db:
        await db.run(sql)
        assert await db.value(f"SELECT {leftover} AS v") in clean
        with pytest.raises(HandlerExecutionError):
            await db.query("CREATE TABLE t (id int)")


async def test_suspicious_text_is_logged_with_the_correlation_id_and_without_the_sql(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="onex.handlers.db"):
        await db.query("SELECT 1 AS a UNION SELECT 2 --\n")
    (record,) = caplog.records
    assert record.__dict__["correlation_id"] == CORRELATION
    assert "UNION" in record.getMessage()
    assert "SELECT" not in record.getMessage()


async def test_describe_is_cores_table(anyone: DbHandler) -> None:
    described = anyone.describe()
    assert described.handler_type is EnumHandlerType.DB
    assert described.operations == tuple(operation_table()[name] for name in operations_of(EnumHandlerType.DB))


async def test_health_has_figures(db: Database) -> None:
    await db.query("SELECT 1 AS a")
    with pytest.raises(HandlerExecutionError):
        await db.query("SELECT nothing")
    health = await db.handler.health_check()
    assert health.status is EnumHealth.HEALTHY
    assert {
        "executed": 2,
        "failed": 1,
        "pool_size": 4,
        "in_use": 0,
        "waiting": 0,
    }.items() <= health.details.items()


async def test_life_goes_one_way(anyone: DbHandler, database_dsn: str) -> None:
    with pytest.raises(ProtocolConfigurationError):
        await anyone.execute(request("db.query", {"sql": "SELECT 1"}))
    assert (await anyone.health_check()).status is EnumHealth.UNHEALTHY
    await anyone.initialize(binding(database_dsn))
    with pytest.raises(ProtocolConfigurationError):
        await anyone.initialize(binding(database_dsn))
    await anyone.shutdown()
    await anyone.shutdown()
    with pytest.raises(ProtocolConfigurationError):
        await anyone.execute(request("db.query", {"sql": "SELECT 1"}))
    assert (await anyone.health_check()).status is EnumHealth.UNHEALTHY


async def test_shutdown_before_initialize_is_fine(anyone: DbHandler) -> None:
    await anyone.shutdown()
