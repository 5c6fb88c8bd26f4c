"""PostgreSQL's results as JSON, by the server's own types: nothing is rounded, guessed or cut.

numeric is plain text, timestamptz is in UTC with Z, interval an ISO 8601 duration, bytea {"base64": "…"}; json
and jsonb are parsed; float4 has the digits that PostgreSQL shows. What JSON cannot say (NaN, infinity, years
beyond 1 to 9999, integers beyond 64 bits) is an error that names the column. Composites, ranges, geometry and
a few rare types come out as text, with a cast in the SQL: `position::text`.
"""

import base64
import json
import json.scanner
import math
import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NoReturn

from pydantic import JsonValue

from omnibase_infra.transports.postgres.parameters import (
    EPOCH,
    EPOCH_DAY,
    INT32_MAX,
    INT64,
    NEEDS_CAST,
    SINGLE_MAX,
    MisfitError,
)

Decode = Callable[[object], JsonValue]

_MICROSECOND: Final = timedelta(microseconds=1)
_DAY_US: Final = 86_400_000_000
_TIME_INFINITE: Final = (INT64 - 1, -INT64)
_DATE_INFINITE: Final = (INT32_MAX, -(2**31))
_TOO_DEEP: Final = "its JSON is nested too deep"


def _as_number(value: object) -> float:
    assert isinstance(value, float)
    if not math.isfinite(value):
        raise MisfitError("it holds NaN or infinity, which JSON cannot say")
    return value


def _as_single(value: object) -> float:
    wide = _as_number(value)
    packed = struct.pack(">f", wide)
    for digits in (6, 7, 8):
        short = float(f"{wide:.{digits}g}")
        if abs(short) <= SINGLE_MAX and struct.pack(">f", short) == packed:
            return short
    return float(f"{wide:.9g}")


def _as_numeric(value: object) -> str:
    text = str(value)
    if text[-1] in "Ny":
        raise MisfitError("it holds NaN or infinity, which JSON cannot say")
    return text


def _as_integer(value: object) -> int:
    assert isinstance(value, int)
    if not -INT64 <= value < INT64:
        raise MisfitError("it holds an integer beyond 64 bits")
    return value


def _as_day(value: object) -> str:
    (days,) = _counts(value)
    if days in _DATE_INFINITE:
        _endless()
    try:
        return date.fromordinal(EPOCH_DAY + days).isoformat()
    except (ValueError, OverflowError):
        _beyond_years()


def _as_time(value: object) -> str:
    (micros,) = _counts(value)
    if micros >= _DAY_US:
        raise MisfitError("it holds the time 24:00:00")
    return (EPOCH + timedelta(microseconds=micros)).time().isoformat()


def _as_timestamp(value: object) -> str:
    (micros,) = _counts(value)
    try:
        return (EPOCH + _MICROSECOND * micros).isoformat()
    except OverflowError:
        if micros in _TIME_INFINITE:
            _endless()
        _beyond_years()


def _as_timestamp_tz(value: object) -> str:
    return _as_timestamp(value) + "Z"


def _as_interval(value: object) -> str:
    months, days, micros = _counts(value)
    if abs(months) >= INT32_MAX and abs(days) >= INT32_MAX:
        _endless()
    years, months = _split(months, 12)
    minutes, micros = _split(micros, 60_000_000)
    hours, minutes = _split(minutes, 60)
    seconds = f"{'-' if micros < 0 else ''}{abs(micros) // 1_000_000}.{abs(micros) % 1_000_000:06}"
    day = "".join(f"{count}{unit}" for count, unit in ((years, "Y"), (months, "M"), (days, "D")) if count)
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count)
    clock += f"{seconds.rstrip('0').rstrip('.')}S" if micros else ""
    return f"P{day}T{clock}" if clock else f"P{day}" if day else "PT0S"


def _split(amount: int, unit: int) -> tuple[int, int]:
    whole, rest = divmod(abs(amount), unit)
    return (-whole, -rest) if amount < 0 else (whole, rest)


def _counts(value: object) -> tuple[int, ...]:
    assert isinstance(value, tuple)
    return value


