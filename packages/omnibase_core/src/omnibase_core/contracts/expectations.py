"""`expect`: what a result must be, in the result's own names."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from omnibase_core import suggest
from omnibase_core.contracts.operations import operation_type
from omnibase_core.enums import EnumHandlerType
from omnibase_core.errors import UnexpectedResultError, shown
from omnibase_core.mapping.faults import Fault, Place, TemplateFault

if TYPE_CHECKING:
    from pydantic import JsonValue

    from omnibase_core.envelope import JsonObject

_ROWS: Final = ("one", "optional", "many")
_DEFAULT: Final = range(200, 300)
_FAILURES: Final = frozenset((408, 429))


class Expectation(NamedTuple):
    """What is expected. statuses: of http, checked on the result. payload: of db, which the handler checks
    inside the transaction: of one statement, or of each."""

    statuses: frozenset[int] | None = None
    payload: "JsonValue" = None

    def check(self, result: "Mapping[str, JsonValue]", *, reads: bool) -> None:
        """Raises UnexpectedResultError where the status is another one."""
        status = result.get("status_code")
        if self.statuses is None or status in self.statuses:
            return
        expected = (
            "200 to 299" if self.statuses == frozenset(_DEFAULT) else ", ".join(map(str, sorted(self.statuses)))
        )
        details: JsonObject = {"expected": expected, "status_code": status}
        if not reads and isinstance(status, int) and status in _DEFAULT:
            details["effect"] = "performed"
        raise UnexpectedResultError(f"A status of {expected} was expected; {status} came", details=details)


class _Reader:
    def __init__(self, place: Place, faults: list[TemplateFault]) -> None:
        self._place = place
        self._faults = faults

    def fault(self, place: Place, message: str, hint: str) -> None:
        self._faults.append(TemplateFault((*self._place, *place), Fault(0, message, hint)))

    def fields(self, given: object, known: tuple[str, ...], place: Place) -> Mapping[str, object]:
        if not isinstance(given, dict):
            self.fault(place, "'expect' must be a mapping", f"Its fields are: {suggest.listed(known)}")
            return {}
        for key in given:
            if key not in known:
                hint = suggest.hint(key, known, "What can be expected here")
                self.fault((*place, key), f"'{shown(key)}' cannot be expected", hint)
        return given

    def statuses(self, given: object) -> frozenset[int]:
        listed = self.fields(given, ("status",), ()).get("status")
        if not isinstance(listed, list) or not listed:
            self.fault(("status",), "'status' must be a list of status codes", "Write status: [200, 404]")
            return frozenset(_DEFAULT)
        for index, status in enumerate(listed):
            if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
                self.fault(
                    ("status", index), "This is no status code", "A status code is a number from 100 to 499"
                )
            elif status >= 500 or status in _FAILURES:
                self.fault(
                    ("status", index),
                    f"{status} cannot be expected: it is a failure",
                    "408, 429 and 5xx are answered with an error, and retried where that is safe",
                )
        return frozenset(status for status in listed if isinstance(status, int))

    def statement(self, given: object, place: Place) -> "JsonValue":
        fields = self.fields(given, ("rows", "row_count"), place)
        rows, count = fields.get("rows", "many"), fields.get("row_count")
        if rows not in _ROWS:
            self.fault(
                (*place, "rows"), "'rows' must be one, optional or many", "one row; none or one; any number"
            )
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
            self.fault((*place, "row_count"), "'row_count' must be an integer from 0", "Write the number of rows")
        return {key: value for key, value in fields.items() if isinstance(value, str | int)}

    def statements(self, given: object, count: int | None) -> "JsonValue":
        listed = self.fields(given, ("results",), ()).get("results")
        if not isinstance(listed, list) or (count is not None and len(listed) != count):
            wanted = "one for each statement" if count is None else f"{count}, one for each statement"
            self.fault(
                ("results",),
                f"'results' must list {wanted}",
                "Write null for a statement of which nothing is expected",
            )
            return None
        return [
            None if each is None else self.statement(each, ("results", index)) for index, each in enumerate(listed)
        ]


def read_expectation(
    operation: str, given: object, request: object, place: Place, faults: list[TemplateFault]
) -> Expectation:
    """The expectation of an entry; of http there is one in any case."""
    reader, kind = _Reader(place, faults), operation_type(operation)
    if kind is EnumHandlerType.HTTP:
        return Expectation(statuses=frozenset(_DEFAULT) if given is None else reader.statuses(given))
    if given is None:
        return Expectation()
    if operation == "db.transaction":
        statements = request.get("statements") if isinstance(request, dict) else None
        return Expectation(
            payload=reader.statements(given, len(statements) if isinstance(statements, list) else None)
        )
    if kind is EnumHandlerType.DB:
        return Expectation(payload=reader.statement(given, ()))
    reader.fault(
        (),
        f"Nothing can be expected of {shown(operation)}",
        "http has expect: {status: […]}, db {rows: …, row_count: …}",
    )
    return Expectation()


def with_expectation(payload: object, expected: "JsonValue") -> object:
    """The payload of a db operation with what is expected of each statement."""
    assert isinstance(payload, dict)
    statements = payload.get("statements")
    if isinstance(expected, list) and isinstance(statements, list):
        pairs = zip(statements, expected, strict=True)
        return {**payload, "statements": [s if e is None else {**s, "expect": e} for s, e in pairs]}
    return {**payload, "expect": expected}
