"""`idempotency: inbox`: a request takes effect once, however often it comes, and is answered the same again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from omnibase_core.contracts.handler_config import ModelDbConfig
from omnibase_core.contracts.operations import Isolation
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import (
    HandlerConnectionError,
    HandlerExecutionError,
    ProtocolConfigurationError,
    TransientHandlerError,
    UnexpectedResultError,
)
from omnibase_core.secret import Secret
from omnibase_infra.guard import Guard
from omnibase_infra.handlers.db_handler import DbHandler
from omnibase_infra.transports.postgres import Inbox
from omnibase_infra.transports.postgres.address import read_dsn

from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.integration.db.database import NOW, Database, binding, database, request

COUNT = "UPDATE counter SET n = n + $1 RETURNING n"
FIRST, SECOND = UUID(int=1), UUID(int=2)
AGED = """
    UPDATE onex_inbox SET recorded_at = now() - interval '{hours} h'
    WHERE envelope_id {than} '00000000-0000-0000-0000-000000000096'"""
INBOX = Inbox("onex_inbox", 1).ddl


async def change(dsn: str, *statements: str) -> None:
    """Runs these on a connection of the test's own."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def dsn(database_dsn: str) -> str:
    """A schema with a counter at 0, and an inbox."""
    await change(database_dsn, "CREATE TABLE counter (n int)", "INSERT INTO counter VALUES (0)", INBOX)
    return database_dsn


@asynccontextmanager
async def inboxed(dsn: str, **config: str | int) -> AsyncIterator[Database]:
    """A handler with an inbox."""
    async with database(dsn, timeout_ms=10_000, **{"idempotency": "inbox", **config}) as opened:
        yield opened


async def perform(
    db: Database, payload: JsonObject, identity: UUID = FIRST, operation: str = "db.execute", node: str = "orders"
) -> JsonObject:
    """The payload of the response to a request with this id."""
    asked = request(operation, payload).model_copy(update={"envelope_id": identity, "target_node": node})
    response = await db.handler.execute(asked)
    assert response.payload is not None
    return response.payload


def schema_of(dsn: str) -> str:
    """The schema of the test."""
    return dsn.rpartition("search_path=")[2]


def adding(number: int) -> JsonObject:
    """The payload of a request that counts."""
    return {"sql": COUNT, "parameters": [number]}


@pytest.mark.asyncio
async def test_a_request_that_comes_again_takes_effect_once_and_gets_the_same_result(dsn: str) -> None:
    async with inboxed(dsn) as db:
        first = await perform(db, adding(5))
        await perform(db, adding(1), SECOND)
        assert db.handler.counts() == {"answered_from_inbox": 0}
        assert await perform(db, adding(5)) == first == {"rows": [{"n": 5}], "row_count": 1}
        assert db.handler.counts() == {"answered_from_inbox": 1}
        assert await db.value("SELECT n FROM counter") == 6


@pytest.mark.asyncio
async def test_a_transaction_gets_all_its_results_again(dsn: str) -> None:
    payload: JsonObject = {"statements": [adding(5), {"sql": "DELETE FROM counter WHERE n < 0"}, adding(1)]}
    async with inboxed(dsn) as db:
        first = await perform(db, payload, operation="db.transaction")
        assert await perform(db, payload, operation="db.transaction") == first
        assert await db.value("SELECT n FROM counter") == 6


@pytest.mark.asyncio
async def test_every_value_comes_again_as_it_came_first(dsn: str) -> None:
    sql = """
        SELECT 1.50::numeric AS amount, 1e300::float8 AS large, -0.0::float8 AS minus, now() AS at, NULL AS none,
        '\\x00ff'::bytea AS bytes, ARRAY[[1, 2], [3, 4]] AS matrix, '{"b": "\\u0000", "a": 1.0}'::json AS given
    """
    async with inboxed(dsn) as db:
        first = await perform(db, {"sql": sql})
        again = await perform(db, {"sql": sql})
        assert repr(again) == repr(first)


@pytest.mark.asyncio
async def test_the_same_id_for_another_node_or_operation_is_another_request(dsn: str) -> None:
    async with inboxed(dsn) as db:
        await perform(db, adding(1))
        await perform(db, adding(1), node="others")
        await perform(db, {"statements": [adding(1)]}, operation="db.transaction")
        assert await db.value("SELECT n FROM counter") == 3


