"""Credentials that change on real servers while requests come in: none fails, and none is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded
from tests.integration.secrets.keepers import Keeper
from tests.integration.secrets.load import Events, Load, host_of, under_load

CANARY = "c4n4ry"
OLD, NEW, WRONG = f"{CANARY}-old", f"{CANARY}-new", f"{CANARY}-wrong"
DB = '{type: "db", config: {dsn: {secret_ref: "PATH/db#value"}, pool_size: 4}}'
HTTP = (
    '{type: "http", config: {base_url: "URL", allow_private: ["127.0.0.0/8"], health_path: "/health", '
    'headers: {Authorization: {secret_ref: "PATH/api#value", prefix: "Bearer "}}}}'
)
INSERT = "INSERT INTO numbers VALUES ($1)"


class Database:
    """A database user whose password changes, and the table `numbers` that it may write to."""

    def __init__(self, admin: asyncpg.Connection, dsn: str, user: str, schema: str) -> None:
        self._admin = admin
        self._server = dsn
        self._user = user
        self._schema = schema

    def dsn(self, password: str) -> str:
        """How a host connects."""
        _, _, host = self._server.partition("@")
        return f"postgresql://{self._user}:{password}@{host}"

    async def password(self, password: str) -> None:
        """The server takes no other from now on."""
        await self._admin.execute(f"ALTER ROLE {self._user} PASSWORD '{password}'")

    async def end_idle_sessions(self) -> None:
        """The host has to connect anew."""
        await self._admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND state = 'idle'",
            self._user,
        )

    async def sessions(self) -> int:
        """How many the host has."""
        return int(
            await self._admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", self._user)
        )

    async def numbers(self) -> list[int]:
        """What was written."""
        rows = await self._admin.fetch(f"SELECT number FROM {self._schema}.numbers")  # noqa: S608 - a name of ours
        return sorted(row["number"] for row in rows)


@pytest_asyncio.fixture
async def database(database_dsn: str, own_path: str) -> AsyncIterator[Database]:
    """A user of this test alone, with the old password."""
    admin = await asyncpg.connect(database_dsn)
    user, schema = f"rotating_{own_path}", database_dsn.rpartition("=")[2]
    try:
        await admin.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{OLD}'")
        await admin.execute(f"CREATE TABLE numbers (number int); GRANT ALL ON SCHEMA {schema} TO {user}")
        await admin.execute(f"GRANT ALL ON numbers TO {user}")
        yield Database(admin, database_dsn, user, schema)
        await admin.execute(f"DROP OWNED BY {user}; DROP ROLE {user}")
    finally:
        await admin.close()


@asynccontextmanager
async def ledger(database: Database, keeper: Keeper, path: str, folder: Path) -> AsyncIterator[Load]:
    """A host that writes numbers under the old password, as fast as they come."""
    await keeper.put(f"{path}/db", database.dsn(OLD))
    host = await host_of(folder, keeper, "ledger", DB.replace("PATH", path))
    async with under_load(host, "ledger", {"sql": INSERT, "parameters": []}) as load:
        yield load


@pytest.mark.asyncio
async def test_a_password_that_the_server_has_before_the_place_of_secrets(
    database: Database, keeper: Keeper, own_path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    events = Events(caplog)
    async with ledger(database, keeper, own_path, tmp_path) as load:
        await load.grown()
        await database.password(NEW)
        await load.grown()
        await keeper.put(f"{own_path}/db", database.dsn(NEW))
        await events.after("rotation.done")
        await load.grown()
    assert load.failures == []
    assert await database.numbers() == list(range(1, len(load.answers) + 1))
    assert (events.count("rotation.seen"), events.count("rotation.failed")) == (1, 0)
    assert CANARY not in caplog.text


@pytest.mark.asyncio
async def test_a_password_that_the_place_of_secrets_has_before_the_server(
    database: Database, keeper: Keeper, own_path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    events = Events(caplog)
    async with ledger(database, keeper, own_path, tmp_path) as load:
        await load.grown()
        await keeper.put(f"{own_path}/db", database.dsn(NEW))
        await events.after("rotation.failed")
        await load.grown()
        await database.password(NEW)
        async with load.resting():
            await database.end_idle_sessions()
        await events.after("rotation.done")
        await load.grown()
    assert load.failures == []
    assert await database.numbers() == list(range(1, len(load.answers) + 1))
    assert (events.count("rotation.seen"), events.count("rotation.failed")) == (1, 1)
    assert CANARY not in caplog.text


@pytest.mark.asyncio
async def test_ten_changes_leave_the_connections_of_one_pool(
    database: Database, keeper: Keeper, own_path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    events = Events(caplog)
    async with ledger(database, keeper, own_path, tmp_path) as load:
        for number in range(1, 11):
            await database.password(f"{NEW}-{number}")
            await keeper.put(f"{own_path}/db", database.dsn(f"{NEW}-{number}"))
            await events.after("rotation.done", number)
            await load.grown(50)
        assert await database.sessions() <= 4
    assert load.failures == []
    assert await database.numbers() == list(range(1, len(load.answers) + 1))


class Service:
    """A web service that answers 200 to the tokens that it accepts, and 401 to others."""

    def __init__(self) -> None:
        self.accepted = {OLD}

    async def __call__(self, request: RecordedRequest, connection: Connection) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        await connection.send(encoded(200 if token in self.accepted else 401, {"path": request.target}))


@pytest.mark.asyncio
async def test_a_token_that_overlaps_with_the_one_before(
    keeper: Keeper, own_path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    events, service = Events(caplog), Service()
    await keeper.put(f"{own_path}/api", OLD)
    async with HttpServer(service) as server:
        host = await host_of(tmp_path, keeper, "users", HTTP.replace("PATH", own_path).replace("URL", server.url))
        async with under_load(host, "users", {"url": "/users"}) as load:
            await load.grown()
            await keeper.put(f"{own_path}/api", WRONG)
            await events.after("rotation.failed")
            await load.grown()
            service.accepted.add(NEW)
            await keeper.put(f"{own_path}/api", NEW)
            await events.after("rotation.done")
            await load.grown()
            service.accepted.discard(OLD)
            await load.grown()
    assert load.failures == []
    assert {answer["status_code"] for answer in load.answers} == {200}
    assert (events.count("rotation.seen"), events.count("rotation.failed")) == (2, 1)
    (warning,) = (r.getMessage() for r in caplog.records if vars(r).get("event") == "rotation.failed")
    assert "health_path is answered with 401" in warning
    assert CANARY not in caplog.text
