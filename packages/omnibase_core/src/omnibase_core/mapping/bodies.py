"""What the functions do, once their arguments are known to fit."""

from collections.abc import Callable
from decimal import Decimal
from functools import cmp_to_key
from typing import Final

from omnibase_core.mapping import exact
from omnibase_core.mapping.exact import Number
from omnibase_core.mapping.faults import EvaluationError
from omnibase_core.mapping.values import equal, json_text, kind_of, number_of, order, said, sortable

Expression = Callable[[object], object]


def contains(subject: object, searched: object) -> bool:
    if isinstance(subject, str):
        if not isinstance(searched, str):
            raise EvaluationError(f"argument 2 must be a text where argument 1 is, not {said(kind_of(searched))}")
        return searched in subject
    assert isinstance(subject, list)
    return any(equal(item, searched) for item in subject)


def _keyed(items: list[object], key: Expression) -> list[tuple[object, object]]:
    keyed = [(key(item), item) for item in items]
    for index, (value, _) in enumerate(keyed):
        if kind_of(value) not in ("number", "string"):
            raise EvaluationError(
                f"argument 2 must give numbers or texts, but for item {index} it gives {said(kind_of(value))}"
            )
    return keyed


_BY_ORDER: Final = cmp_to_key(order)


def sort(items: list[object]) -> list[object]:
    return sorted(items, key=sortable)


def sort_by(items: list[object], key: Expression) -> list[object]:
    return [item for _, item in sorted(_keyed(items, key), key=lambda pair: _BY_ORDER(pair[0]))]


def max_by(items: list[object], key: Expression) -> object:
    return max(_keyed(items, key), key=lambda pair: _BY_ORDER(pair[0]), default=(None, None))[1]


def min_by(items: list[object], key: Expression) -> object:
    return min(_keyed(items, key), key=lambda pair: _BY_ORDER(pair[0]), default=(None, None))[1]


def map_each(expression: Expression, items: list[object]) -> list[object]:
    return [expression(item) for item in items]


def merge(*objects: dict[str, object]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for each in objects:
        merged.update(each)
    return merged


def to_string(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)


def to_number(value: object) -> Number | None:
    if isinstance(value, str):
        number = number_of(value)
        return number if number is None or _fits_json(number) else None
    return value if kind_of(value) == "number" else None  # type: ignore[return-value]  # it is a number


def _fits_json(number: Number) -> bool:
    try:
        exact.nearest_double(number)
    except EvaluationError:
        return False
    return exact.is_held(exact.exact(number))


def to_decimal(value: object) -> Decimal:
    number = number_of(value) if isinstance(value, str) else value
    if number is None:
        raise EvaluationError("argument 1 must be written as a number, such as '19.90'")
    held = exact.exact(number)  # type: ignore[arg-type]  # kinds are checked
    if not exact.is_held(held):
        raise EvaluationError(f"argument 1 has more than {exact.MAX_DIGITS} digits")
    return held


def to_json_number(value: object) -> Number:
    return exact.nearest_double(to_decimal(value) if isinstance(value, str) else value)  # type: ignore[arg-type]  # kinds are checked


def type_name(value: object) -> str:
    kind = kind_of(value)
    return "array" if kind == "list" else kind


def backwards(value: str | list[object]) -> str | list[object]:
    return value[::-1]


def largest(items: list[object]) -> object:
    return max(items, key=sortable, default=None)


def smallest(items: list[object]) -> object:
    return min(items, key=sortable, default=None)


def not_null(*values: object) -> object:
    return next((value for value in values if value is not None), None)
