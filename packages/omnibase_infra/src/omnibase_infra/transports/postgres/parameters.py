"""JSON to PostgreSQL's parameters, by the server's own types: nothing is rounded, guessed or cut.

An integer stays in its type's range and is no boolean; numeric takes text or an integer, since a
JSON float has no exact decimal; uuid, date, time, timestamp and timestamptz take their ISO form as text
(timestamptz with an offset, timestamp without), interval an ISO 8601 duration; bytea takes {"base64": "…"};
json and jsonb take any JSON, where null is SQL's NULL; an array takes a list, nested for more dimensions.
Composites, ranges, geometry and a few rare types go in as text, with a cast in the SQL: `$1::text::point`.
"""

import base64
import binascii
import ipaddress
import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, NoReturn, TypeVar

from pydantic import JsonValue

Encode = Callable[[JsonValue], object]

EPOCH: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - PostgreSQL's own epoch, in UTC by definition
EPOCH_DAY: Final = EPOCH.date().toordinal()
INT64: Final = 2**63
INT32_MAX: Final = 2**31 - 1
SINGLE_MAX: Final = 3.4028235e38
NEEDS_CAST: Final = frozenset(
    (
        *("record", "point", "box", "path", "polygon", "line", "lseg", "circle"),
        *("bit", "varbit", "timetz", "tid", "txid_snapshot", "pg_snapshot"),
    )
)
"""Scalar types of pg_catalog that go in and out as text only."""

_MICROSECOND: Final = timedelta(microseconds=1)
_DIGITS: Final = 1000

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIME: Final = re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,6})?")
_TIMESTAMP: Final = re.compile(_DATE.pattern + "T" + _TIME.pattern)
_TIMESTAMP_TZ: Final = re.compile(_TIMESTAMP.pattern + r"(?:Z|[+-]\d\d:\d\d)")
_NUMERIC: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_WHOLE: Final = r"([+-]?\d{1,18})"
_INTERVAL: Final = re.compile(
    rf"(?P<sign>[+-]?)P(?=[\dT+-])(?:{_WHOLE}Y)?(?:{_WHOLE}M)?(?:{_WHOLE}W)?(?:{_WHOLE}D)?"
    rf"(?:T(?=[\d+-])(?:{_WHOLE}H)?(?:{_WHOLE}M)?(?:([+-]?)(\d{{1,18}})(?:\.(\d{{1,6}}))?S)?)?",
    re.ASCII,
)

T = TypeVar("T")


class MisfitError(ValueError):
    """A value that does not fit; the text says what is needed or wrong, and never holds the value."""


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise MisfitError("text is needed")
    if "\x00" in value:
        raise MisfitError("text without the character NUL is needed")
    return _encodable(value)