@pytest.mark.asyncio
async def test_what_failed_left_no_row_and_is_done_when_it_comes_again(dsn: str) -> None:
    async with inboxed(dsn) as db:
        with pytest.raises(UnexpectedResultError):
            await perform(db, {**adding(5), "expect": {"row_count": 2}})
        with pytest.raises(HandlerExecutionError):
            await perform(db, {"sql": "INSERT INTO counter VALUES (1 / $1)", "parameters": [0]})
        assert await db.value("SELECT count(*) FROM onex_inbox") == 0
        assert await perform(db, adding(5)) == {"rows": [{"n": 5}], "row_count": 1}


@pytest.mark.asyncio
async def test_a_read_is_not_noted_and_reads_again(dsn: str) -> None:
    async with inboxed(dsn) as db:
        assert await db.value("SELECT n FROM counter") == 0
        await perform(db, adding(5))
        assert await db.value("SELECT n FROM counter") == 5
        assert await db.value("SELECT count(*) FROM onex_inbox") == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
async def test_deliveries_at_once_wait_for_each_other(dsn: str, isolation: Isolation) -> None:
    """In the stricter levels one that waited fails for the moment, and the guard tries it again."""
    async with inboxed(dsn, isolation=isolation) as one, inboxed(dsn, isolation=isolation) as other:

        async def deliver(db: Database) -> JsonObject:
            while True:
                try:
                    return await perform(db, adding(5))
                except TransientHandlerError:
                    continue

        answers = await asyncio.gather(*(deliver(db) for db in (one, other) * 8))
        assert answers == [{"rows": [{"n": 5}], "row_count": 1}] * 16
        assert await one.value("SELECT n FROM counter") == 5


@pytest.mark.asyncio
async def test_one_that_waits_for_a_delivery_that_is_rolled_back_does_it_itself(dsn: str) -> None:
    async with inboxed(dsn) as db:
        slow: JsonObject = {"statements": [adding(5), {"sql": "SELECT pg_sleep(0.3)", "expect": {"row_count": 2}}]}
        first = asyncio.create_task(perform(db, slow, operation="db.transaction"))
        while not await db.value("SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"):
            pass
        second = await perform(db, {"statements": [adding(7)]}, operation="db.transaction")
        with pytest.raises(UnexpectedResultError):
            await first
        assert second == {"results": [{"rows": [{"n": 7}], "row_count": 1}]}


@pytest.mark.asyncio
async def test_rows_are_deleted_when_they_are_too_old_and_no_sooner(dsn: str) -> None:
    async with inboxed(dsn, inbox_retention_hours=2) as db:
        for number in range(199):
            await perform(db, {"sql": "SELECT 1 AS one"}, UUID(int=number))
        await change(
            dsn,
            AGED.format(hours=1, than=">="),
            AGED.format(hours=3, than="<"),
        )
        await perform(db, {"sql": "SELECT 1 AS one"}, UUID(int=199))
        assert await db.value("SELECT count(*) FROM onex_inbox") == 50