def _endless() -> NoReturn:
    raise MisfitError("it holds infinity, which JSON cannot say")


def _beyond_years() -> NoReturn:
    raise MisfitError("it holds a date beyond the years 1 to 9999")


def _as_bytes(value: object) -> JsonValue:
    assert isinstance(value, bytes)
    return {"base64": base64.b64encode(value).decode()}


def _number_token(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MisfitError("its JSON holds a number beyond a double")
    return number


def _integer_token(text: str) -> int | float:
    """jsonb shows the double 1e300 as an integer: one that is a double's shortest form is that double."""
    if len(text) <= 20 and -INT64 <= int(text) < INT64:
        return int(text)
    number = _number_token(text)
    if Decimal(repr(number)) != Decimal(text):
        raise MisfitError("its JSON holds an integer beyond 64 bits")
    return number


def _unique(pairs: Iterable[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    listed = list(pairs)
    unique = dict(listed)
    if len(unique) != len(listed):
        raise MisfitError("its JSON holds a key twice; jsonb would keep the last")
    return unique


_JSONB = json.JSONDecoder(parse_float=_number_token, parse_int=_integer_token)
_scan: Final[Callable[[str, int], tuple[JsonValue, int]]] = json.scanner.make_scanner(_JSONB)  # type: ignore[arg-type]  # the stub has the parameter's type wrong
_JSON = json.JSONDecoder(parse_float=_number_token, parse_int=_integer_token, object_pairs_hook=_unique)


def _as_jsonb(value: object) -> JsonValue:
    assert isinstance(value, str)
    try:
        parsed: JsonValue = _scan(value, 0)[0]
    except RecursionError:
        raise MisfitError(_TOO_DEEP) from None
    return parsed


def _as_json(value: object) -> JsonValue:
    assert isinstance(value, str)
    try:
        parsed: JsonValue = _JSON.decode(value)
    except RecursionError:
        raise MisfitError(_TOO_DEEP) from None
    if "\\u" in value:
        try:
            json.dumps(parsed, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise MisfitError("its JSON holds a lone surrogate") from None
    return parsed


def _as_whatever(value: object) -> JsonValue:
    """A type of a schema's own: what the driver makes of it decides."""
    if isinstance(value, str | bool):
        return value
    for kind, decode in _BY_CLASS:
        if isinstance(value, kind):
            return decode(value)
    raise MisfitError("its type has no JSON form")


_BY_CLASS: Final[tuple[tuple[type, Decode], ...]] = (
    (int, _as_integer),
    (float, _as_number),
    (bytes, _as_bytes),
)

_DECODERS: Final[Mapping[str, Decode | None]] = {
    **dict.fromkeys(("bool", "int2", "int4", "int8", "oid", "xid", "cid"), None),
    **dict.fromkeys(
        ("text", "uuid", "varchar", "bpchar", "name", "char", "money", "xml", "macaddr", "void"), None
    ),
    "xid8": _as_integer,
    "float4": _as_single,
    "float8": _as_number,
    "numeric": _as_numeric,
    **dict.fromkeys(("inet", "cidr"), str),
    "date": _as_day,
    "time": _as_time,
    "timestamp": _as_timestamp,
    "timestamptz": _as_timestamp_tz,
    "interval": _as_interval,
    "bytea": _as_bytes,
    "json": _as_json,
    "jsonb": _as_jsonb,
}


def decoder(name: str, kind: str, schema: str) -> Decode | None:
    """What turns a result of the type into JSON; None where it is JSON already.

    Raises MisfitError where only text with a cast comes out.
    """
    if kind == "array":
        element = decoder(name.removesuffix("[]"), "scalar", schema)
        return None if element is None else _each(element)
    if kind != "scalar" or (schema == "pg_catalog" and name in NEEDS_CAST):
        raise MisfitError("its type has no JSON form")
    return _DECODERS.get(name, _as_whatever) if schema == "pg_catalog" else _as_whatever


def _each(element: Decode) -> Decode:
    def decode(value: object) -> JsonValue:
        assert isinstance(value, list)
        return [
            None if part is None else decode(part) if isinstance(part, list) else element(part) for part in value
        ]

    return decode
