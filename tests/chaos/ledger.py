"""Work on PostgreSQL that shows whether anything counted twice, or never: a counter for each key of a backlog.

The requests of a key have the sequences i, i + KEYS, i + 2 KEYS and so on. Each adds KEYS to its key's counter and
answers with it, so that every answer is the request's own sequence, and the counter ends at the last one, exactly
if each counted once. An answer that comes again has to be the recorded one: the counter is beyond it by then.
"""

from collections.abc import Mapping
from typing import Final

import asyncpg
from omnibase_infra.transports.postgres import Inbox

from tests.chaos.running import WAITING, Work
from tests.chaos.surviving import KEYS

_CONNECTIONS: Final = 30
_NODE: Final = """\
node_version: "1.0.0"
name: worker
node_type: EFFECT
input_model: {name: ModelWork, fields: [{name: url, type: string}, {name: body, type: any}]}
output_model: {name: ModelDone, fields: [{name: key, type: string}, {name: sequence, type: integer}]}
io_operations:
  - type: db
    operations: [db.execute]
    request:
      sql: >-
        UPDATE counter SET sequence = sequence + step
        FROM (SELECT pg_sleep($2::int / 1000.0)) AS work WHERE key = $1 RETURNING key, sequence
      parameters: ["${{ input.body.key }}", "${{ input.body.work_ms }}"]
    expect: {rows: one}
    response: {key: "${{ result.rows[0].key }}", sequence: "${{ result.rows[0].sequence }}"}
"""


def counting(idempotency: str = "inbox", more: str = "") -> Work:
    """Work of node `worker`, and of `page`, which needs no database. more: fields of the db handler."""
    config = f'{{dsn: {{secret_ref: "chaos/dsn"}}, pool_size: {_CONNECTIONS}, idempotency: {idempotency}}}'
    return Work(
        f"[{{type: db, timeout_ms: 20000, config: {config}{more}}}, {WAITING.handlers[1:]}",
        f"[{{slug: worker, max_inflight: {_CONNECTIONS}}}, {{slug: page}}]",
        {"worker": _NODE, "page": WAITING.contracts["worker"].replace("worker", "page")},
    )


async def lay_out(dsn: str) -> None:
    """An inbox, and the counters as they are before the first request of each key."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(Inbox("onex_inbox", 1).ddl)
        await connection.execute("CREATE TABLE counter (key text PRIMARY KEY, sequence int, step int)")
        rows = [(f"key-{number}", number - KEYS, KEYS) for number in range(KEYS)]
        await connection.executemany("INSERT INTO counter VALUES ($1, $2, $3)", rows)
    finally:
        await connection.close()


async def counted(dsn: str) -> Mapping[str, int]:
    """How many requests of each key have counted."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT key, sequence FROM counter")
    finally:
        await connection.close()
    return {row["key"]: row["sequence"] // KEYS + 1 for row in rows}


def expected(backlog: int) -> Mapping[str, int]:
    """How many there are of each key."""
    return {f"key-{number}": len(range(number, backlog, KEYS)) for number in range(KEYS)}
