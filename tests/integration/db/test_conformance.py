"""The db handler keeps what the protocol promises, on a real database."""

import pytest
from omnibase_infra.handlers.db_handler import DbHandler
from omnibase_spi.conformance import HANDLER_CHECKS, HandlerCheck

from tests.integration.db.database import binding, request


@pytest.mark.asyncio
@pytest.mark.parametrize("check", HANDLER_CHECKS, ids=lambda check: check.__name__)
async def test_the_db_handler_conforms(check: HandlerCheck, database_dsn: str) -> None:
    sample = request("db.query", {"sql": "SELECT $1::int AS n", "parameters": [7]})
    await check(DbHandler, binding(database_dsn, pool_size=2), sample)
