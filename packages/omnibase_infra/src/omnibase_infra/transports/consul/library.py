"""python-consul2's requests and what it makes of answers, over our HTTP transport; the only import of consul.

Its `Consul` is not made: it takes CONSUL_HTTP_* from the environment over what it is told, and warns of itself.
Its parts need of it no more than an HTTP client, a token and a datacenter, which `Api` has.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from consul.base import Consul, ConsulException
from omnibase_core import urls
from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerConnectionError,
    HandlerExecutionError,
    RuntimeHostError,
    TransientHandlerError,
)
from omnibase_core.secret import Secret

from omnibase_infra.transports.exchange import HttpAnswer, HttpRequest
from omnibase_infra.transports.http import HttpTransport

T = TypeVar("T")
_NOT_FOUND: Final = 404  # which the library gives a meaning, for each request its own


class Reply(NamedTuple):
    """An answer, as the library's callbacks take it; header names in the case in which it asks for them."""

    code: int
    headers: Mapping[str, str]
    body: str
    content: bytes


class Api:
    """The parts of the library that we use; to them it is the library's own Consul object."""

    def __init__(
        self, transport: HttpTransport, address: urls.Url, token: Secret | None, datacenter: str | None
    ) -> None:
        self.http = _Http(transport, address, token)
        self.token = None  # the HTTP client sends it: the library would keep the text
        self.dc = datacenter
        self.consistency = "default"
        self.agent = Consul.Agent(self)
        self.catalog = Consul.Catalog(self)
        self.health = Consul.Health(self)
        self.status = Consul.Status(self)


class _Http:
    def __init__(self, transport: HttpTransport, address: urls.Url, token: Secret | None) -> None:
        self._transport = transport
        self._address = address
        self._token = token

    async def get(
        self,
        callback: Callable[[Reply], T],
        path: str,
        params: Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        return await self._ask("GET", callback, path, params or (), "")

    async def put(
        self,
        callback: Callable[[Reply], T],
        path: str,
        params: Sequence[tuple[str, str]] | None = None,
        data: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> T:
        return await self._ask("PUT", callback, path, params or (), data)

    async def _ask(
        self,
        method: str,
        callback: Callable[[Reply], T],
        path: str,
        params: Sequence[tuple[str, str]],
        data: str,
    ) -> T:
        """What the library makes of the answer. Every operation may be done twice."""
        query = urlencode(params) or None
        where = urls.resolve(self._address, quote(path, safe="/:"))
        headers = [] if self._token is None else [("x-consul-token", self._token.reveal())]
        answer = await self._transport.send(
            HttpRequest(method, urls.Url(where.origin, where.path, query), headers, data.encode() or None)
        )
        if answer.status not in (200, _NOT_FOUND):
            raise _failure(answer)
        try:
            return callback(_answered(answer))
        except (ConsulException, LookupError, ValueError, TypeError, AttributeError):
            raise strange() from None


def _answered(answer: HttpAnswer) -> Reply:
    content = answer.content()
    headers = {name.title(): value for name, value in answer.headers}
    return Reply(answer.status, headers, content.decode(errors="replace"), content)


def _failure(answer: HttpAnswer) -> RuntimeHostError:
    """Without a word of the body.

    | status | error |
    | --- | --- |
    | 401, 403 | HandlerAuthenticationError |
    | 429 | TransientHandlerError, no outage |
    | 5xx | TransientHandlerError; 500 is also a cluster without a leader |
    | others | HandlerExecutionError |
    """
    status = answer.status
    if status in (401, 403):
        return HandlerAuthenticationError(
            "Consul's ACL refused the token or what it asked for: give it a policy, or correct the token",
            details={"status": status},
        )
    if status != 429 and status < 500:
        return HandlerExecutionError(
            f"Consul refused the request with status {status}", details={"status": status}
        )
    leaderless = b"leader" in answer.body[:1_000]
    what = "has no leader now" if leaderless else f"failed with status {status}"
    error = TransientHandlerError(f"Consul {what}; nothing is wrong with the request", details={"status": status})
    error.outage = status >= 500
    return error


def strange() -> HandlerConnectionError:
    """The error for what Consul would not answer."""
    return HandlerConnectionError("What came is no answer of Consul: look what answers at the handler's address")
