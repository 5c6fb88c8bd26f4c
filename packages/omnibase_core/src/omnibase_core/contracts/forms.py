"""The scalar types of FORMATS 4 as functions, wire form to value and back.

Each raises MisfitError with a sentence that names what is wanted, and never the value.
"""

from datetime import date
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

from omnibase_core.errors import shown
from omnibase_core.patterns import deferred

if TYPE_CHECKING:
    from pydantic import JsonValue

MAX_DECIMAL_DIGITS: Final = 1_000
MAX_DEPTH: Final = 32
FIELD_DEPTH: Final = 3  # the envelope is the first level, its payload the second
INT_LIMIT: Final = 2**63
_INT_LOWEST: Final = -INT_LIMIT

UUID_FORM: Final = "^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_UUID: Final = deferred(UUID_FORM[:-1] + r"\Z")
_DATE: Final = deferred(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME: Final = deferred(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?P<time>(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])"
    r"(?P<fraction>\.[0-9]{1,9})?(?P<zone>Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_DECIMAL: Final = deferred(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,4})?")
_LONGEST_DECIMAL: Final = MAX_DECIMAL_DIGITS + 10


class MisfitError(ValueError):
    """A value that does not fit its type: what is wanted, and where below the value (`[2].price`)."""

    def __init__(self, sentence: str, path: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.path = path


def kind(value: object) -> str:
    """What JSON calls a value."""
    for names, name in _KINDS:
        if isinstance(value, names):
            return name
    return "a value that JSON lacks"


_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (type(None), "null"),
    (bool, "a boolean"),
    (int, "an integer"),
    ((float, Decimal), "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "an object"),
)


def misfit(wanted: str, value: object) -> MisfitError:
    """The refusal of a value that is of another type than the one wanted."""
    return MisfitError(f"must be {wanted}, not {kind(value)}")


def string(value: object) -> str:
    """A text of valid Unicode."""
    if not isinstance(value, str):
        raise misfit("a string", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise MisfitError("must be text of valid Unicode, not hold a lone surrogate") from None
    return value


def boolean(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise misfit("a boolean", value)
    return value


def integer(value: object) -> int:
    """An integer of 64 bits; 1.0 is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise misfit("an integer", value)
    if not -INT_LIMIT <= value < INT_LIMIT:
        raise MisfitError("must be an integer of 64 bits, and is beyond that")
    return value


def integer_out(value: object) -> int:
    """An integer, also one that an exact calculation left as a Decimal."""
    if isinstance(value, Decimal):
        if not value.is_finite() or value.adjusted() > 18 or value != value.to_integral_value():
            raise MisfitError("must be an integer of 64 bits, and has a fraction or is beyond that")
        value = int(value)
    return integer(value)


def number(value: object) -> Decimal:
    """A JSON number as the Decimal of its shortest form; only an integer has exponent 0, so that it stays one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise misfit("a number", value)
    if isinstance(value, int):
        return Decimal(integer(value))
    if not isfinite(value):
        raise MisfitError("must be a finite number")
    shortest = Decimal(repr(float(value)))
    return Decimal(f"{shortest:f}.0") if shortest.as_tuple().exponent == 0 else shortest


def number_out(value: object) -> int | float:
    """An integer of 64 bits as it is written, anything else as the nearest double."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise misfit("a number", value)
    if (
        isinstance(value, Decimal)
        and value.is_finite()
        and value.as_tuple().exponent == 0
        and value.adjusted() < 20
    ):
        value = int(value) if value or not value.is_signed() else -0.0
    if isinstance(value, int) and -INT_LIMIT <= value < INT_LIMIT:
        return value
    try:
        nearest = float(value)
    except (OverflowError, ValueError):
        nearest = float("nan")
    if not isfinite(nearest):
        raise MisfitError("must be a number within the range of a double")
    return nearest


def decimal(value: object) -> Decimal:
    """An exact decimal from its text or an integer; a JSON float is refused, it has lost digits already."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(integer(value))
    if not isinstance(value, str):
        raise misfit('a decimal as text, such as "19.90", or an integer', value)
    if len(value) > _LONGEST_DECIMAL:
        raise _too_many_digits()
    if _DECIMAL.fullmatch(value) is None:
        raise MisfitError('must be a decimal such as "19.90"')
    is_written_out = len(value) <= MAX_DECIMAL_DIGITS and "e" not in value and "E" not in value
    return Decimal(value) if is_written_out else _held(Decimal(value))


def decimal_out(value: object) -> str:
    """A decimal as plain text: no exponent, no plus sign, no negative zero, trailing zeros kept."""
    exact = _held(value) if isinstance(value, Decimal) else decimal(value)
    return format(exact if exact else exact.copy_abs(), "f")


def _held(value: Decimal) -> Decimal:
    """The decimal, if it has at most MAX_DECIMAL_DIGITS digits when written out without an exponent."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise MisfitError("must be a finite decimal")
    if max(value.adjusted() + 1, 1) + max(-exponent, 0) > MAX_DECIMAL_DIGITS:
        raise _too_many_digits()
    return value


def _too_many_digits() -> MisfitError:
    return MisfitError(f"must have at most {MAX_DECIMAL_DIGITS} digits when written out")


def uuid(value: object) -> str:
    """A UUID of RFC 9562 with dashes, in lower case."""
    if not isinstance(value, str) or _UUID.match(value) is None:
        raise MisfitError("must be a UUID with dashes, such as 0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a")
    return value.lower()


def day(value: object) -> str:
    """A date of the calendar as YYYY-MM-DD."""
    if not isinstance(value, str) or _DATE.fullmatch(value) is None or not _in_calendar(value):
        raise MisfitError("must be a date of the calendar, written YYYY-MM-DD")
    return value


def moment(value: object) -> str:
    """A point in time of RFC 3339 with its offset, in one spelling: `Z` for no offset, the shortest fraction."""
    match = _DATETIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or not _in_calendar(match["date"]):
        raise MisfitError("must be a time with its offset (RFC 3339), such as 2026-01-31T12:00:00Z")
    fraction = (match["fraction"] or "").rstrip("0").rstrip(".")
    zone = "Z" if match["zone"][1:] == "00:00" else match["zone"]
    return f"{match['date']}T{match['time']}{fraction}{zone}"


def _in_calendar(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def json_out(value: object, depth: int = FIELD_DEPTH) -> "JsonValue":
    """A value of type `any` as JSON. A Decimal becomes a JSON number where that loses nothing."""
    if value is None or isinstance(value, bool) or is_plain_json(value, depth):
        return value
    if isinstance(value, str):
        return string(value)
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, float | Decimal):
        return _exact_number(value)
    if depth > MAX_DEPTH:
        raise MisfitError(f"must not be nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return _object_out(value, depth)
    if isinstance(value, list):
        return _list_out(value, depth)
    raise MisfitError("must be a JSON value: null, a boolean, number, string, list or object")


def object_out(value: object) -> "dict[str, JsonValue]":
    """A value of type `object` as JSON."""
    if not isinstance(value, dict):
        raise misfit("an object", value)
    return cast("dict[str, JsonValue]", value) if is_plain_json(value) else _object_out(value, FIELD_DEPTH)


def is_plain_json(value: object, depth: int = FIELD_DEPTH) -> "TypeGuard[JsonValue]":
    """Whether an object or list is JSON as it stands, as most are; what this doubts is looked at in detail."""
    if type(value) is not dict and type(value) is not list:
        return False
    texts: list[str] = []
    if not _gather(value, depth, texts):
        return False
    try:
        together = "".join(texts)
        return together.isascii() or bool(together.encode())
    except (TypeError, UnicodeEncodeError):
        return False


def _gather(value: Any, depth: int, texts: list[str]) -> bool:
    """One walk; adds every text to `texts`, keys unseen, and says whether the rest is JSON."""
    if depth > MAX_DEPTH:
        return False
    if type(value) is dict:
        texts.extend(value)
        value = value.values()
    for item in value:
        kind = type(item)
        if kind is str:
            texts.append(item)
        elif kind is dict or kind is list:
            if not _gather(item, depth + 1, texts):
                return False
        elif not (
            (kind is int and _INT_LOWEST <= item < INT_LIMIT)
            or (kind is float and item - item == 0.0)
            or item is None
            or kind is bool
        ):
            return False
    return True


def _exact_number(value: float | Decimal) -> int | float:
    nearest = number_out(value)
    if isinstance(value, Decimal) and Decimal(repr(nearest)) != value:
        raise MisfitError("must be rounded first, or be a field of type decimal: a JSON number would lose digits")
    return nearest


def _object_out(value: dict[object, object], depth: int) -> "dict[str, JsonValue]":
    out: dict[str, JsonValue] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise MisfitError("must have texts as keys only")
        try:
            out[string(key)] = json_out(item, depth + 1)
        except MisfitError as error:
            raise MisfitError(error.sentence, f".{shown(key)}{error.path}") from None
    return out


def _list_out(value: list[object], depth: int) -> "list[JsonValue]":
    out: list[JsonValue] = []
    for index, item in enumerate(value):
        try:
            out.append(json_out(item, depth + 1))
        except MisfitError as error:
            raise MisfitError(error.sentence, f"[{index}]{error.path}") from None
    return out
