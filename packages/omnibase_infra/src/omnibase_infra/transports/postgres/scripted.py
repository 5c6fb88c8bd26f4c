"""A database without a server: SQL is looked at as far as can be, and the results are written down."""

from collections.abc import Mapping, Sequence

from omnibase_core.contracts.handler_config import ModelDbConfig
from omnibase_core.contracts.statements import placeholders
from pydantic import JsonValue

from omnibase_infra.transports.postgres.client import Isolation, Postgres, accepted
from omnibase_infra.transports.postgres.inbox import Request
from omnibase_infra.transports.postgres.session import Meanwhile, Result, Statement, miscounted, too_many
from omnibase_infra.transports.postgres.transaction import Check
from omnibase_infra.transports.scripted import Cue, ImpossibleAnswerError


class ScriptedPostgres(Postgres):
    """Gives each read or transaction the results of its cue; nothing is opened, and no dsn is needed."""

    def __init__(self, config: ModelDbConfig, *, cue: Cue) -> None:
        self._cue = cue
        self._most = config.max_rows

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self, budget_s: float = 5.0) -> None:
        """There is nothing to close."""

    def figures(self) -> dict[str, int]:
        """No connections."""
        return {"pool_size": 0, "in_use": 0}

    async def read(self, statement: Statement, meanwhile: Meanwhile | None = None) -> Result:
        """The result. Raises as the real one does where the request alone tells, and the cue's failure."""
        self._look_at(statement, "")
        return self._result(self._cue(), "")

    async def write(
        self,
        statements: Sequence[Statement],
        isolation: Isolation = "read_committed",
        check: Check | None = None,
        request: Request | None = None,
    ) -> list[Result]:
        """The same for a transaction. Raises ImpossibleAnswerError where there is not a result for each."""
        single = len(statements) == 1
        places = ["" if single else f"statements[{index}]: " for index in range(len(statements))]
        for statement, place in zip(statements, places, strict=True):
            self._look_at(statement, place)
        answer = self._cue()
        listed = answer.get("results", [answer])
        written = listed if isinstance(listed, list) else []
        results: list[Result] = []
        for index, (each, place) in enumerate(zip(written, places, strict=False)):
            assert isinstance(each, dict)
            results.append(self._result(each, place))
            if check is not None:
                check(index, results[index])
        if len(written) != len(statements):
            raise ImpossibleAnswerError(
                f"the transaction has {len(statements)} statements, and there are {len(written)} results; "
                "write one for each"
            )
        return results

    def _look_at(self, statement: Statement, place: str) -> None:
        accepted(statement.sql, place)
        expected = max(placeholders(statement.sql), default=0)
        if len(statement.parameters) != expected:
            raise miscounted(place, expected, len(statement.parameters))

    def _result(self, written: Mapping[str, JsonValue], place: str) -> Result:
        listed, count = written.get("rows"), written.get("row_count")
        rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        if len(rows) > self._most:
            raise too_many(place, self._most)
        return Result(rows, count if isinstance(count, int) else len(rows))
