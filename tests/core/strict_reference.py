"""The envelope's format once more, slow and obvious: one explicit check per rule, and no pydantic."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, NoReturn
from uuid import UUID

MAX_DEPTH: Final = 32
HANDLER_TYPES: Final = ("local", "http", "db", "vault", "consul")
CODES: Final = (
    "HANDLER_EXECUTION_ERROR",
    "HANDLER_CONNECTION_ERROR",
    "HANDLER_AUTHENTICATION_ERROR",
    "HANDLER_TIMEOUT",
    "HANDLER_UNAVAILABLE",
    "HANDLER_NOT_FOUND",
    "POOL_EXHAUSTED",
    "INVALID_PARAMETER",
    "RATE_LIMITED",
    "NODE_NOT_FOUND",
    "INVALID_OPERATION",
    "ENVELOPE_VALIDATION_ERROR",
    "ENVELOPE_EXPIRED",
    "UNEXPECTED_RESULT",
    "MAPPING_ERROR",
    "PAYLOAD_TOO_LARGE",
    "CONTRACT_VALIDATION_ERROR",
    "EVENT_BUS_ERROR",
    "PROTOCOL_CONFIGURATION_ERROR",
    "SECRET_RESOLUTION_ERROR",
    "INTERNAL_ERROR",
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_TIMESTAMP: Final = re.compile(
    r"(?P<local>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?P<fraction>\.[0-9]{1,6})?"
    r"(?P<offset>Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)

Values = dict[str, Any]
Read = Callable[[object], object]


class RefusedError(Exception):
    """These bytes are no envelope; the first argument says which rule they break."""


class Field(NamedTuple):
    """How one field is read. A field that is not required may be absent or null, for its default."""

    read: Read
    required: bool = False
    default: Callable[[], object] = lambda: None


def read_envelope(raw: bytes) -> Values:
    """Every field of the envelope with its value, defaults put in. Raises RefusedError."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("UTF-8")
    try:
        tree = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_double
        )
    except (json.JSONDecodeError, RecursionError):
        _refuse("syntax")
    _check_depth(tree, 1)
    _check_texts(tree)
    values = _read_fields(tree, _ENVELOPE)
    _check_roles(values)
    return values


def _refuse(rule: str) -> NoReturn:
    raise RefusedError(rule)


def _object(pairs: list[tuple[str, Any]]) -> Values:
    made: Values = {}
    for key, value in pairs:
        if key in made:
            _refuse("duplicate key")
        made[key] = value
    return made


def _constant(name: str) -> NoReturn:
    _refuse(f"constant {name}")


def _integer(digits: str) -> int:
    if len(digits) > 20:
        _refuse("integer range")
    number = int(digits)
    if not -(2**63) <= number <= 2**63 - 1:
        _refuse("integer range")
    return number


def _double(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        _refuse("double range")
    return number


def _check_depth(value: object, depth: int) -> None:
    if not isinstance(value, dict | list):
        return
    if depth > MAX_DEPTH:
        _refuse("depth")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, depth + 1)


def _check_texts(value: object) -> None:
    if isinstance(value, str):
        if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
            _refuse("lone surrogate")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key)
            _check_texts(item)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)


def _read_fields(tree: object, fields: Mapping[str, Field]) -> Values:
    if not isinstance(tree, dict):
        _refuse("object")
    for name in tree:
        if name not in fields:
            _refuse("unknown field")
    values: Values = {}
    for name, field in fields.items():
        given = tree.get(name)
        if given is not None:
            values[name] = field.read(given)
        elif field.required:
            _refuse(f"required {name}")
        else:
            values[name] = field.default()
    return values


def _check_roles(values: Values) -> None:
    success, error = values["success"], values["error"]
    if not values["is_response"]:
        if values["target_node"] is None:
            _refuse("a request has a target_node")
        if success is not None or error is not None:
            _refuse("a request has no outcome")
        return
    if success is None:
        _refuse("a response has success")
    if success and error is not None:
        _refuse("a success has no error")
    if not success and error is None:
        _refuse("a failure has an error")
    if not success and values["payload"] is not None:
        _refuse("a failure has no payload")


def _text(value: object) -> str:
    if not isinstance(value, str):
        _refuse("text")
    return value


def _some_text(value: object) -> str:
    if not _text(value):
        _refuse("empty text")
    return _text(value)


def _one_of(*allowed: str) -> Read:
    def read(value: object) -> str:
        if _text(value) not in allowed:
            _refuse("closed set")
        return _text(value)

    return read


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        _refuse("boolean")
    return value


def _json_object(value: object) -> Values:
    if not isinstance(value, dict):
        _refuse("object")
    return value


def _uuid(value: object) -> UUID:
    if not _UUID.fullmatch(_text(value)):
        _refuse("UUID form")
    return UUID(_text(value))


def _timestamp(value: object) -> datetime:
    match = _TIMESTAMP.fullmatch(_text(value))
    if match is None:
        _refuse("timestamp form")
    offset = "+00:00" if match["offset"] == "Z" else match["offset"]
    microseconds = ((match["fraction"] or ".") + "000000")[:7]
    try:
        return datetime.fromisoformat(match["local"] + microseconds + offset)
    except ValueError:
        _refuse("no such moment")


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse("number")
    if not value > 0:
        _refuse("greater than zero")
    return float(value)


_ERROR: Final = {
    "code": Field(_one_of(*CODES), required=True),
    "message": Field(_text, required=True),
    "handler_type": Field(_one_of(*HANDLER_TYPES)),
    "operation": Field(_text),
    "retryable": Field(_boolean, required=True),
    "details": Field(_json_object, default=dict),
}
_ENVELOPE: Final = {
    "envelope_id": Field(_uuid, required=True),
    "envelope_version": Field(_one_of("1.0.0"), default=lambda: "1.0.0"),
    "correlation_id": Field(_uuid),
    "causation_id": Field(_uuid),
    "source_node": Field(_text),
    "target_node": Field(_some_text),
    "handler_type": Field(_one_of(*HANDLER_TYPES)),
    "operation": Field(_some_text),
    "payload": Field(_json_object),
    "metadata": Field(_json_object, default=dict),
    "timestamp": Field(_timestamp, required=True),
    "ttl_seconds": Field(_seconds),
    "is_response": Field(_boolean, default=lambda: False),
    "success": Field(_boolean),
    "error": Field(lambda value: _read_fields(value, _ERROR)),
}
FIELDS: Final = tuple(_ENVELOPE)
