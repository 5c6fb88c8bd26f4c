"""What goes over HTTP and comes back, without the library that carries it: request, answer, header rules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from omnibase_core.errors import RuntimeHostError
from omnibase_core.urls import Url

Headers = Sequence[tuple[str, str]]

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
    """Raises HeaderError unless the name is a token and the value visible ASCII, blanks and tabs inside only."""
    if not _TOKEN.fullmatch(name):
        raise HeaderError("is no header name: letters, digits and !#$%&'*+-.^_`|~ only")
    if name.lower() in FRAMING_HEADERS or name.lower().startswith("proxy-"):
        raise HeaderError("is set by the host alone")
    if not _VALUE.fullmatch(value):
        raise HeaderError("has a value with a line break, a blank at an end, or a character outside ASCII")


class HttpRequest(NamedTuple):
    """One request; its headers are checked, and none of them is a credential of the handler.

    repeatable: sending it twice does no more than sending it once (a safe or idempotent method, or an
    idempotency key), so that an unanswered one may be retried.
    """

    method: str
    url: Url
    headers: Headers = ()
    content: bytes | None = None
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer; header names are in lower case, and a name may stand several times.

    refusal: why the body was not read, where it was not: an error of its own, since the status may say more.
    """

    status: int
    headers: Headers
    body: bytes = b""
    refusal: RuntimeHostError | None = None

    def header(self, name: str) -> str:
        """The values under this lower-case name, joined by commas; empty where there is none."""
        return ", ".join(value for key, value in self.headers if key == name)

    def content(self) -> bytes:
        """The body; raises `refusal` where there is one."""
        if self.refusal is not None:
            raise self.refusal
        return self.body
