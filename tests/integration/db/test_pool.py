"""The connections of a database: how many, how long, and what a server that stops answering costs."""

import asyncio
import os
import signal
import ssl
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from omnibase_core.contracts.handler_config import ModelDbConfig
from omnibase_core.errors import HandlerConnectionError, HandlerTimeoutError, ProtocolConfigurationError
from omnibase_core.secret import Secret
from omnibase_infra.transports.postgres import Postgres, Statement, pool
from omnibase_infra.transports.postgres.address import read_dsn

from tests.integration.db.database import database

pytestmark = pytest.mark.asyncio
PID = Statement("SELECT pg_backend_pid() AS pid")
SLEEP = Statement("SELECT pg_sleep(5)::text AS s")


def postgres_of(dsn: str, timeout_ms: int = 10_000, **config: object) -> Postgres:
    """A database without a handler."""
    return Postgres(ModelDbConfig.model_validate({"dsn": Secret(dsn), **config}), timeout_ms)


@pytest_asyncio.fixture
async def one(database_dsn: str) -> AsyncIterator[Postgres]:
    """A database with a single connection, and 300 ms for everything."""
    opened = postgres_of(database_dsn, 300, pool_size=1)
    await opened.open()
    yield opened
    await opened.close(0.2)


async def pid_of(opened: Postgres) -> int:
    """The server process of the connection that is used next."""
    pid = (await opened.read(PID)).rows[0]["pid"]
    assert isinstance(pid, int)
    return pid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may stop the server's processes")
async def test_a_server_that_stops_answering_costs_the_deadline_and_a_second(one: Postgres) -> None:
    frozen = await pid_of(one)
    os.kill(frozen, signal.SIGSTOP)
    try:
        started = time.monotonic()
        for call in (one.read(PID), one.write([PID])):
            with pytest.raises(HandlerTimeoutError, match="did not answer in time"):
                await call
            os.kill(frozen, signal.SIGCONT)
            frozen = await pid_of(one)
            os.kill(frozen, signal.SIGSTOP)
        assert time.monotonic() - started < 3
    finally:
        os.kill(frozen, signal.SIGCONT)


async def test_a_cancellation_from_outside_is_not_taken_for_a_deadline(one: Postgres) -> None:
    task = asyncio.create_task(one.read(SLEEP))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.03):
            await one.read(SLEEP)
    assert await pid_of(one)


async def test_what_is_done_meanwhile_is_done_before_the_answer_comes(one: Postgres) -> None:
    await one.read(PID)  # so that the statement is prepared
    happened: list[str] = []
    reading = asyncio.create_task(one.read(PID, lambda: happened.append("meanwhile")))
    await asyncio.sleep(0)
    assert (happened, reading.done()) == (["meanwhile"], False)
    assert (await reading).row_count == 1
    assert happened == ["meanwhile"]


async def test_a_read_with_something_to_do_meanwhile_is_cut_off_and_cancelled_like_any_other(
    one: Postgres,
) -> None:
    done: list[None] = []
    with pytest.raises(HandlerTimeoutError):
        await one.read(SLEEP, lambda: done.append(None))
    task = asyncio.create_task(one.read(SLEEP, lambda: done.append(None)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await pid_of(one)


async def test_a_failure_of_what_is_done_meanwhile_leaves_no_connection_in_an_unknown_state(one: Postgres) -> None:
    pid = await pid_of(one)

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await one.read(PID, fail)
    assert await pid_of(one) != pid
    assert one.figures() == {"pool_size": 1, "in_use": 0, "idle": 1, "waiting": 0}


async def test_an_outer_deadline_and_our_own_do_not_confuse_each_other(one: Postgres) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(HandlerTimeoutError):
            await one.read(SLEEP)
        current = asyncio.current_task()
        assert current is not None
        assert current.cancelling() == 0
        assert await pid_of(one)


async def test_deadlines_of_many_reads_are_each_kept(database_dsn: str) -> None:
    async with database(database_dsn, timeout_ms=150, statement_timeout_ms=100_000, pool_size=4) as db:
        started = time.monotonic()
        results = await asyncio.gather(
            *(db.query("SELECT pg_sleep($1)::text AS s", seconds) for seconds in (0.01, 5, 0.05, 5)),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [list, HandlerTimeoutError, list, HandlerTimeoutError]
        assert time.monotonic() - started < 1


async def test_close_cuts_off_what_does_not_end(one: Postgres) -> None:
    task = asyncio.create_task(one.write([SLEEP]))
    await asyncio.sleep(0)
    started = time.monotonic()
    await one.close(0.05)
    assert time.monotonic() - started < 0.5
    with pytest.raises(HandlerConnectionError):
        await task
    with pytest.raises(ProtocolConfigurationError, match="closed"):
        await one.read(PID)
    assert one.figures() == {"pool_size": 1, "in_use": 0, "idle": 0, "waiting": 0}


async def test_connections_are_reused_last_in_first_out_and_dropped_when_long_idle(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = postgres_of(database_dsn, pool_size=3)
    await opened.open()
    await asyncio.gather(*(opened.read(Statement("SELECT pg_sleep(0.02)::text AS s")) for _ in range(3)))
    assert opened.figures()["idle"] == 3
    assert await pid_of(opened) == await pid_of(opened)
    monkeypatch.setattr(pool, "_IDLE_S", 0.0)
    for _ in range(3):
        await opened.read(Statement("SELECT 1 AS a"))
    assert opened.figures()["idle"] <= 1
    await opened.close()


async def test_a_server_without_free_connections_is_a_passing_matter(database_dsn: str) -> None:
    limited = database_dsn.replace("//postgres:canary-of-the-suite", "//crowd:crowd")
    owner = await asyncpg.connect(database_dsn)
    await owner.execute("CREATE ROLE crowd LOGIN PASSWORD 'crowd' CONNECTION LIMIT 1")
    try:
        opened = postgres_of(limited, pool_size=2)
        await opened.open()
        results = await asyncio.gather(*(opened.read(PID) for _ in range(2)), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        assert [getattr(error, "retryable", None) for error in failed] == [True]
        assert opened.figures()["in_use"] == 0
        await opened.close()
    finally:
        await owner.execute("DROP ROLE crowd")
        await owner.close()


async def test_without_a_dsn_there_is_no_database() -> None:
    with pytest.raises(ProtocolConfigurationError, match="secret_ref"):
        Postgres(ModelDbConfig(), 1_000)


@pytest.mark.parametrize(
    ("mode", "verified", "host"),
    [
        ("require", ssl.CERT_NONE, False),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
    ],
)
async def test_tls_is_as_strict_as_the_dsn_says(mode: str, verified: ssl.VerifyMode, host: bool) -> None:
    tls = read_dsn(Secret(f"postgresql://u@h/d?sslmode={mode}")).tls
    assert isinstance(tls, ssl.SSLContext)
    assert (tls.verify_mode, tls.check_hostname, tls.minimum_version) == (verified, host, ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize(
    ("dsn", "tls"),
    [
        ("postgresql://u@h/d", "prefer"),
        ("postgresql://u@h/d?sslmode=allow", "prefer"),
        ("postgresql://u@h/d?sslmode=disable", False),
        ("postgresql://u@/d?host=/run&sslmode=verify-full", False),
    ],
)
async def test_tls_is_left_open_or_off_where_the_dsn_says_so(dsn: str, tls: object) -> None:
    assert read_dsn(Secret(dsn)).tls == tls
