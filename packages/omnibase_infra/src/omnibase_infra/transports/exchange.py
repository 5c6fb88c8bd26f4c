"""What goes over HTTP and comes back, without the library that carries it: request and answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from omnibase_core.errors import RuntimeHostError
from omnibase_core.urls import Url
from pydantic import JsonValue

Headers = Sequence[tuple[str, str]]

Json = dict[str, JsonValue]
"""A JSON object, as servers take and give it."""


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
