"""The rules for http header names and values, which contracts and handlers share. Pure."""

import re
from typing import Final

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

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")


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


def check_header_value(value: str) -> None:
    """Raises HeaderError unless the value is visible ASCII, with blanks and tabs inside only."""
    if not _VALUE.fullmatch(value):
        raise HeaderError("has a value with a line break, a blank at an end, or a character outside ASCII")
