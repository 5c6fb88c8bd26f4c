"""Guard, handler, a real server and a fault between them: in time, with the right code, and well after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
import pytest
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHttpConfig
from omnibase_core.enums import EnumErrorCode
from omnibase_core.secret import Secret
from omnibase_infra.handlers.db_handler import DbHandler
from omnibase_infra.handlers.http_handler import HttpHandler
from omnibase_infra.host.clock import utc_now
from omnibase_infra.transports.http import HttpTransport
from omnibase_infra.transports.postgres.address import read_dsn

from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.http_server import HttpServer, replying
from tests.integration.resilience.line import (
    FAULTS,
    Line,
    breaks_and_heals,
    holds_the_deadline,
    opened,
    settles_at,
)

NAMED = "onex_faults"
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"


@asynccontextmanager
async def http_line() -> AsyncIterator[Line]:
    """To a server of our own."""
    async with (
        HttpServer(replying(200, {"id": 7})) as server,
        FaultProxy(partial(asyncio.open_connection, "127.0.0.1", server.port)) as proxy,
    ):

        async def connections() -> int:
            return server.open_connections

        config = ModelHttpConfig(base_url=f"http://127.0.0.1:{proxy.port}", allow_private=("127.0.0.0/8",))
        async with opened(HttpHandler(HttpTransport, utc_now), config) as guard:
            yield Line(guard, proxy, ("http.get", {"url": "/users/7"}), connections)
        await settles_at(connections, 0)


@asynccontextmanager
async def db_line(dsn: str, operation: str) -> AsyncIterator[Line]:
    """To the shared PostgreSQL, whose socket of the file system the proxy connects to."""
    address = read_dsn(Secret(dsn))
    path = f"{address.hosts[0]}/.s.PGSQL.{address.ports[0]}"
    watching = await asyncpg.connect(dsn)
    try:
        async with FaultProxy(partial(asyncio.open_unix_connection, path)) as proxy:

            async def connections() -> int:
                return int(await watching.fetchval(COUNT, NAMED))

            login = f"{address.user}:{address.password.reveal()}@127.0.0.1:{proxy.port}"
            through = f"postgresql://{login}/{address.database}?application_name={NAMED}"
            config = ModelDbConfig(dsn=Secret(through), pool_size=2)
            async with opened(DbHandler(clock=utc_now), config) as guard:
                yield Line(guard, proxy, (operation, {"sql": "SELECT 1 AS one"}), connections)
            await settles_at(connections, 0)
    finally:
        await watching.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(("fault", "code"), FAULTS)
async def test_http_fails_in_time_with_the_right_code_and_heals(fault: Fault | None, code: EnumErrorCode) -> None:
    async with http_line() as line:
        await breaks_and_heals(line, fault, code)


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", ["db.query", "db.execute"])
@pytest.mark.parametrize(("fault", "code"), FAULTS)
async def test_db_fails_in_time_with_the_right_code_and_heals(
    postgres_dsn: str, fault: Fault | None, code: EnumErrorCode, operation: str
) -> None:
    async with db_line(postgres_dsn, operation) as line:
        await breaks_and_heals(line, fault, code)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "fault", [Fault("freeze"), Fault("half_open"), Fault("drip", seconds=0.1)], ids=lambda fault: fault.kind
)
@pytest.mark.parametrize("kind", ["http", "db"])
async def test_the_deadline_of_the_envelope_is_held_when_nothing_comes(
    kind: str, fault: Fault, postgres_dsn: str
) -> None:
    async with http_line() if kind == "http" else db_line(postgres_dsn, "db.query") as line:
        await holds_the_deadline(line, fault)
