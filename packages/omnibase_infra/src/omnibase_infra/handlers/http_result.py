"""From an answer to an operation's result, or to the failure that its status means."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from omnibase_core.codec import parse_json
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import (
    EnvelopeValidationError,
    IndeterminateEffectError,
    RuntimeHostError,
    TransientHandlerError,
)
from pydantic import JsonValue

from omnibase_infra.transports.exchange import Headers, HttpAnswer, HttpRequest

# 408 and 429 say that the request was not worked on; of other failures nobody knows.
_NOT_WORKED_ON: Final = frozenset({408, 429})
_TEXT: Final = frozenset(
    {"application/xml", "application/javascript", "application/x-www-form-urlencoded", "application/x-ndjson"}
)
_CHARSETS: Final = {"": "utf-8", "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1"}


def result_of(request: HttpRequest, answer: HttpAnswer, now: datetime) -> JsonObject:
    """The operation's result: `status_code`, `headers`, `body`, `body_type`.

    Raises TransientHandlerError or IndeterminateEffectError for 408, 429 and 5xx; PayloadTooLargeError or
    HandlerExecutionError for a body that could not be read.
    """
    if answer.status >= 500 or answer.status in _NOT_WORKED_ON:
        raise _failure(request, answer, now)
    try:
        body, body_type = (None, "json") if request.method == "HEAD" else _decoded(answer)
    except RuntimeHostError as error:
        if request.method != "GET":
            error.details["effect"] = "performed"
        raise
    return {
        "status_code": answer.status,
        "headers": joined(answer.headers),
        "body": body,
        "body_type": body_type,
    }


def joined(headers: Headers) -> dict[str, JsonValue]:
    """Headers as a map. Repeated ones are joined by a comma; cookies, which contain commas, by a line break."""
    values: dict[str, str] = {}
    for name, value in headers:
        glue = "\n" if name == "set-cookie" else ", "
        values[name] = f"{values[name]}{glue}{value}" if name in values else value
    return dict(values)


def _failure(request: HttpRequest, answer: HttpAnswer, now: datetime) -> RuntimeHostError:
    details: JsonObject = {"status_code": answer.status}
    delay_s = retry_after_s(answer.header("retry-after"), now)
    if delay_s is not None:
        details["retry_after_s"] = delay_s
    sentence = f"{request.method} {request.url.origin}: answered with status {answer.status}"
    error: RuntimeHostError
    if request.repeatable or answer.status in _NOT_WORKED_ON:
        error = TransientHandlerError(sentence, details=details)
    else:
        error = IndeterminateEffectError(f"{sentence}; whether it took effect is not known", details=details)
    error.outage = answer.status >= 500
    return error


def retry_after_s(value: str, now: datetime) -> int | None:
    """Seconds to wait, from seconds or an HTTP date; None for anything else."""
    if value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0, round((aware - now).total_seconds()))


def _decoded(answer: HttpAnswer) -> tuple[JsonValue, str]:
    """The body by its declared type.

    JSON that no envelope can carry, or in which a key stands twice, is text; text in no known charset is bytes.
    """
    content = answer.content()
    if not content:
        return None, "json"
    media_type, parameters = _media_type(answer.header("content-type"))
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if is_json:
        try:
            return parse_json(content), "json"
        except EnvelopeValidationError:
            pass
    charset = _CHARSETS.get(parameters.get("charset", ""))
    if charset is not None and (is_json or media_type.startswith("text/") or media_type in _TEXT):
        try:
            return content.decode(charset), "text"
        except UnicodeDecodeError:
            pass
    return {"base64": base64.b64encode(content).decode("ascii")}, "bytes"


def _media_type(header: str) -> tuple[str, Mapping[str, str]]:
    media_type, *rest = header.lower().split(";")
    pairs = (parameter.partition("=") for parameter in rest)
    return media_type.strip(), {name.strip(): value.strip().strip('"') for name, _, value in pairs}
