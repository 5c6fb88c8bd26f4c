"""Reads and transactions on one database, with deadlines, and one repetition where it is known to be safe.

Every session starts with `default_transaction_read_only`: a read runs without a transaction of ours, in one
round trip, and the server itself refuses what writes; so a read on a connection that turns out dead is
repeated on a fresh one. Everything else runs between BEGIN and COMMIT: whatever fails before COMMIT had no effect.

Behind a pooler in transaction mode (statement_cache_size 0) a read has a transaction too, since settings and
prepared statements hold for one transaction there.

With an inbox, a request that writes is claimed in its transaction first (transports/postgres/inbox.py).
"""

import logging
import time
from collections.abc import Sequence
from typing import Final, Literal

from asyncpg.exceptions import InvalidCachedStatementError
from omnibase_core.contracts.handler_config import ModelDbConfig
from omnibase_core.errors import (
    InvalidParameterError,
    ProtocolConfigurationError,
    RuntimeHostError,
)
from omnibase_core.secret import Secret

from omnibase_infra.telemetry import events
from omnibase_infra.transports.postgres.address import read_dsn
from omnibase_infra.transports.postgres.errors import FAILURES, broken, typed_error
from omnibase_infra.transports.postgres.inbox import Claim, Inbox, Request
from omnibase_infra.transports.postgres.pool import SessionPool
from omnibase_infra.transports.postgres.session import Meanwhile, Result, Statement
from omnibase_infra.transports.postgres.sql_text import SqlText, read_sql
from omnibase_infra.transports.postgres.transaction import Check, Transaction

Isolation = Literal["read_committed", "repeatable_read", "serializable"]

_logger = logging.getLogger("onex.transports.postgres")
_CONNECT_S: Final = 5.0
_SLACK_S: Final = 0.5
_CONTROL: Final = frozenset(
    """begin start commit end rollback abort savepoint release
    prepare deallocate discard copy listen unlisten""".split()  # noqa: SIM905 - as words
)


