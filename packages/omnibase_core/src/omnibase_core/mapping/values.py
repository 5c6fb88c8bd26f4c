"""Values as expressions see them: kinds, truth, equality, order, and their text."""

import json
from decimal import Decimal
from typing import Final, Literal

from omnibase_core.mapping.exact import Number, exact, plain
from omnibase_core.mapping.faults import EvaluationError

Kind = Literal["null", "boolean", "number", "string", "list", "object", "omit", "expression"]


class Omitted:
    """What `omit()` gives: the key that holds it is dropped."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "OMITTED"


OMITTED: Final = Omitted()

KINDS: Final[dict[type, Kind]] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    Decimal: "number",
    str: "string",
    list: "list",
    dict: "object",
    Omitted: "omit",
}
_SAID: Final[dict[Kind, str]] = {
    "null": "null",
    "boolean": "a boolean",
    "number": "a number",
    "string": "a text",
    "list": "a list",
    "object": "an object",
    "omit": "omit()",
    "expression": "an expression",
}


def kind_of(value: object) -> Kind:
    """What JSON calls the value."""
    return KINDS.get(type(value), "expression")


def said(kind: Kind) -> str:
    """A kind in words."""
    return _SAID[kind]


def is_false(value: object) -> bool:
    """JMESPath's truth: null, false and what is empty are false; 0 is true."""
    return value is None or value is False or (type(value) in _EMPTIES and not value)


_EMPTIES: Final = frozenset((str, list, dict))


def equal(a: object, b: object) -> bool:
    """Deep equality: numbers by their exact value, no boolean is a number."""
    kind = KINDS.get(type(a))
    if kind is not KINDS.get(type(b)):
        return False
    if kind == "number":
        return a == b if type(a) is type(b) else exact(a) == exact(b)  # type: ignore[arg-type]  # both are numbers
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(value, b[key]) for key, value in a.items())
    return a == b


def order(a: object, b: object) -> int:
    """Below, at or above zero, as a is less than, equal to or greater than b; both numbers or both texts."""
    if type(a) is int and type(b) is int:
        return (a > b) - (a < b)
    kind_a, kind_b = kind_of(a), kind_of(b)
    if kind_a == kind_b == "number":
        x, y = exact(a), exact(b)  # type: ignore[arg-type]  # both are numbers
        return (x > y) - (x < y)
    if isinstance(a, str) and isinstance(b, str):
        return (a > b) - (a < b)
    raise EvaluationError(
        f"{said(kind_a)} and {said(kind_b)} have no order: both must be numbers, or both texts; "
        "coalesce(a, …) stands in for null"
    )


def as_text(value: object) -> str | None:
    """A text, number or boolean as text; null stays null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return plain(value)
    raise EvaluationError(f"{said(kind_of(value))} has no text: take a part of it, or use to_string")


def json_text(value: object) -> str:
    """The value as compact JSON, as the library writes it; a Decimal with all its digits."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list):
        return f"[{','.join(map(json_text, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(key)}:{json_text(item)}' for key, item in value.items())}}}"
    return json.dumps(value)


def sortable(value: object) -> Decimal | int | str:
    """A number or text in a form that Python orders as `order` does."""
    return exact(value) if isinstance(value, float) else value  # type: ignore[return-value]  # kinds are checked


def number_of(text: str) -> Number | None:
    """The number that a text writes as JSON does; None where it is none."""
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_no_number) if text[-1:].isdigit() else None
    except ValueError:
        return None
    if text[:1].isspace() or isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return value


def _no_number(name: str) -> None:
    raise ValueError(name)
