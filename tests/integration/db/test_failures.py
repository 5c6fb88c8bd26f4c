"""What goes wrong: violations, races, time, crowds, cut connections, a server that goes away; no secret in any."""

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from omnibase_core.enums import EnumErrorCode, EnumHealth
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateEffectError,
    InvalidParameterError,
    PoolExhaustedError,
    ProtocolConfigurationError,
    RuntimeHostError,
    TransientHandlerError,
)
from omnibase_core.secret import Secret
from omnibase_infra.embedded import EmbeddedPostgres
from omnibase_infra.handlers.db_handler import DbHandler
from omnibase_infra.transports.postgres.address import read_dsn

from tests.integration.db.database import Database, binding, database

KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
CANARY = "c4n4ry0f0ne7est"


async def until(condition: Callable[[], Awaitable[bool]], limit_s: float = 2.0) -> None:
    """Waits for a condition of the server."""
    deadline = time.monotonic() + limit_s
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def observer(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside the handler's, to look and to meddle."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def busy(connection: asyncpg.Connection, part: str) -> bool:
    """Whether some other backend runs a statement with this text."""
    found = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()",
        f"%{part}%",
    )
    return bool(found)


async def idle_in_transaction(connection: asyncpg.Connection) -> bool:
    """Whether some backend has a transaction open and does nothing."""
    return bool(
        await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
    )


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server that the test may stop."""
    with EmbeddedPostgres(password=CANARY) as server:
        yield server


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("sql", "sqlstate", "named"),
    [
        ("INSERT INTO child VALUES (1, 1)", "23505", {"constraint": "child_pkey", "table": "child"}),
        ("INSERT INTO child VALUES (9, 99)", "23503", {"constraint": "child_parent_fkey"}),
        ("INSERT INTO child VALUES (9, NULL)", "23502", {"column": "parent"}),
        ("INSERT INTO child VALUES (-5, 1)", "23514", {"constraint": "positive"}),
        ("SELECT 1/0 AS v", "22012", {}),
        ("SELECT nothing FROM child", "42703", {"position": 8}),
        ("SELECT FROM WHERE", "42601", {"position": 13}),
        ("SELECT 1; SELECT 2", "42601", {}),
        ("SELECT * FROM nowhere", "42P01", {}),
        ("VACUUM", "25001", {}),
    ],
)
async def test_what_fails_for_good_says_why_by_code_and_name(
    db: Database, sql: str, sqlstate: str, named: JsonObject
) -> None:
    await db.transact(
        [
            "CREATE TABLE parent (id int PRIMARY KEY)",
            "CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent, "
            "CONSTRAINT positive CHECK (id > 0))",
            "INSERT INTO parent VALUES (1)",
            "INSERT INTO child VALUES (1, 1)",
        ]
    )
    with pytest.raises(HandlerExecutionError) as failed:
        await db.run(sql)
    assert failed.value.code is EnumErrorCode.HANDLER_EXECUTION_ERROR
    assert not failed.value.retryable
    assert {"sqlstate": sqlstate, **named}.items() <= failed.value.details.items()
    assert len(await db.query("SELECT id FROM child")) == 1


@pytest.mark.asyncio
async def test_no_message_holds_a_value(db: Database) -> None:
    await db.run("CREATE TABLE t (secret text PRIMARY KEY)")
    await db.run("INSERT INTO t VALUES ($1)", CANARY)
    attempts: list[tuple[str, list[str]]] = [
        ("INSERT INTO t VALUES ($1)", [CANARY]),
        ("SELECT $1::text::int AS v", [CANARY]),
        ("SELECT ('{' || $1)::jsonb AS v", [CANARY]),
        (f"DO $$ BEGIN RAISE EXCEPTION '{CANARY}'; END $$", []),
        (f"SELECT '{CANARY}'::uuid AS v", []),
    ]
    for sql, parameters in attempts:
        with pytest.raises(RuntimeHostError) as failed:
            await db.run(sql, *parameters)
        assert CANARY not in failed.value.message + json.dumps(failed.value.details) + repr(failed.value)
        assert failed.value.__cause__ is None
    with pytest.raises(InvalidParameterError, match="22P02"):
        await db.run("SELECT $1::text::int AS v", CANARY)


@pytest.mark.asyncio
async def test_a_serialization_failure_is_transient_and_leaves_nothing(db: Database, database_dsn: str) -> None:
    await db.run("CREATE TABLE t (n int)")
    await db.run("INSERT INTO t VALUES (1)")
    async with observer(database_dsn) as other, observer(database_dsn) as looking:
        await other.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
        await other.execute("UPDATE t SET n = n + 1")
        racing = asyncio.create_task(db.transact(["UPDATE t SET n = n + 10"], isolation="serializable"))
        await until(lambda: busy(looking, "n + 10"))  # in a transaction the first look is all that there is
        await other.execute("COMMIT")
        with pytest.raises(TransientHandlerError) as failed:
            await racing
    assert failed.value.retryable
    assert failed.value.details["sqlstate"] == "40001"
    assert await db.query("SELECT n FROM t") == [{"n": 2}]


@pytest.mark.asyncio
async def test_a_deadlock_is_transient_for_one_and_nothing_for_the_other(database_dsn: str) -> None:
    async with database(f"{database_dsn}&deadlock_timeout=20ms", pool_size=2) as db:
        await db.run("CREATE TABLE t (id int PRIMARY KEY)")
        await db.run("INSERT INTO t VALUES (1), (2)")

        def crossing(first: int, second: int) -> Awaitable[JsonObject]:
            update = "UPDATE t SET id = id WHERE id = "
            return db.transact([f"{update}{first}", "SELECT pg_sleep(0.05)::text AS s", f"{update}{second}"])

        results = await asyncio.gather(crossing(1, 2), crossing(2, 1), return_exceptions=True)
    failed = [result for result in results if isinstance(result, BaseException)]
    assert [type(error) for error in failed] == [TransientHandlerError]
    assert isinstance(failed[0], TransientHandlerError)
    assert failed[0].details["sqlstate"] == "40P01"


@pytest.mark.asyncio
async def test_the_server_ends_a_statement_that_takes_too_long(database_dsn: str) -> None:
    async with database(database_dsn, statement_timeout_ms=50, pool_size=1) as db:
        await db.run("CREATE TABLE t (id int)")
        for call in (
            lambda: db.query("SELECT pg_sleep(5)::text AS s"),
            lambda: db.transact(["INSERT INTO t VALUES (1)", "SELECT pg_sleep(5)::text AS s"]),
        ):
            with pytest.raises(HandlerTimeoutError) as late:
                await call()
            assert late.value.details["sqlstate"] == "57014"
        assert await db.query("SELECT id FROM t") == []


@pytest.mark.asyncio
async def test_the_whole_call_has_a_deadline_too(database_dsn: str) -> None:
    async with database(database_dsn, timeout_ms=80, pool_size=1) as db, observer(database_dsn) as other:
        started = time.monotonic()
        with pytest.raises(HandlerTimeoutError):
            await db.transact(["SELECT pg_sleep(0.06)::text AS s"] * 3)
        assert time.monotonic() - started < 1
        assert not await idle_in_transaction(other)
        assert await db.query("SELECT 1 AS a") == [{"a": 1}]


@pytest.mark.asyncio
async def test_who_finds_no_connection_in_time_is_told_so(database_dsn: str) -> None:
    async with database(database_dsn, pool_size=2, acquire_timeout_ms=60) as db:
        started = time.monotonic()
        results = await asyncio.gather(
            *(db.query("SELECT pg_sleep(0.3)::text AS s") for _ in range(10)), return_exceptions=True
        )
        failed = [result for result in results if isinstance(result, BaseException)]
        assert len(failed) == 8
        assert {type(error) for error in failed} == {PoolExhaustedError}
        assert time.monotonic() - started < 1
        assert await db.query("SELECT 1 AS a") == [{"a": 1}]


@pytest.mark.asyncio
async def test_health_of_a_crowded_pool_is_degraded(database_dsn: str) -> None:
    async with database(database_dsn, pool_size=1) as db, observer(database_dsn) as other:
        task = asyncio.create_task(db.query("SELECT pg_sleep(1.2)::text AS crowd"))
        await until(lambda: busy(other, "crowd"))
        health = await db.handler.health_check()
        assert health.status is EnumHealth.DEGRADED
        await task


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", ["db.query", "db.execute"])
async def test_a_cancelled_call_leaves_no_statement_no_transaction_and_no_connection_behind(
    database_dsn: str, operation: str
) -> None:
    async with database(database_dsn, pool_size=2) as db, observer(database_dsn) as other:
        for _ in range(3):
            task = asyncio.create_task(db.perform(operation, {"sql": "SELECT pg_sleep(30)::text AS cancel_me"}))
            await until(lambda: busy(other, "cancel_me"))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert not await busy(other, "cancel_me")
        assert not await idle_in_transaction(other)
        assert await db.query("SELECT 1 AS a") == [{"a": 1}]
        health = await db.handler.health_check()
        assert health.details["in_use"] == 0


@pytest.mark.asyncio
async def test_cancelled_while_it_waits_or_connects_a_call_gives_back_its_place(database_dsn: str) -> None:
    async with database(database_dsn, pool_size=1) as db:
        for pause in (0, 0.0005, 0.001, 0.003):
            tasks = [asyncio.create_task(db.query("SELECT pg_sleep(0.01)::text AS s")) for _ in range(5)]
            await asyncio.sleep(pause)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert await db.query("SELECT 1 AS a") == [{"a": 1}]


@pytest.mark.asyncio
async def test_a_read_survives_a_connection_that_was_cut_while_idle_or_while_it_ran(
    db: Database, database_dsn: str
) -> None:
    kill = f"{KILL} WHERE application_name = 'onex-host' AND query LIKE $1"
    async with observer(database_dsn) as other:
        assert await db.query("SELECT 'idle_one' AS a") == [{"a": "idle_one"}]
        await other.fetch(kill, "%idle_one%")
        assert await db.query("SELECT 'again' AS a") == [{"a": "again"}]
        running = asyncio.create_task(db.query("SELECT pg_sleep(0.2)::text AS running_one"))
        await until(lambda: busy(other, "running_one"))
        await other.fetch(kill, "%running_one%")
        assert await running == [{"running_one": ""}]


@pytest.mark.asyncio
async def test_a_transaction_that_was_cut_before_commit_had_no_effect_and_may_be_retried(
    db: Database, database_dsn: str
) -> None:
    await db.run("CREATE TABLE t (id int)")
    async with observer(database_dsn) as other:
        running = asyncio.create_task(
            db.transact(["INSERT INTO t VALUES (1)", "SELECT pg_sleep(5)::text AS cut_me"])
        )
        await until(lambda: busy(other, "cut_me"))
        await other.fetch(f"{KILL} WHERE query LIKE '%cut_me%' AND pid <> pg_backend_pid()")
        with pytest.raises(HandlerConnectionError) as cut:
            await running
    assert cut.value.retryable
    assert await db.query("SELECT id FROM t") == []


@pytest.mark.asyncio
async def test_a_write_on_a_connection_that_died_while_idle_is_done_once_on_a_fresh_one(
    db: Database, database_dsn: str
) -> None:
    await db.run("CREATE TABLE t (id int)")
    async with observer(database_dsn) as other:
        await other.fetch(f"{KILL} WHERE application_name = 'onex-host'")
    await db.run("INSERT INTO t VALUES (1)")
    assert await db.query("SELECT id FROM t") == [{"id": 1}]


SLOW_COMMIT = (
    "CREATE TABLE t (id int)",
    "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION dawdle()",
)


@pytest.mark.asyncio
async def test_a_connection_cut_during_commit_leaves_the_outcome_open(db: Database, database_dsn: str) -> None:
    await db.transact(SLOW_COMMIT)
    async with observer(database_dsn) as other:
        running = asyncio.create_task(db.run("INSERT INTO t VALUES (1)"))
        await until(lambda: busy(other, "COMMIT"))
        await other.fetch(f"{KILL} WHERE query = 'COMMIT'")
        with pytest.raises(IndeterminateEffectError) as lost:
            await running
    assert not lost.value.retryable
    assert lost.value.details["effect"] == "indeterminate"


@pytest.mark.asyncio
async def test_a_commit_that_is_not_answered_in_time_leaves_the_outcome_open(
    db: Database, database_dsn: str
) -> None:
    await db.transact(SLOW_COMMIT)
    async with database(database_dsn, timeout_ms=150) as hasty, observer(database_dsn) as other:
        with pytest.raises(IndeterminateEffectError):
            await hasty.run("INSERT INTO t VALUES (1)")
        assert not await idle_in_transaction(other)


@pytest.mark.asyncio
async def test_a_commit_that_the_server_refuses_is_no_open_question(db: Database, database_dsn: str) -> None:
    await db.run("CREATE TABLE t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(HandlerExecutionError, match="unique") as refused:
        await db.transact(["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)"])
    assert type(refused.value) is HandlerExecutionError
    assert await db.query("SELECT id FROM t") == []


@pytest.mark.asyncio
async def test_a_schema_that_changes_under_prepared_statements_is_noticed_and_survived(
    db: Database, database_dsn: str
) -> None:
    await db.run("CREATE TABLE t (a int)")
    await db.run("INSERT INTO t VALUES (1)")
    read: JsonObject = {"sql": "SELECT * FROM t"}
    assert await db.query("SELECT * FROM t") == [{"a": 1}]
    assert (await db.transact([read]))["results"] == [{"rows": [{"a": 1}], "row_count": 1}]
    async with observer(database_dsn) as other:
        await other.execute("ALTER TABLE t ADD b text DEFAULT 'x'")
        assert await db.query("SELECT * FROM t") == [{"a": 1, "b": "x"}]
        await other.execute("ALTER TABLE t ALTER a TYPE numeric")
        assert (await db.transact([read]))["results"] == [{"rows": [{"a": "1", "b": "x"}], "row_count": 1}]
        assert await db.query("SELECT * FROM t") == [{"a": "1", "b": "x"}]


@pytest.mark.asyncio
async def test_behind_a_pooler_in_transaction_mode_the_same_holds(database_dsn: str) -> None:
    async with database(database_dsn, statement_cache_size=0, statement_timeout_ms=50, pool_size=1) as db:
        await db.run("CREATE TABLE t (id int)")
        await db.run("INSERT INTO t VALUES ($1)", 1)
        for _ in range(3):
            assert await db.query("SELECT id FROM t WHERE id = $1", 1) == [{"id": 1}]
        with pytest.raises(HandlerExecutionError, match=r"db\.execute"):
            await db.query("DELETE FROM t")
        with pytest.raises(HandlerTimeoutError):
            await db.query("SELECT pg_sleep(5)::text AS s")


def test_a_server_that_crashes_and_comes_back_costs_no_more_than_what_was_under_way(
    own_server: EmbeddedPostgres,
) -> None:
    async def run() -> None:
        async with database(own_server.dsn, pool_size=3, timeout_ms=1_000) as db:
            await db.run("CREATE TABLE t (id int)")
            await asyncio.gather(*(db.query("SELECT 1 AS a") for _ in range(3)))
            await asyncio.to_thread(own_server.stop, immediate=True)
            for call in (lambda: db.query("SELECT 1 AS a"), lambda: db.run("INSERT INTO t VALUES (1)")):
                with pytest.raises(HandlerConnectionError) as down:
                    await call()
                assert CANARY not in repr(down.value)
            assert (await db.handler.health_check()).status is EnumHealth.UNHEALTHY
            await asyncio.to_thread(own_server.start)
            await db.run("INSERT INTO t VALUES (2)")
            assert await db.query("SELECT id FROM t") == [{"id": 2}]

    asyncio.run(run())


@pytest.mark.asyncio
async def test_shutdown_waits_for_what_is_under_way_and_cuts_off_what_takes_longer(database_dsn: str) -> None:
    async with observer(database_dsn) as other:
        async with database(database_dsn) as db:
            running = asyncio.create_task(db.query("SELECT pg_sleep(0.2)::text AS let_me_finish"))
            await until(lambda: busy(other, "let_me_finish"))
        assert await running == [{"let_me_finish": ""}]
        gone = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onex-host' AND query LIKE '%let_me%'"
        )

        async def closed() -> bool:
            return bool(await other.fetchval(gone) == 0)

        await until(closed)


class TestStart:
    """A wrong DSN ends the start, soon, with a typed error that shows none of it."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            (("canary-of-the-suite", CANARY), HandlerAuthenticationError),
            (("postgres:canary", f"{CANARY}:canary"), HandlerAuthenticationError),
            (("/postgres?", f"/{CANARY}?"), HandlerExecutionError),
            (("host=/tmp", f"host=/tmp/{CANARY}"), HandlerConnectionError),
        ],
    )
    async def test_it_fails_clearly(
        self,
        postgres_dsn: str,
        change: tuple[str, str],
        expected: type[RuntimeHostError],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        handler = DbHandler()
        with caplog.at_level(logging.DEBUG), pytest.raises(expected) as failed:
            await handler.initialize(binding(postgres_dsn.replace(*change)))
        shown = failed.value.message + json.dumps(failed.value.details) + repr(failed.value) + caplog.text
        assert CANARY not in shown
        assert "canary-of-the-suite" not in shown
        await handler.shutdown()

    @pytest.mark.asyncio
    async def test_a_port_that_nobody_listens_on_is_unreachable(self) -> None:
        with pytest.raises(HandlerConnectionError, match="reached"):
            await DbHandler().initialize(binding(f"postgresql://u:{CANARY}@127.0.0.1:1/db"))

    @pytest.mark.asyncio
    async def test_a_server_that_accepts_and_says_nothing_is_given_up_on(self) -> None:
        accepted: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda _, writer: accepted.append(writer), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        handler = DbHandler()
        with pytest.raises(HandlerConnectionError, match="in time"):
            await handler.initialize(binding(f"postgresql://u:{CANARY}@127.0.0.1:{port}/db", timeout_ms=200))
        server.close()
        for writer in accepted:
            writer.close()

    @pytest.mark.parametrize(
        "dsn",
        [
            "",
            CANARY,
            f"mysql://u:{CANARY}@h/d",
            f"postgresql://u:{CANARY}@h:port/d",
            f"postgresql://:{CANARY}@h/d",
            f"postgresql://u:{CANARY}#x@h/d",
            f"postgresql://u:{CANARY}@h/d?sslmode={CANARY}",
            f"postgresql://u:{CANARY}@h/d?sslmode=verify-full&sslrootcert=/nowhere/{CANARY}",
            f"postgresql://u:{CANARY}@h/d?service={CANARY}",
            f"postgresql://u:{CANARY}@[h/d",
        ],
    )
    def test_what_is_no_dsn_is_refused_without_showing_it(self, dsn: str) -> None:
        with pytest.raises(ProtocolConfigurationError) as refused:
            read_dsn(Secret(dsn))
        assert CANARY not in refused.value.message + repr(refused.value)
        assert refused.value.__cause__ is None

    @pytest.mark.parametrize(
        ("dsn", "hosts", "ports", "user", "database"),
        [
            ("postgresql://u:p%40@h/d", ("h",), (5432,), "u", "d"),
            ("postgres://u@h:6/", ("h",), (6,), "u", "u"),
            ("postgresql://u@h1:1,h2:2/d", ("h1", "h2"), (1, 2), "u", "d"),
            ("postgresql://u@[::1]:7/d", ("::1",), (7,), "u", "d"),
            ("postgresql:///d?host=/run/pg&user=me&port=6", ("/run/pg",), (6,), "me", "d"),
        ],
    )
    def test_every_form_of_a_dsn_is_read(
        self, dsn: str, hosts: tuple[str, ...], ports: tuple[int, ...], user: str, database: str
    ) -> None:
        address = read_dsn(Secret(dsn))
        assert (address.hosts, address.ports, address.user, address.database) == (hosts, ports, user, database)
        assert re.fullmatch(r"PostgresAddress\(…\)", repr(address))

    @pytest.mark.asyncio
    async def test_nothing_of_the_environment_is_used(
        self, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE", "PGPASSFILE"):
            monkeypatch.setenv(name, "nonsense")
        async with database(postgres_dsn) as db:
            assert await db.query("SELECT 1 AS a") == [{"a": 1}]


@pytest.mark.asyncio
async def test_several_statements_in_one_text_are_sent_to_a_transaction(db: Database) -> None:
    with pytest.raises(HandlerExecutionError, match=r"several statements; send one, or db\.transaction"):
        await db.run("SELECT 1; SELECT 2")
