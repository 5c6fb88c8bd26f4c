"""Responses as people read them, safe for a terminal. Imported within commands only."""

import json
from typing import NamedTuple

from omnibase_core.codec import encode
from omnibase_core.envelope import JsonObject, ModelEnvelopeError, ModelOnexEnvelope
from pydantic import JsonValue


class Called(NamedTuple):
    """What came of a call: the response, None where a signal came first, and how long it took."""

    response: ModelOnexEnvelope | None
    elapsed_ms: float


def response_text(response: ModelOnexEnvelope, form: str, elapsed_ms: float) -> str:
    """The response as it is printed: readable, json or raw."""
    if form == "raw":
        return encode(response).decode()
    if form == "json":
        shown = response.payload if response.error is None else response.error.model_dump(mode="json")
        return json.dumps(shown, ensure_ascii=False)
    return shown_response(response, elapsed_ms)


def shown_response(response: ModelOnexEnvelope, elapsed_ms: float) -> str:
    """Node, outcome and time in the first line, then the payload's fields, or the error."""
    outcome = "succeeded" if response.error is None else "failed"
    head = f"{response.source_node or 'the host'} {outcome} in {elapsed_ms:,.1f} ms"
    return "\n".join([printable(head), *shown_outcome(response)])


def shown_outcome(response: ModelOnexEnvelope) -> list[str]:
    """The payload's fields, or the error, a line or more each."""
    lines = _fields(response.payload or {}) if response.error is None else _error(response.error)
    return [printable(line) for line in lines]


def printable(text: str) -> str:
    """Foreign text for a terminal: what would move its cursor, colour it or turn its direction is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _error(error: ModelEnvelopeError) -> list[str]:
    again = "trying again may help" if error.retryable else "trying again will not help"
    return [f"  {error.code} ({again})", *_indented(error.message), *_fields(error.details)]


def _fields(values: JsonObject) -> list[str]:
    return [line for name, value in values.items() for line in _field(name, value)]


def _field(name: str, value: JsonValue) -> list[str]:
    if isinstance(value, str) and value.isprintable():
        return [f"  {name}: {value}"]
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > 80 and isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, indent=2)
    first, *more = text.split("\n")
    return [f"  {name}: {first}", *(f"  {line}" for line in more)]


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