def _encodable(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise MisfitError("valid Unicode is needed, without lone surrogates") from None
    return text


def _matched(value: JsonValue, pattern: re.Pattern[str], needed: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise MisfitError(f"{needed} is needed, as text")
    return value


def _boolean(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise MisfitError("true or false is needed")
    return value


def _integer(low: int, high: int) -> Encode:
    def encode(value: JsonValue) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise MisfitError(f"an integer from {low} to {high} is needed")
        return value

    return encode


def _float(limit: float) -> Encode:
    def encode(value: JsonValue) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise MisfitError("a number is needed")
        if not abs(value) <= limit:
            raise MisfitError("a finite number in the type's range is needed")
        if float(value) != value:
            raise MisfitError("a number that a double can hold is needed; use numeric for more digits")
        return float(value)

    return encode


def _numeric(value: JsonValue) -> str:
    if isinstance(value, float):
        raise MisfitError("a decimal as text is needed: a JSON number with a fraction has no exact value")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = _matched(value, _NUMERIC, "a decimal, or an integer,")
    number = Decimal(text)
    if len(number.as_tuple().digits) > _DIGITS or abs(number.adjusted()) > _DIGITS:
        raise MisfitError(f"a decimal of at most {_DIGITS} digits is needed")
    return text


def _uuid(value: JsonValue) -> str:
    if isinstance(value, str) and _UUID.fullmatch(value):
        return value
    raise MisfitError("a UUID with dashes is needed, as text")


def _day(value: JsonValue) -> tuple[int]:
    text = _matched(value, _DATE, "a date YYYY-MM-DD")
    return (_iso(date.fromisoformat, text).toordinal() - EPOCH_DAY,)


def _time(value: JsonValue) -> tuple[int]:
    text = _matched(value, _TIME, "a time hh:mm:ss")
    at = _iso(time.fromisoformat, text)
    return (((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond,)


def _timestamp(value: JsonValue) -> tuple[int]:
    text = _matched(value, _TIMESTAMP, "a timestamp YYYY-MM-DDThh:mm:ss without offset")
    return ((_iso(datetime.fromisoformat, text) - EPOCH) // _MICROSECOND,)


def _timestamp_tz(value: JsonValue) -> tuple[int]:
    text = _matched(value, _TIMESTAMP_TZ, "an RFC 3339 timestamp with Z or an offset")
    at = _iso(datetime.fromisoformat, text)
    offset = at.utcoffset() or timedelta()
    return ((at.replace(tzinfo=None) - EPOCH - offset) // _MICROSECOND,)


def _iso(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError:
        raise MisfitError("a date and time that exist are needed") from None


def _interval(value: JsonValue) -> tuple[int, int, int]:
    text = _matched(value, _INTERVAL, "an ISO 8601 duration such as P1DT2H30M")
    match = _INTERVAL.fullmatch(text)
    assert match is not None
    sign, *whole, second_sign, seconds, fraction = match.groups()
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in whole)
    micros = int(seconds or 0) * 1_000_000 + int((fraction or "").ljust(6, "0"))
    span = (
        years * 12 + months,
        weeks * 7 + days,
        (hours * 60 + minutes) * 60_000_000 + (-micros if second_sign == "-" else micros),
    )
    if sign == "-":
        span = (-span[0], -span[1], -span[2])
    if abs(span[0]) >= INT32_MAX or abs(span[1]) >= INT32_MAX or abs(span[2]) >= INT64 - 1:
        raise MisfitError("a duration in PostgreSQL's range is needed")
    return span


def _bytes(value: JsonValue) -> bytes:
    inner = value.get("base64") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(inner, str):
        raise MisfitError('bytes are needed, as {"base64": "…"}')
    try:
        return base64.b64decode(inner, validate=True)
    except (binascii.Error, ValueError):
        raise MisfitError('valid base64 is needed in {"base64": "…"}') from None


def _json(value: JsonValue) -> str:
    try:
        return _encodable(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except MisfitError:
        raise
    except (ValueError, RecursionError):
        raise MisfitError("JSON is needed, of finite numbers and bounded depth") from None


def _address(value: JsonValue) -> str:
    try:
        return str(ipaddress.ip_interface(_text(value)))
    except ValueError:
        raise MisfitError("an IP address is needed, as text") from None


def _network(value: JsonValue) -> str:
    try:
        return str(ipaddress.ip_network(_text(value)))
    except ValueError:
        raise MisfitError("an IP network such as 10.0.0.0/8 is needed, as text") from None


def _listed(element: Encode, *, nested: bool) -> Encode:
    def encode(value: JsonValue) -> list[object]:
        if not isinstance(value, list):
            raise MisfitError("a list is needed")
        return [
            None if part is None else encode(part) if nested and isinstance(part, list) else element(part)
            for part in value
        ]

    return encode


def _only_with_cast(value: JsonValue) -> NoReturn:
    raise MisfitError("it is taken as text with a cast in the SQL: $n::text::type")


_ENCODERS: Final[Mapping[str, Encode]] = {
    "bool": _boolean,
    "int2": _integer(-(2**15), 2**15 - 1),
    "int4": _integer(-(2**31), INT32_MAX),
    "int8": _integer(-INT64, INT64 - 1),
    **dict.fromkeys(("oid", "xid", "cid"), _integer(0, 2**32 - 1)),
    "xid8": _integer(0, INT64 - 1),
    "float4": _float(SINGLE_MAX),
    "float8": _float(sys.float_info.max),
    "numeric": _numeric,
    "uuid": _uuid,
    "date": _day,
    "time": _time,
    "timestamp": _timestamp,
    "timestamptz": _timestamp_tz,
    "interval": _interval,
    "bytea": _bytes,
    "json": _json,
    "jsonb": _json,
    "inet": _address,
    "cidr": _network,
}


def encoder(name: str, kind: str, schema: str) -> Encode:
    """What turns JSON into a parameter of the type, or raises MisfitError.

    `name`, `kind` and `schema` are the driver's description of the type: `int4[]`, `array`, `pg_catalog`.
    Types of a schema's own (enums, domains over arrays) take text, which the server checks.
    """
    if kind == "array":
        element = encoder(name.removesuffix("[]"), "scalar", schema)
        return _listed(element, nested=element is not _json)
    if kind != "scalar" or (schema == "pg_catalog" and name in NEEDS_CAST):
        return _only_with_cast
    return _ENCODERS.get(name, _text) if schema == "pg_catalog" else _text
