"""JSON values of anything, for log lines: bounded in number, depth and length, and never failing.

Objects of a type unknown here are named by that type and never asked for their text, which may hold a secret.
"""

import math
import traceback
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import FrameType
from typing import TypeVar
from uuid import UUID

from omnibase_core.secret import Secret
from pydantic import JsonValue

_MOST_VALUES = 1_000
_MOST_FRAMES = 50
_MOST_EXCEPTIONS = 20
_DEEPEST = 16
_LONGEST = 16_384
_WIDEST_INTEGER_BITS = 1_024
_CUT = "…"

_Item = TypeVar("_Item")


def plain_fields(values: dict[str, object]) -> dict[str, JsonValue]:
    """The values as JSON has them."""
    return _Values().mapping(values, 0)


def plain_exception(error: BaseException) -> dict[str, JsonValue]:
    """Type, message and stack of an exception and of what caused it, each exception of the chain once."""
    return _exception(error, set())


def storable(text: str) -> str:
    """The text as UTF-8 can hold it, cut where it would burst a line collector."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + _CUT
    return cut.encode("utf-8", "backslashreplace").decode()


def _exception(error: BaseException, seen: set[int]) -> dict[str, JsonValue]:
    seen.add(id(error))
    kind = type(error)
    stack = [_place(frame, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    fields: dict[str, JsonValue] = {
        "type": kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        "message": _said(error),
        "stack": list[JsonValue](stack[-_MOST_FRAMES:]),
    }
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and _goes_on(cause, seen):
        fields["cause"] = _exception(cause, seen)
    if isinstance(error, BaseExceptionGroup):
        fields["exceptions"] = [_exception(one, seen) for one in error.exceptions if _goes_on(one, seen)]
    return fields


def _goes_on(error: BaseException, seen: set[int]) -> bool:
    return id(error) not in seen and len(seen) < _MOST_EXCEPTIONS


def _place(frame: FrameType, line: int) -> str:
    return f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}"


def _said(error: BaseException) -> str:
    """The exception's own words and notes; the standard library copes with one whose text cannot be had."""
    whole = "".join(traceback.format_exception_only(error)).strip()
    return storable(whole.partition(f"{type(error).__qualname__}: ")[2])


class _Values:
    """Makes JSON values of anything, of a bounded number of values and a bounded depth."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def mapping(self, values: dict[str, object] | dict[object, object], depth: int) -> dict[str, JsonValue]:
        return {_key(key): self.value(item, depth + 1) for key, item in self._bounded(values.items())}

    def value(self, value: object, depth: int) -> JsonValue:
        match value:
            case Enum():
                return self.value(value.value, depth + 1) if depth < _DEEPEST else _CUT
            case dict():
                return self.mapping(value, depth) if depth < _DEEPEST else _CUT
            case list() | tuple() | set() | frozenset():
                return [self.value(item, depth + 1) for item in self._bounded(value)] if depth < _DEEPEST else _CUT
            case _:
                return _scalar(value)

    def _bounded(self, items: Iterable[_Item]) -> Iterator[_Item]:
        for item in items:
            if self._left == 0:
                return
            self._left -= 1
            yield item


def _scalar(value: object) -> JsonValue:
    match value:
        case None | bool():
            return value
        case str():
            return storable(value)
        case int():
            bits = value.bit_length()
            return int(value) if bits <= _WIDEST_INTEGER_BITS else f"<integer of {bits} bits>"
        case float():
            return float(value) if math.isfinite(value) else str(float(value))
        case datetime() | date() | time():
            return value.isoformat()
        case UUID() | PurePath() | Decimal() | timedelta() | Secret():
            return storable(str(value))
        case BaseException():
            return f"{type(value).__qualname__}: {_said(value)}"
        case _:
            return f"<{type(value).__module__}.{type(value).__qualname__}>"


def _key(key: object) -> str:
    return key if type(key) is str and key.isascii() else str(_scalar(key))
