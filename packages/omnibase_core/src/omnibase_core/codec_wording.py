"""What keeps bytes from being an envelope, in plain words and with what to do; never the value."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

# By the words of the JSON parser that ours stand for.
_SYNTAX: Final = {
    "Expecting value": "a value is expected",
    "Expecting property name": "a key in double quotes is expected",
    "Illegal trailing comma": "nothing follows a comma; remove it",
    "Expecting ':'": "a ':' is expected behind a key",
    "Expecting ','": "a ',' or the closing bracket is expected",
    "Invalid control character": r"a line break or other control character in a text; escape it: \n",
    "Invalid \\escape": r"a backslash that begins no escape; write it as \\",
    "Invalid \\uXXXX": r"\u without four hexadecimal digits",
    "Unterminated string": "a text begins here that has no closing quote",
    "Extra data": "more text behind the end of the object; send one envelope at a time",
    "Unexpected UTF-8 BOM": "a byte order mark; encode the text as UTF-8 without one",
}

_FIELDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "missing": lambda _: "the field is required",
    "extra_forbidden": lambda _: "unknown field; an envelope has no other fields than those documented",
    "string_type": lambda _: "must be text in quotes",
    "float_type": lambda _: "must be a number, without quotes",
    "bool_type": lambda _: "must be true or false, without quotes",
    "dict_type": lambda _: "must be an object",
    "model_type": lambda _: "must be an object",
    "greater_than": lambda context: f"must be greater than {context['gt']:g}",
    "string_too_short": lambda _: "must not be empty; write a name, or leave the field out",
    "literal_error": lambda context: f"must be {context['expected']}",
    "enum": lambda context: f"must be {context['expected']}",
}
_TIMESTAMP: Final = "must be RFC 3339 with seconds and an offset, such as 2026-01-31T12:00:00Z"
_NO_SUCH_TIME: Final = "there is no such date, time or offset; check each of its numbers"
_UUID: Final = "must be a UUID with dashes, such as 123e4567-e89b-42d3-a456-426614174000"


def syntax_sentence(message: str, offset: int) -> str:
    """A JSON parser's message, of the byte `offset`, in our words."""
    said = next((ours for theirs, ours in _SYNTAX.items() if message.startswith(theirs)), None)
    return f"not JSON at byte {offset}" + ("" if said is None else f": {said}")


def field_sentence(error: ErrorDetails) -> str:
    """A field's error in our words; the validator's own where they are ours, as an envelope's rules are."""
    kind = error["type"]
    if kind == "string_pattern_mismatch":
        return _TIMESTAMP if error["loc"] == ("timestamp",) else _UUID
    if kind.startswith(("datetime_", "timezone_")):
        return _NO_SUCH_TIME
    said = _FIELDS.get(kind)
    return error["msg"] if said is None else said(error.get("ctx", {}))