class Postgres:
    """One database.

    config: the db handler's, its dsn resolved.
    timeout_ms: bound on a whole read or transaction, waiting for a connection included.

    Every failure is a typed error that shows neither the DSN nor any value.
    """

    def __init__(self, config: ModelDbConfig, timeout_ms: int) -> None:
        if not isinstance(config.dsn, Secret):
            raise ProtocolConfigurationError("The db handler has no dsn: give it a secret_ref in its config")
        self._own = config.statement_cache_size > 0
        self._timeout_s = timeout_ms / 1000
        statement_ms = min(config.statement_timeout_ms or timeout_ms, timeout_ms)
        self._statement_s = statement_ms / 1000 + _SLACK_S
        self._max_rows = config.max_rows
        inboxed = config.idempotency == "inbox"
        self._inbox = Inbox(config.inbox_table, config.inbox_retention_hours) if inboxed else None
        self._begin = "" if self._own else f"; SET LOCAL statement_timeout = {statement_ms}"
        settings = {"default_transaction_read_only": "on", "statement_timeout": str(statement_ms)}
        self._pool = SessionPool(
            read_dsn(config.dsn),
            size=config.pool_size,
            acquire_s=config.acquire_timeout_ms / 1000,
            connect_s=min(_CONNECT_S, self._timeout_s),
            cache_size=config.statement_cache_size,
            settings=settings if self._own else {},
            own=self._own,
        )

    async def open(self) -> None:
        """Opens one connection, so that a DSN that cannot work is found out at the start, within seconds.

        Raises ProtocolConfigurationError for an inbox that cannot hold what it promises, too.
        """
        await self._pool.probe()
        if self._inbox is not None:
            try:
                await self._inbox.rehearse(self.read)
            except BaseException:
                await self.close()
                raise

    async def close(self, budget_s: float = 5.0) -> None:
        """Waits for what is under way, within the budget, and closes every connection."""
        await self._pool.close(budget_s)

    def figures(self) -> dict[str, int]:
        """Counts of connections, for health_check."""
        return self._pool.figures()

    @property
    def inbox_answers(self) -> int | None:
        """How many requests got results that the inbox had; None without an inbox."""
        return None if self._inbox is None else self._inbox.answered

    async def read(self, statement: Statement, meanwhile: Meanwhile | None = None) -> Result:
        """Runs a statement that only reads; the server refuses any other.

        meanwhile: done while the server works on it; not where it takes a transaction, twice where it is repeated.
        """
        text = accepted(statement.sql, "")
        if not self._own:
            return (await self._transact((statement,), f"BEGIN READ ONLY{self._begin}", None))[0]
        deadline = self._deadline()
        fresh = False
        for last in (False, True):
            session = (None if fresh else self._pool.take()) or await self._pool.acquire(deadline, fresh=fresh)
            used = session.served
            self._pool.watch(session, min(deadline, time.monotonic() + self._statement_s))
            try:
                result = await session.run(statement, self._max_rows, None, meanwhile=meanwhile)
            except FAILURES as error:
                gone = broken(error, session)
                await self._pool.settle(session)
                if not last and ((gone and used) or isinstance(error, InvalidCachedStatementError)):
                    fresh = gone
                    continue
                raise typed_error(error) from None
            except BaseException:
                late = session.was_late()
                await self._pool.settle(session)
                if late:
                    raise typed_error(TimeoutError()) from None
                raise
            if text.stateless:
                self._pool.release(session)
            else:
                await self._pool.settle(session)
            return result
        raise AssertionError("the second round returns or raises")

    async def write(
        self,
        statements: Sequence[Statement],
        isolation: Isolation = "read_committed",
        check: Check | None = None,
        request: Request | None = None,
    ) -> list[Result]:
        """Runs the statements in one transaction; `check` sees each result before anything is committed.

        request: whose they are; with an inbox, one that took effect before gets its results again.

        Raises IndeterminateEffectError where the answer to COMMIT did not come (with an inbox a
        HandlerConnectionError, since repeating is safe); after any other error nothing took effect.
        """
        level = isolation.upper().replace("_", " ")
        begin = f"BEGIN ISOLATION LEVEL {level} READ WRITE{self._begin}"
        inbox = None if request is None else self._inbox
        if inbox is None or request is None:
            return await self._transact(statements, begin, check)
        results = await self._transact(statements, begin, check, Claim(inbox, request))
        if inbox.is_purge_due():
            await self._purge(inbox)
        return results

    async def _purge(self, inbox: Inbox) -> None:
        """Deletes rows that are too old. What was asked for took effect already, so a failure is only logged."""
        try:
            await self._transact((inbox.purge,), f"BEGIN READ WRITE{self._begin}", None)
        except RuntimeHostError as error:
            _logger.warning(
                "old rows of the inbox %s were not deleted: %s",
                inbox.table,
                error.message,
                extra={"event": events.HANDLER_INBOX_NOT_PURGED},
            )

    async def _transact(
        self,
        statements: Sequence[Statement],
        begin: str,
        check: Check | None,
        claim: Claim | None = None,
    ) -> list[Result]:
        single = len(statements) == 1
        places = ["" if single else f"statements[{index}]: " for index in range(len(statements))]
        texts = [accepted(each.sql, place) for each, place in zip(statements, places, strict=True)]
        deadline = self._deadline()
        fresh = False
        for last in (False, True):
            session = (None if fresh else self._pool.take()) or await self._pool.acquire(deadline, fresh=fresh)
            transaction = Transaction(session, self._max_rows, lambda: self._budget(deadline), deadline, claim)
            try:
                results = await transaction.perform(begin, statements, places, check)
            except FAILURES as error:
                fresh = transaction.untouched and broken(error, session)
                await self._pool.settle(session, unsure=isinstance(error, TimeoutError))
                if not last and (fresh or transaction.outdated(error)):
                    continue
                raise transaction.outward(error) from None
            except BaseException:
                await self._pool.settle(session, unsure=True)
                raise
            if not self._own or all(text.stateless for text in texts):
                self._pool.release(session)
            else:
                await self._pool.settle(session)
            return results
        raise AssertionError("the second round returns or raises")

    def _deadline(self) -> float:
        return time.monotonic() + self._timeout_s

    def _budget(self, deadline: float) -> float:
        """Seconds for the next round trip: a little more than the server gives a statement, so that it ends it."""
        return max(0.001, min(deadline - time.monotonic(), self._statement_s))


def accepted(sql: str, place: str) -> SqlText:
    """What is in the SQL. Raises InvalidParameterError for none, and for what controls the session."""
    text = read_sql(sql)
    if not text.keyword:
        raise InvalidParameterError(f"{place}sql holds no statement")
    if text.keyword in _CONTROL:
        raise InvalidParameterError(
            f"{place}sql may not be {text.keyword.upper()}: the handler opens and ends transactions and keeps "
            "sessions to itself; use db.transaction for several statements"
        )
    return text