@pytest.mark.asyncio
async def test_a_purge_that_fails_fails_nothing_else(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    async with inboxed(dsn) as db:
        for number in range(199):
            await perform(db, adding(1), UUID(int=number))
        await change(dsn, "ALTER TABLE onex_inbox RENAME recorded_at TO written_at")
        await perform(db, adding(1), UUID(int=199))
        assert await db.value("SELECT n FROM counter") == 200
    assert "old rows of the inbox onex_inbox were not deleted" in caplog.text


SLOW_COMMIT = (
    "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON counter DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION dawdle()",
)
COMMITTING = "FROM pg_stat_activity WHERE state = 'active' AND query = 'COMMIT'"


async def at_commit(connection: asyncpg.Connection) -> None:
    """Returns while the server is at one."""
    deadline = time.monotonic() + 5
    while not await connection.fetchval(f"SELECT count(*) {COMMITTING}"):
        assert time.monotonic() < deadline


@pytest.mark.asyncio
@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_commit_whose_answer_is_lost_is_repeated_by_the_guard_and_counts_once(
    dsn: str, took_effect: bool
) -> None:
    """The answer breaks off on its way back, or the server ends the session before it has committed."""
    await change(dsn, *SLOW_COMMIT)
    address, watching = read_dsn(Secret(dsn)), await asyncpg.connect(dsn)
    way = partial(asyncio.open_unix_connection, f"{address.hosts[0]}/.s.PGSQL.{address.ports[0]}")
    async with FaultProxy(way) as proxy:
        through = dsn.replace("@/", f"@127.0.0.1:{proxy.port}/").replace(f"host={address.hosts[0]}&", "")
        bound, handler = binding(through, idempotency="inbox"), DbHandler(clock=lambda: NOW)
        await handler.initialize(bound)
        running = asyncio.create_task(Guard(handler, bound).execute(request("db.execute", adding(5))))
        await at_commit(watching)
        if took_effect:
            proxy.set(Fault("reset"))
            await proxy.emptied()
            proxy.set(Fault("pass"))
        else:
            await watching.execute(f"SELECT pg_terminate_backend(pid) {COMMITTING}")
        assert (await running).payload == {"rows": [{"n": 5}], "row_count": 1}
        await handler.shutdown()
    assert await watching.fetchval("SELECT n FROM counter") == 5
    await watching.close()


@pytest.mark.asyncio
async def test_a_commit_that_stays_unanswered_says_that_it_may_be_repeated(dsn: str) -> None:
    await change(dsn, *SLOW_COMMIT)
    async with inboxed(dsn) as db:
        watching = await asyncpg.connect(dsn)
        running = asyncio.create_task(perform(db, adding(5)))
        await at_commit(watching)
        await watching.execute(f"SELECT pg_terminate_backend(pid) {COMMITTING}")
        await watching.close()
        with pytest.raises(HandlerConnectionError, match="Repeat the same request") as lost:
            await running
    assert (lost.value.retryable, lost.value.details) == (True, {"effect": "indeterminate"})


BROKEN = [
    ("DROP TABLE onex_inbox", "There is no such table"),
    ("ALTER TABLE onex_inbox SET UNLOGGED", "unlogged"),
    ("ALTER TABLE onex_inbox DROP CONSTRAINT onex_inbox_pkey", "42P10"),
    ("ALTER TABLE onex_inbox DROP COLUMN results", "42703"),
    ("ALTER TABLE onex_inbox DROP COLUMN recorded_at", "42703"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("broken", "why"), BROKEN, ids=[broken for broken, _ in BROKEN])
async def test_a_table_that_cannot_hold_the_promise_ends_the_start_with_what_creates_it(
    dsn: str, broken: str, why: str
) -> None:
    await change(dsn, broken)
    handler = DbHandler(clock=lambda: NOW)
    with pytest.raises(ProtocolConfigurationError) as refused:
        await handler.initialize(binding(dsn, idempotency="inbox"))
    assert why in refused.value.message
    assert INBOX in refused.value.message
    await handler.shutdown()


@pytest.mark.asyncio
@pytest.mark.parametrize("privilege", ["SELECT", "INSERT", "UPDATE", "DELETE"])
async def test_a_privilege_that_is_missing_ends_the_start(dsn: str, privilege: str) -> None:
    role, password = f"clerk_without_{privilege.lower()}", read_dsn(Secret(dsn)).password.reveal()
    handler = DbHandler(clock=lambda: NOW)
    try:
        await change(dsn, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        await change(
            dsn, f"GRANT USAGE ON SCHEMA {schema_of(dsn)} TO {role}", f"GRANT ALL ON onex_inbox TO {role}"
        )
        await change(dsn, f"REVOKE {privilege} ON onex_inbox FROM {role}")
        with pytest.raises(ProtocolConfigurationError, match="needs SELECT, INSERT, UPDATE and DELETE"):
            await handler.initialize(binding(dsn.replace("postgres:", f"{role}:", 1), idempotency="inbox"))
    finally:
        await handler.shutdown()
        await change(dsn, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.asyncio
async def test_a_table_in_a_schema_of_its_own_and_behind_a_pooler(dsn: str) -> None:
    table = f"{schema_of(dsn)}.seen"
    await change(dsn, Inbox(table, 1).ddl)
    async with inboxed(dsn, inbox_table=table, statement_cache_size=0) as db:
        first = await perform(db, adding(5))
        assert await perform(db, adding(5)) == first
        assert await db.value("SELECT count(*) FROM seen") == 1


@pytest.mark.parametrize("table", ["", "Inbox", 'a"b', "a.b.c", "a b", "1a", "a.", "a;drop", "a\n"])
def test_a_name_that_would_have_to_be_quoted_is_refused(table: str) -> None:
    with pytest.raises(ValueError, match="inbox_table"):
        ModelDbConfig(idempotency="inbox", inbox_table=table)
