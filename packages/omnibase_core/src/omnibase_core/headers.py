"""The rules for http header names and values, which contracts and handlers share. Pure."""

from typing import Final

from omnibase_core.patterns import deferred

FRAMING_HEADERS: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that belong to whoever writes the request onto the wire: neither a contract nor a payload sets them."""

# What a payload may not say of itself: who calls, for whom, and what the server shall take the request for.
_NOT_FROM_A_PAYLOAD: Final = {
    "authorization": "is the handler's: credentials stand in its config",
    "cookie": "is the handler's: credentials stand in its config",
    "content-type": "follows from the body: use content_type",
    **dict.fromkeys(("x-correlation-id", "traceparent", "tracestate"), "is set by the host alone"),
    **dict.fromkeys(
        ("x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"),
        "would turn the request into another one than the contract allows",
    ),
    **dict.fromkeys(("forwarded", "x-real-ip"), "says where a request comes from, which no payload knows"),
}
_PREFIXES_NOT_FROM_A_PAYLOAD: Final = ("x-forwarded-", "onex-")
_TOKEN = deferred(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = deferred(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")


class HeaderError(ValueError):
    """A header that cannot be sent; the message is a clause that says why and holds no value."""


def check_header(name: str, value: str) -> None:
    """Raises HeaderError unless both may stand in a request."""
    check_header_name(name)
    check_header_value(value)


def check_header_name(name: str) -> None:
    """Raises HeaderError unless the name is a token, and none of FRAMING_HEADERS."""
    if not _TOKEN.fullmatch(name):
        raise HeaderError("is no header name: letters, digits and !#$%&'*+-.^_`|~ only")
    if name.lower() in FRAMING_HEADERS or name.lower().startswith("proxy-"):
        raise HeaderError("is set by the host alone")


def check_payload_header_name(name: str) -> None:
    """Raises HeaderError unless a payload, or a mapping that makes one, may set a header of this name."""
    reason = _NOT_FROM_A_PAYLOAD.get(name.lower())
    if reason is None and name.lower().startswith(_PREFIXES_NOT_FROM_A_PAYLOAD):
        reason = "is set by the host alone"
    if reason is not None:
        raise HeaderError(reason)
    check_header_name(name)


def check_header_value(value: str) -> None:
    """Raises HeaderError unless the value is visible ASCII, with blanks and tabs inside only."""
    if not _VALUE.fullmatch(value):
        raise HeaderError("has a value with a line break, a blank at an end, or a character outside ASCII")


def check_media_type(value: str) -> None:
    """Raises HeaderError unless the value may stand in a content-type."""
    check_header_value(value)
    if "/" not in value:
        raise HeaderError("is no media type such as application/json")
