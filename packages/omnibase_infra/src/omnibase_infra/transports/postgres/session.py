"""One connection: statements run with JSON parameters, in one round trip once prepared, and give JSON rows.

asyncpg has no public call that runs a prepared statement with a bound on its rows outside a transaction, and
none that tells a statement's types and then reuses its cache; hence the few members of the base class below.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from math import inf
from types import coroutine
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeVar

import asyncpg
from asyncpg.exceptions import InvalidCachedStatementError
from omnibase_core.errors import InvalidParameterError, UnexpectedResultError, shown
from pydantic import JsonValue

from omnibase_infra.transports.postgres.parameters import Encode, MisfitError, encoder
from omnibase_infra.transports.postgres.results import Decode, decoder

if TYPE_CHECKING:
    from asyncpg.protocol.protocol import BaseProtocol, PreparedStatementState

Meanwhile = Callable[[], None]
"""What may be done while the server works: quick, and without an error."""

T = TypeVar("T")

_AS_NUMBERS: Final = ("date", "time", "timestamp", "timestamptz", "interval")
_AS_TEXT: Final = ("numeric", "uuid")
_PLANS: Final = 1_000
_RESET: Final = (
    "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; "
    "SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"
)


class Statement(NamedTuple):
    """SQL with `$1`, `$2`, … and the values for them."""

    sql: str
    parameters: Sequence[JsonValue] = ()


class Result(NamedTuple):
    """Rows as JSON objects; `row_count` is what PostgreSQL counted: rows returned, or rows changed."""

    rows: list[dict[str, JsonValue]]
    row_count: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a prepared statement takes and gives. `decoders` are those of the columns that are no JSON already."""

    statement: "PreparedStatementState[asyncpg.Record]"
    types: tuple[str, ...]
    encoders: tuple[Encode, ...]
    decoders: tuple[tuple[str, Decode], ...]

    @classmethod
    def of(cls, statement: "PreparedStatementState[asyncpg.Record]", place: str) -> Self:
        types = statement._get_parameters()  # noqa: SLF001 - see above: asyncpg has no public way
        attributes = statement._get_attributes() or ()  # noqa: SLF001 - the same
        names = [column.name for column in attributes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UnexpectedResultError(
                f"{place}Two columns are named '{shown(twice)}'; give them names of their own with AS",
                details={"column": shown(twice)},
            )
        found = [(column.name, _decoder(column, place)) for column in attributes]
        return cls(
            statement,
            tuple(kind.name for kind in types),
            tuple(encoder(kind.name, kind.kind, kind.schema) for kind in types),
            tuple((name, decode) for name, decode in found if decode is not None),
        )

    def encode(self, values: Sequence[JsonValue], place: str) -> list[object]:
        """The driver's arguments. Raises InvalidParameterError that names `$n`."""
        if len(values) != len(self.encoders):
            raise miscounted(place, len(self.encoders), len(values))
        arguments: list[object] = []
        try:
            for encode, value in zip(self.encoders, values, strict=True):
                arguments.append(None if value is None else encode(value))
        except MisfitError as misfit:
            number = f"${len(arguments) + 1}"
            name = shown(self.types[len(arguments)])
            raise InvalidParameterError(
                f"{place}Parameter {number} ({name}): {misfit}", details={"parameter": number}
            ) from None
        return arguments

    def rows(self, records: Sequence[asyncpg.Record], place: str) -> list[dict[str, JsonValue]]:
        """The records as JSON objects. Raises UnexpectedResultError that names the column."""
        rows: list[dict[str, JsonValue]] = []
        name = ""
        try:
            for record in records:
                row: dict[str, JsonValue] = dict(record.items())
                for name, decode in self.decoders:
                    value = row[name]
                    if value is not None:
                        row[name] = decode(value)
                rows.append(row)
        except MisfitError as misfit:
            raise _unrepresentable(name, str(misfit), place) from None
        return rows


class Session(asyncpg.Connection):
    """A connection with our codecs and plans. `served` counts the statements that it has run."""

    if TYPE_CHECKING:
        _protocol: BaseProtocol[asyncpg.Record]
        _loop: asyncio.AbstractEventLoop

        async def _get_statement(
            self, query: str, timeout_s: float | None
        ) -> PreparedStatementState[asyncpg.Record]: ...

        def _drop_local_statement_cache(self) -> None: ...

    served = 0
    deadline = inf
    _plans: dict[str, _Plan]
    _borrower: asyncio.Task[object] | None = None
    _cancelling = 0
    _expired = False

    async def equip(self) -> None:
        """Once per connection: dates and times as PostgreSQL's own numbers, so infinity is seen; text as text."""
        self._plans = {}
        for name in _AS_NUMBERS:
            await self.set_type_codec(name, schema="pg_catalog", encoder=tuple, decoder=tuple, format="tuple")
        for name in _AS_TEXT:
            await self.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=str, format="text")

    def lend(self, deadline: float) -> None:
        """Notes the current task, which may use the session until `deadline` (monotonic seconds)."""
        self.deadline = deadline
        self._expired = False
        self._borrower = asyncio.current_task(self._loop)
        self._cancelling = self._borrower.cancelling() if self._borrower else 0

    def expire(self) -> None:
        """Interrupts the borrower; the driver then tells the server to cancel the statement."""
        self.deadline = inf
        if self._borrower is not None:
            self._expired = True
            self._borrower.cancel()

    def was_late(self) -> bool:
        """Whether the cancellation that the borrower has just seen is that of `expire` alone."""
        expired, self._expired = self._expired, False
        return expired and self._borrower is not None and self._borrower.uncancel() <= self._cancelling

    async def run(
        self,
        statement: Statement,
        max_rows: int,
        timeout_s: float | None,
        place: str = "",
        meanwhile: Meanwhile | None = None,
    ) -> Result:
        """Runs one statement. `place` stands before each message: which statement of several this is.

        Raises the typed errors for parameters and results, and the driver's own for the rest.
        """
        plan = self._plans.get(statement.sql)
        if plan is None or plan.statement.closed:
            plan = await self._plan(statement.sql, timeout_s, place)
        arguments = plan.encode(statement.parameters, place)
        self.served += 1
        try:
            answer = self._protocol.bind_execute(plan.statement, arguments, "", max_rows + 1, True, timeout_s)
            records, status, _ = await (answer if meanwhile is None else _awaiting(answer, meanwhile))
        except InvalidCachedStatementError:
            self._drop_local_statement_cache()
            self._plans.clear()
            raise
        if len(records) > max_rows:
            raise too_many(place, max_rows)
        return Result(plan.rows(records, place), _counted(status, len(records)))

    async def _plan(self, sql: str, timeout_s: float | None, place: str) -> _Plan:
        """Prepares the statement. The driver closes one that leaves its cache, after five minutes too."""
        plan = _Plan.of(await self._get_statement(sql, timeout_s), place)
        if plan.statement.name:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            self._plans[sql] = plan
        return plan

    @property
    def encrypted(self) -> bool:
        """Whether the connection speaks TLS."""
        return self._protocol.is_ssl

    async def restore(self, *, own: bool, unsure: bool) -> None:
        """Undoes what a statement may have left: its transaction and, where the session is our `own`, its state.

        `unsure`: the last answer did not come, so that nobody knows whether a transaction is open.
        """
        if unsure or self.is_in_transaction():
            await self.execute("ROLLBACK")
        if own:
            await self.execute(_RESET)


