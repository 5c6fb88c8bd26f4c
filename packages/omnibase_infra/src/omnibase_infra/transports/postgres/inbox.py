"""The inbox: a row for each request that took effect, written in the transaction of its effect, with its results.

The row is claimed before the statements and filled after them, so it is there exactly when their effect is. A
claim waits for a transaction that has claimed the same request, and finds its results once that one committed.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from omnibase_core.errors import HandlerExecutionError, ProtocolConfigurationError
from pydantic import JsonValue

from omnibase_infra.transports.postgres.session import Result, Statement

_PURGE_EVERY: Final = 200
_TABLE: Final = """\
CREATE TABLE {table} (
  envelope_id uuid NOT NULL,
  node text NOT NULL,
  operation text NOT NULL,
  results json,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (envelope_id, node, operation)
);
CREATE INDEX ON {table} (recorded_at);"""
_KIND: Final = "SELECT relpersistence = 'p' AS durable FROM pg_class WHERE oid = to_regclass($1)"
_CLAIM: Final = """\
INSERT INTO {table} (envelope_id, node, operation) VALUES ($1, $2, $3)
ON CONFLICT (envelope_id, node, operation) DO UPDATE SET node = EXCLUDED.node RETURNING results"""
_RECORD: Final = "UPDATE {table} SET results = $4 WHERE envelope_id = $1 AND node = $2 AND operation = $3"
_PURGE: Final = """\
DELETE FROM {table} WHERE (envelope_id, node, operation) IN (
  SELECT envelope_id, node, operation FROM {table} WHERE recorded_at < now() - make_interval(hours => $1)
  LIMIT 1000 FOR UPDATE SKIP LOCKED)"""


class Request(NamedTuple):
    """What a row is found by."""

    envelope_id: str
    node: str
    operation: str


class Inbox:
    """The statements of one table. table: `table` or `schema.table`, as the config's pattern holds it.

    Attributes: `ddl`, which creates it, what is done to it: `claim`, `record`, `purge`, and `answered`, how many
    requests got results that it had.
    """

    def __init__(self, table: str, retention_hours: int) -> None:
        self.table = table
        self._name = name = ".".join(f'"{part}"' for part in table.split("."))
        self.ddl = _TABLE.format(table=name)
        self.claim = _CLAIM.format(table=name)
        self.record = _RECORD.format(table=name)
        self.purge = Statement(_PURGE.format(table=name), (retention_hours,))
        self.answered = 0
        self._written = 0

    def is_purge_due(self) -> bool:
        """Whether so many requests were written since the last purge that there should be another."""
        self._written += 1
        return self._written % _PURGE_EVERY == 0

    async def rehearse(self, read: Callable[[Statement], Awaitable[Result]]) -> None:
        """Has the server look at the table, and plan each use: that needs columns, key and privileges.

        Raises ProtocolConfigurationError, with what creates the table, where it cannot hold what it promises.
        """
        try:
            found = (await read(Statement(_KIND, (self._name,)))).rows
            if not found:
                raise HandlerExecutionError("There is no such table")
            if not found[0]["durable"]:
                raise HandlerExecutionError("It is unlogged or temporary: a crash of the server empties it")
            for sql in (self.claim, self.record, self.purge.sql):
                await read(Statement("EXPLAIN " + re.sub(r"[$]\d", "NULL", sql)))
        except HandlerExecutionError as error:
            if error.retryable:
                raise
            raise ProtocolConfigurationError(
                f"The db handler's inbox_table {self.table} cannot be used. {error.message}. The host does not "
                f"create it, and needs SELECT, INSERT, UPDATE and DELETE on it. It is created by\n{self.ddl}"
            ) from None


class Claim(NamedTuple):
    """The row of one request."""

    inbox: Inbox
    request: Request

    def take(self) -> Statement:
        """Makes the row, or waits for who is making it and finds it."""
        return Statement(self.inbox.claim, self.request)

    def record(self, results: Sequence[Result]) -> Statement:
        """Fills it."""
        listed: list[JsonValue] = [{"rows": [*each.rows], "row_count": each.row_count} for each in results]
        return Statement(self.inbox.record, (*self.request, listed))


def recorded(claimed: Result) -> list[Result] | None:
    """The results that a claim found; None where the request is new."""
    listed = claimed.rows[0]["results"]
    if listed is None:
        return None
    assert isinstance(listed, list)
    return [Result(**each) for each in listed if isinstance(each, dict)]  # type: ignore[arg-type]  # `record` wrote it
