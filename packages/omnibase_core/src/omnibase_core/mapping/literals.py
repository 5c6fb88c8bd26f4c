"""The quoted parts of expressions, and the literals among them: strict JSON, with exact numbers."""

import json
import re
from decimal import Decimal
from typing import Any, Final, NoReturn

from omnibase_core.errors import shown
from omnibase_core.mapping.exact import MAX_DIGITS, is_held
from omnibase_core.mapping.faults import ExpressionError

_OPENING: Final = re.compile(r"['\"`]")
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`", re.DOTALL)
SURROGATE: Final = re.compile("[\ud800-\udfff]")


def quote_end(text: str, start: int) -> int:
    """The end of the quoted part that starts there. Raises ExpressionError where it is never closed."""
    match = _QUOTED.match(text, start)
    if match is None:
        raise ExpressionError(start, f"The {text[start]} is never closed", f"Add the closing {text[start]}")
    return match.end()


def literals_of(text: str) -> dict[int, Any]:
    """The values of the literals in backticks by position: strict JSON, with exact numbers."""
    found: dict[int, Any] = {}
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        start, at = opening.start(), quote_end(text, opening.start())
        if text[start] == "`":
            found[start] = _json(text[start + 1 : at - 1].replace("\\`", "`"), start)
    return found


def _json(text: str, at: int) -> Any:
    reader = _LiteralReader(at)
    try:
        value = json.loads(
            text,
            object_pairs_hook=reader.pairs,
            parse_constant=reader.constant,
            parse_int=reader.whole,
            parse_float=reader.fraction,
        )
        shown_again = json.dumps(value, default=str, ensure_ascii=False)
    except ExpressionError:
        raise
    except (ValueError, RecursionError):
        example = "'…' is text" if text.strip().isidentifier() else 'for example `1`, `true` or `{"a": 1}`'
        hint = f"Backticks hold JSON: {example}"
        raise ExpressionError(at, "What stands in backticks is no JSON", hint) from None
    if SURROGATE.search(shown_again):
        raise ExpressionError(at, "A lone surrogate in a literal", "It stands for no character: remove it")
    return value


class _LiteralReader:
    """Reads JSON as JSON is, each key once, numbers with all their digits."""

    def __init__(self, at: int) -> None:
        self._at = at

    def pairs(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in items:
            if key in found:
                raise ExpressionError(
                    self._at, f"Duplicate key '{shown(key)}' in a literal", "Remove one of the two"
                )
            found[key] = value
        return found

    def constant(self, name: str) -> NoReturn:
        raise ExpressionError(self._at, f"{name} is no JSON", "Numbers are those of JSON")

    def whole(self, digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            _refuse_number(self._at)
        return int(digits)

    def fraction(self, digits: str) -> Decimal:
        value = Decimal(digits)
        if not is_held(value):
            _refuse_number(self._at)
        return value


def _refuse_number(at: int) -> NoReturn:
    raise ExpressionError(at, f"A number of more than {MAX_DIGITS} digits", "Write a shorter one")