@coroutine
def _awaiting(answer: Coroutine[object, None, T], meanwhile: Meanwhile) -> Generator[object, None, T]:
    """Awaits the answer, with something to do: a statement is sent when its coroutine first waits."""
    waiting = answer.send(None)
    meanwhile()
    try:
        yield waiting
    except BaseException as error:  # cancelled, or what it waits for failed: the coroutine's matter
        answer.throw(error)
        raise
    return (yield from answer.__await__())


def miscounted(place: str, expected: int, came: int) -> InvalidParameterError:
    """The refusal of more parameters, or fewer, than a statement takes."""
    return InvalidParameterError(
        f"{place}The statement takes {expected} parameters, {came} came",
        details={"expected": expected, "came": came},
    )


def too_many(place: str, max_rows: int) -> UnexpectedResultError:
    """The refusal of a result of more rows than the contract allows."""
    return UnexpectedResultError(
        f"{place}The statement gives more than {max_rows} rows; add LIMIT, or raise max_rows",
        details={"max_rows": max_rows},
    )


def _decoder(column: asyncpg.Attribute, place: str) -> Decode | None:
    try:
        return decoder(column.type.name, column.type.kind, column.type.schema)
    except MisfitError as misfit:
        raise _unrepresentable(column.name, str(misfit), place) from None


def _unrepresentable(column: str, why: str, place: str) -> UnexpectedResultError:
    return UnexpectedResultError(
        f"{place}Column '{shown(column)}' cannot be answered: {why}; cast it in the SQL, to text for example",
        details={"column": shown(column)},
    )


def _counted(status: bytes | None, records: int) -> int:
    """The count at the end of a command tag such as `INSERT 0 3`; a tag without one counts the rows."""
    if not status or status.startswith(b"SELECT"):
        return records
    last = status.rpartition(b" ")[2]
    return int(last) if last.isdigit() else records
