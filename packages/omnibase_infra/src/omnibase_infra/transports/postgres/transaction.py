"""One attempt at a transaction: how far it came decides what its failure means."""

import time
from collections.abc import Callable, Sequence

from asyncpg.exceptions import InvalidCachedStatementError, PostgresError
from omnibase_core.errors import HandlerConnectionError, IndeterminateEffectError, RuntimeHostError

from omnibase_infra.transports.postgres.errors import LOST, typed_error
from omnibase_infra.transports.postgres.inbox import Claim, recorded
from omnibase_infra.transports.postgres.session import Result, Session, Statement

Check = Callable[[int, Result], None]
"""Called with the index of a statement and its result, inside the transaction; what it raises rolls back."""


class Transaction:
    """budget: seconds for the next round trip. deadline: of the whole, in monotonic seconds.

    claim: of the request whose transaction it is, where there is an inbox. Attribute: `untouched`, that nothing
    was sent yet.
    """

    def __init__(
        self,
        session: Session,
        max_rows: int,
        budget: Callable[[], float],
        deadline: float,
        claim: Claim | None,
    ) -> None:
        self.untouched = True
        self._session = session
        self._max_rows = max_rows
        self._budget = budget
        self._deadline = deadline
        self._claim = claim
        self._place = ""
        self._committing = False

    async def perform(
        self, begin: str, statements: Sequence[Statement], places: Sequence[str], check: Check | None
    ) -> list[Result]:
        """BEGIN, the statements with their checks, COMMIT, which the server gives no statement timeout."""
        await self._session.execute(begin, timeout=self._budget())
        self.untouched = False
        self._session.served += 1
        if self._claim is not None:
            before = recorded(await self._noted(self._claim.take()))
            if before is not None:
                self._claim.inbox.answered += 1
                await self._session.execute("ROLLBACK", timeout=self._budget())
                return before
        results = []
        for index, (statement, place) in enumerate(zip(statements, places, strict=True)):
            self._place = place
            result = await self._session.run(statement, self._max_rows, self._budget(), place)
            if check is not None:
                check(index, result)
            results.append(result)
        if self._claim is not None:
            await self._noted(self._claim.record(results))
        self._place = ""
        if self._session.is_closed():
            raise ConnectionError
        self._committing = True
        await self._session.execute("COMMIT", timeout=max(0.001, self._deadline - time.monotonic()))
        return results

    async def _noted(self, statement: Statement) -> Result:
        self._place = "inbox: "
        return await self._session.run(statement, self._max_rows, self._budget(), self._place)

    def outdated(self, error: Exception) -> bool:
        """Whether the schema changed under a prepared statement: nothing ran, all of it can be run anew."""
        return isinstance(error, InvalidCachedStatementError) and not self._committing

    def outward(self, error: Exception) -> RuntimeHostError:
        """The typed error. Where the server did not answer COMMIT, nobody knows what happened."""
        if self._committing and not (isinstance(error, PostgresError) and error.sqlstate not in LOST):
            if self._claim is not None:
                return HandlerConnectionError(
                    "The database did not answer COMMIT: the transaction may or may not have taken effect. "
                    "Repeat the same request: the inbox knows",
                    details={"effect": "indeterminate"},
                )
            return IndeterminateEffectError(
                "The database did not answer COMMIT: the transaction may or may not have taken effect. "
                "Look before you repeat it"
            )
        return typed_error(error, place=self._place)
