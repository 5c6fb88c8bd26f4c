"""The database of a test: `db` has a schema of its own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.integration.db.database import Database, database


@pytest_asyncio.fixture
async def db(database_dsn: str) -> AsyncIterator[Database]:
    """An initialised handler on the test's own schema."""
    async with database(database_dsn, pool_size=4) as opened:
        yield opened
