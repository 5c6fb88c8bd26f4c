"""From an envelope's payload to a request: every field checked, none repaired."""

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final, Literal, get_args
from urllib.parse import quote

from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import InvalidParameterError, shown
from omnibase_core.headers import HeaderError, check_header_value, check_media_type, check_payload_header_name
from omnibase_core.urls import Url, UrlError, resolve
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from omnibase_infra.handlers.wording import said
from omnibase_infra.telemetry.attempt import trace_headers
from omnibase_infra.transports.exchange import HttpRequest

HttpOperation = Literal["http.get", "http.head", "http.delete", "http.post", "http.put", "http.patch"]
OPERATIONS: Final[tuple[HttpOperation, ...]] = get_args(HttpOperation)

_SAFE: Final = frozenset({"GET", "HEAD"})
_IDEMPOTENT: Final = _SAFE | {"PUT", "DELETE"}

_TRACE_HEADERS: Final = {
    "traceparent": re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
    "tracestate": re.compile(r"[!-~]([ !-~]{0,510}[!-~])?"),
}


class ModelHttpRead(BaseModel):
    """The payload of http.get, head and delete.

    url: absolute, or a path that is put behind base_url. headers: nulls are left out. params: added to the
    query; nulls are left out, a list repeats.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)

    url: str
    headers: dict[str, JsonValue] | None = None
    params: dict[str, JsonValue] | None = None


class ModelHttpWrite(ModelHttpRead):
    """The payload of http.post, put and patch: at most one of the three bodies.

    body: any JSON, null included. body_text: sent as UTF-8. body_base64: bytes. content_type: instead of
    application/json, text/plain or application/octet-stream.
    """

    body: JsonValue = None
    body_text: str | None = None
    body_base64: str | None = None
    content_type: str | None = None


class RequestBuilder:
    """Builds the requests of one handler.

    base: what relative urls are put behind. own_headers: names that the contract sets, which a payload may
    not set. idempotency_key: whether writes carry the envelope's id as their Idempotency-Key.
    """

    def __init__(self, base: Url | None, own_headers: Collection[str], idempotency_key: bool) -> None:
        self._base = base
        self._own = frozenset(name.lower() for name in own_headers)
        self._idempotency_key = idempotency_key

    def build(self, operation: HttpOperation, envelope: ModelOnexEnvelope) -> HttpRequest:
        """The request that the envelope asks for; raises InvalidParameterError that names the field."""
        method = operation.removeprefix("http.").upper()
        payload = _checked(operation, envelope.payload or {})
        headers = self._headers(payload.headers or {})
        content = None
        if isinstance(payload, ModelHttpWrite) and (body := _body(payload)) is not None:
            content, media_type = body
            headers["content-type"] = media_type
        if method not in _SAFE and self._idempotency_key:
            headers.setdefault("idempotency-key", str(envelope.envelope_id))
        headers.update(_correlation(envelope) | trace_headers())
        return HttpRequest(
            method,
            _with_params(self._url(payload.url), payload.params or {}),
            tuple(headers.items()),
            content,
            repeatable=method in _IDEMPOTENT or "idempotency-key" in headers,
        )

    def _url(self, url: str) -> Url:
        try:
            return resolve(self._base, url)
        except UrlError as error:
            raise InvalidParameterError(f"url {error}") from None

    def _headers(self, given: Mapping[str, JsonValue]) -> dict[str, str]:
        headers: dict[str, str] = {}
        for name, value in given.items():
            key = name.lower()
            if value is None:
                continue
            field = f"headers.{shown(name)}"
            text = _scalar(field, value)
            if key in headers:
                raise InvalidParameterError(f"{field} stands twice, in different case")
            if key in self._own:
                raise InvalidParameterError(f"{field} is set by the handler's config")
            _check_header(field, name, text)
            headers[key] = text
        return headers


def _check_header(field: str, name: str, value: str) -> None:
    try:
        check_payload_header_name(name)
        check_header_value(value)
    except HeaderError as error:
        raise InvalidParameterError(f"{field} {error}") from None


def _checked(operation: HttpOperation, payload: Mapping[str, JsonValue]) -> ModelHttpRead:
    model = ModelHttpRead if operation in ("http.get", "http.head", "http.delete") else ModelHttpWrite
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(shown(str(part)) for part in first["loc"])
    if first["type"] == "missing":
        raise InvalidParameterError(f"{field} is missing: {operation} needs it")
    if first["type"] == "extra_forbidden":
        known = ", ".join(model.model_fields)
        raise InvalidParameterError(f"{field} is no field of {operation}, which takes {known}")
    raise InvalidParameterError(f"{field} does not fit: {said(first)}")


def _body(payload: ModelHttpWrite) -> tuple[bytes, str] | None:
    given = [
        name
        for name in ("body", "body_text", "body_base64")
        if name in payload.model_fields_set and (name == "body" or getattr(payload, name) is not None)
    ]
    if len(given) > 1:
        raise InvalidParameterError(f"{' and '.join(given)} stand together: give one of them")
    if not given:
        return None
    content, media_type = _ENCODED[given[0]](payload)
    if payload.content_type is not None:
        _check_media_type(payload.content_type)
        media_type = payload.content_type
    return content, media_type


def _json_body(payload: ModelHttpWrite) -> tuple[bytes, str]:
    try:
        text = json.dumps(payload.body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode(), "application/json"
    except ValueError:
        raise InvalidParameterError("body holds what JSON cannot: NaN, Infinity or a lone surrogate") from None


def _text_body(payload: ModelHttpWrite) -> tuple[bytes, str]:
    try:
        return (payload.body_text or "").encode(), "text/plain; charset=utf-8"
    except UnicodeEncodeError:
        raise InvalidParameterError("body_text holds a lone surrogate") from None


def _bytes_body(payload: ModelHttpWrite) -> tuple[bytes, str]:
    try:
        return base64.b64decode(payload.body_base64 or "", validate=True), "application/octet-stream"
    except (binascii.Error, ValueError):
        raise InvalidParameterError("body_base64 is no base64 of RFC 4648, section 4") from None


_ENCODED: Final = {"body": _json_body, "body_text": _text_body, "body_base64": _bytes_body}


def _check_media_type(media_type: str) -> None:
    try:
        check_media_type(media_type)
    except HeaderError as error:
        raise InvalidParameterError(f"content_type {error}") from None


def _with_params(url: Url, params: Mapping[str, JsonValue]) -> Url:
    pairs = [
        f"{_quoted(name, name)}={_quoted(name, _scalar(f'params.{shown(name)}', item))}"
        for name, value in params.items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    ]
    if not pairs:
        return url
    return replace(url, query="&".join([url.query, *pairs] if url.query else pairs))


def _quoted(name: str, text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise InvalidParameterError(f"params.{shown(name)} holds a lone surrogate") from None


def _scalar(field: str, value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise InvalidParameterError(f"{field} does not fit: text, a number, true, false or null is wanted")


def _correlation(envelope: ModelOnexEnvelope) -> dict[str, str]:
    headers = {} if envelope.correlation_id is None else {"x-correlation-id": str(envelope.correlation_id)}
    for name, form in _TRACE_HEADERS.items():
        value = envelope.metadata.get(name)
        if isinstance(value, str) and form.fullmatch(value):
            headers[name] = value
    return headers
