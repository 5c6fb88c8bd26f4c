"""Good envelopes, and deterministic damage to them: what a hostile or careless producer may send."""

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

CANARY: Final = "canary7f3a"
"""Stands in every value of the good envelopes, and in no key: no refusal may hold it."""

_ID: Final = "0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a"
_REQUEST: Final[dict[str, Any]] = {
    "envelope_id": _ID,
    "target_node": "user_service_effect",
    "timestamp": "2026-01-31T12:00:00Z",
}
_RESPONSE: Final = {**_REQUEST, "is_response": True, "success": True, "causation_id": _ID}
_ERROR: Final = {"code": "HANDLER_TIMEOUT", "message": CANARY, "retryable": True}


def nested(depth: int, innermost: object = None, *, in_lists: bool = True) -> object:
    """Containers in containers, `depth` of them, the last one holding `innermost` or nothing."""
    value: object = [] if in_lists else {}
    if innermost is not None:
        value = [innermost] if in_lists else {"a": innermost}
    for _ in range(depth - 1):
        value = [value] if in_lists else {"a": value}
    return value


def _text(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


GOOD: Final[tuple[bytes, ...]] = (
    _text(_REQUEST),
    _text({**_REQUEST, "payload": {"a": CANARY, "b": {"a": 1, "b": 0.1}}, "ttl_seconds": 30}),
    _text({**_REQUEST, "payload": {"n": [0, -1, 1.5, 1e-7, 2**63 - 1, -(2**63), 1e308]}, "operation": "http.get"}),
    json.dumps(
        {**_REQUEST, "payload": {"é": "😀 " + CANARY, "": '":', '":"': "\\"}, "metadata": {"\x00": None}},
        ensure_ascii=False,
    ).encode(),
    _text({**_REQUEST, "correlation_id": _ID, "metadata": {"trace": {"span": [CANARY, True, False, None]}}}),
    json.dumps({**_REQUEST, "source_node": CANARY, "payload": {}, "metadata": {"a": 1}}, indent=1).encode(),
    _text({**_REQUEST, "payload": {"a": nested(30)}}),
    _text({**_REQUEST, "metadata": {"a": nested(29, CANARY, in_lists=False)}}),
    _text(
        {**_RESPONSE, "payload": {"rows": [{"a": 1, "b": CANARY}, {"a": 2, "b": CANARY}]}, "handler_type": "db"}
    ),
    _text({**_RESPONSE, "success": False, "error": {**_ERROR, "details": {"effect": CANARY}, "operation": "x"}}),
    _text({**_RESPONSE, "success": False, "error": _ERROR, "target_node": None, "payload": None}),
    _text(
        {
            **dict.fromkeys(("correlation_id", "payload", "metadata", "ttl_seconds", "is_response", "success")),
            **_REQUEST,
            "envelope_version": None,
            "error": None,
        }
    ),
)

UUID_FORMS: Final = (
    _ID.upper(),
    _ID.replace("-", ""),
    "{" + _ID + "}",
    "urn:uuid:" + _ID,
    " " + _ID,
    _ID + "\\n",
    _ID[:-1],
    _ID.replace("0", "g", 1),
    _ID.replace("-", "_"),
    "0e8b3c1a5-d2f-4b7e-9c6a-1f2e3d4c5b6a",
)
TIMESTAMP_FORMS: Final = (
    "2026-01-31T12:00:00+00:00",
    "2026-01-31T12:00:00.1Z",
    "2026-01-31T12:00:00.123456-23:59",
    "2026-01-31T12:00:00-00:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "0000-01-01T00:00:00Z",
    "1700000000",
    "2026-01-31 12:00:00Z",
    "2026-01-31_12:00:00Z",
    "2026-01-31t12:00:00Z",
    "2026-01-31T12:00:00z",
    "2026-01-31T12:00Z",
    "2026-01-31T12:00:00",
    "2026-01-31T12:00:00,5Z",
    "2026-01-31T12:00:00.Z",
    "2026-01-31T12:00:00+0000",
    "2026-01-31T12:00:00+00",
    "2026-01-31T12:00:00+24:00",
    "2026-01-31T12:00:00+23:60",
    "2026-01-31T12:00:00.123456789Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:60:00Z",
    "2026-06-30T23:59:60Z",
    "2026-02-30T12:00:00Z",
    "2024-02-29T12:00:00Z",
    "2026-13-01T12:00:00Z",
    "2026-01-31",
    "2026-01-31T12:00:00Z ",
    "2026-01-31T12:00:00Z\\n",
    "\\u0662\\u0660\\u0662\\u0666-01-31T12:00:00Z",
)
NUMBERS: Final = (
    *("0", "1", "-1", "-0", "-0.0", "0.0", "1.0", "0.1e1", "10E-1", "1e0", "30", "1e-400", "1e308"),
    *("1.7976931348623157e308", "1.7976931348623159e308", "1e400", "-1e400", "1E+309"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("18446744073709551615", "18446744073709551616", "1e19", "9223372036854775808.0", "0.1"),
    *("19.90000000000000000001", "NaN", "Infinity", "-Infinity", "nan", "inf", "-NaN", "01", "+1"),
    *("1.", ".5", "1e", "0x10", "1_000", "--1"),
    *("9" * 4_301 + "e-4300", "1" + "0" * 5_000 + ".0E-5000", "1e" + "0" * 5_000 + "1", "0e999999999999"),
    *("9" * 5_000, "-" + "9" * 5_000, "1." + "0" * 5_000, "0." + "0" * 400 + "1"),
)
_TEXTS: Final = (
    *(f'"{form}"' for form in (*UUID_FORMS, *TIMESTAMP_FORMS)),
    *(
        rf'"{text}"'
        for text in (r"\ud800", r"\udc00\ud800", r"\ud83d\ude00", r"\u0000", r"\x", r"\u12", "", "\t", "\x7f")
    ),
    *(
        rf'"{text}"'
        for text in (r"\u0061", "a", "b", r"\u0022:", r"\":", '":', "1.0.0", "http", "kafka", "db", "HTTP")
    ),
    *(f'"{name}"' for name in ("payload", "metadata", "error", "details", r"p\u0061yload", "PAYLOAD", "unknown")),
    *(
        f'"{name}"'
        for name in ("success", "is_response", "code", "ttl_seconds", "source_node", "envelope_version")
    ),
)
_REST: Final = (
    *(
        "null",
        "true",
        "false",
        "True",
        "nil",
        "{}",
        "[]",
        "[[]]",
        '{"a":1,"a":2}',
        r'{"a":1,"\u0061":2}',
        '{"a" :1}',
    ),
    *(
        ",",
        ":",
        "{",
        "}",
        "[",
        "]",
        " ",
        "\t",
        "\r\n",
        "\x0b",
        "\u00a0",
        "\u2028",
        "/**/",
        '"',
        "\\",
        " : ",
        '":',
        "\ufeff",
    ),
    json.dumps(nested(28)),
    json.dumps(nested(31)),
    json.dumps(nested(33)),
    json.dumps(nested(31, 1, in_lists=False)),
)
TOKENS: Final = tuple(token.encode() for token in (*NUMBERS, *_TEXTS, *_REST))
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[a-z]+|[\[\]{}:,]')
_MEMBER: Final = re.compile(rb'"[^"]*": ?(?:"[^"]*"|[^",\[\]{}]+|\{\}|\[\])')

Damage = Callable[[bytes, random.Random], bytes]


def damaged(seed: int, count: int) -> Iterator[bytes]:
    """`count` envelopes, each with one to three damages; the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable sequence is the point
    for _ in range(count):
        raw = chance.choice(GOOD)
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            raw = chance.choice(_DAMAGES)(raw, chance)
        yield raw


def _cut(raw: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(raw) + 1)
    return start, min(len(raw), start + chance.choice((0, 1, 1, 2, 5, 20, 80)))


def _deleted(raw: bytes, chance: random.Random) -> bytes:
    start, end = _cut(raw, chance)
    return raw[:start] + raw[end:]


def _duplicated(raw: bytes, chance: random.Random) -> bytes:
    start, end = _cut(raw, chance)
    return raw[:end] + raw[start:end] + raw[end:]


def _byte_replaced(raw: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(raw) + 1)
    return raw[:start] + bytes([chance.randrange(256)]) + raw[start + 1 :]


def _token_inserted(raw: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(raw) + 1)
    return raw[:start] + chance.choice(TOKENS) + raw[start:]


def _token_replaced(raw: bytes, chance: random.Random) -> bytes:
    found = list(_TOKEN.finditer(raw))
    if not found:
        return chance.choice(TOKENS)
    place = chance.choice(found)
    return raw[: place.start()] + chance.choice(TOKENS) + raw[place.end() :]


def _value_replaced(raw: bytes, chance: random.Random) -> bytes:
    """One scalar by another: what is left is mostly JSON, often an envelope."""
    found = [
        place for place in _TOKEN.finditer(raw) if place[0] not in b"[]{}:," and raw[place.end() :][:1] != b":"
    ]
    if not found:
        return raw
    place = chance.choice(found)
    return raw[: place.start()] + chance.choice(TOKENS) + raw[place.end() :]


def _member_repeated(raw: bytes, chance: random.Random) -> bytes:
    found = list(_MEMBER.finditer(raw))
    if not found:
        return raw
    place, there = chance.choice(found), chance.choice(found)
    return raw[: there.start()] + place[0] + b", " + raw[there.start() :]


def _spaced(raw: bytes, chance: random.Random) -> bytes:
    place = chance.choice(list(_TOKEN.finditer(raw)) or [re.match(b"", raw)])
    assert place is not None
    space = b"".join(chance.choices((b" ", b"\n", b"\t", b"\r"), k=3))
    return raw[: place.start()] + space + raw[place.start() : place.end()] + space + raw[place.end() :]


def _reencoded(raw: bytes, chance: random.Random) -> bytes:
    return raw.decode("utf-8", "replace").encode(
        chance.choice(("utf-16", "utf-16-le", "utf-8-sig", "utf-32", "latin-1")), "replace"
    )


def _wrapped(raw: bytes, chance: random.Random) -> bytes:
    before, after = chance.choice(
        ((b"[", b"]"), (b"", b"}"), (b"", b" x"), (b"", b"\n"), (b" ", b""), (b"", b"\x00"), (b"", b"{}"))
    )
    return before + raw + after


_DAMAGES: Final[tuple[Damage, ...]] = (
    _deleted,
    _duplicated,
    _byte_replaced,
    _token_inserted,
    _token_replaced,
    *(_value_replaced,) * 4,
    *(_member_repeated,) * 2,
    *(_spaced,) * 2,
    _reencoded,
    _wrapped,
)
