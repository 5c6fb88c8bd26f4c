"""A small HTTP/1.1 server over asyncio: GET and HEAD, bounded in connections, time and bytes; in dev POST too.

h11 does the protocol, and has to be there for httpx anyhow; a framework would bring more code than there is here,
and threads or signal handlers of its own. Why: docs/decisions/0017-admin-server.md.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, Self

import h11
from omnibase_core import suggest
from omnibase_core.errors import ProtocolConfigurationError, shown

from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.admin")
_MAX_HEAD_BYTES: Final = 16 * 1024
_READ_BYTES: Final = 16 * 1024
_METHODS: Final = (b"GET", b"HEAD")
_SAFETY: Final = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)


class Limits(NamedTuple):
    """connections: at once; one more is closed at once. head_s: for a request to arrive. idle_s: between two.
    answer_s: for a page to be made and taken. body_bytes: of a POST."""

    connections: int = 64
    head_s: float = 5.0
    idle_s: float = 30.0
    answer_s: float = 10.0
    body_bytes: int = 1024 * 1024


class Answer(NamedTuple):
    """What a page answers. headers: beside type, length and the ones that every answer has."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Request(NamedTuple):
    """What is asked for. path: without the query, which no page has a use for. headers: by name in lower case."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""


Page = Callable[[Request], Awaitable[Answer]]
_LIMITS: Final = Limits()
_NOBODY: Final[Mapping[str, Page]] = MappingProxyType({})
_ANOTHER: Final = "Give it another port with observability.http.port or --http, or switch it off with --http off"


class AdminServer:
    """Serves pages, by their path, while it is entered.

    port: 0 takes a free one; `port` says which. Raises ProtocolConfigurationError where the address cannot be had.
    takers: paths that a POST may go to, and no GET; there are none but in development.
    way_out: what to do where the address cannot be had.
    """

    def __init__(
        self,
        pages: Mapping[str, Page],
        address: str,
        port: int,
        limits: Limits = _LIMITS,
        *,
        takers: Mapping[str, Page] = _NOBODY,
        way_out: str = _ANOTHER,
    ) -> None:
        self._limits = limits
        self._takers = takers
        self._way_out = way_out
        self._answering: set[asyncio.Task[None]] = set()
        self._closing = False
        self._pages = pages
        self._address = address
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._connected, self._address, self._port)
        except OSError as error:
            raise ProtocolConfigurationError(
                f"The server for probes cannot listen at {self._address}:{self._port}: {error.strerror or error}. "
                f"{self._way_out}"
            ) from None
        _log.info(
            "probes and metrics at http://%s:%d/",
            self._address,
            self.port,
            extra={"event": events.ADMIN_LISTENING, "address": self._address, "port": self.port},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Whoever is being answered gets the answer, within the time that a request has."""
        if self._server is None:
            return
        self._server.close()
        self._closing = True
        for connection in self._connections - self._answering:
            connection.cancel()
        if self._answering:
            await asyncio.wait(set(self._answering), timeout=self._limits.head_s)
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=self._limits.head_s)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port that it listens at."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Refuses a connection too many at once: a flood of them must not starve the host of descriptors."""
        if len(self._connections) >= self._limits.connections:
            writer.transport.abort()
            return
        connection = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="onex-admin")
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _Peer(reader, writer)
        try:
            wait_s = self._limits.head_s
            while (request := await peer.request(wait_s)) is not None:
                await self._answer_one(peer, request)
                if self._closing or not peer.next_request():
                    break
                wait_s = self._limits.idle_s
        except h11.RemoteProtocolError as error:
            peer.refuse(error.error_status_hint, str(error))
        except (TimeoutError, OSError):
            pass  # a peer that is slow or gone is nobody to answer
        except Exception:  # noqa: BLE001 - a page that fails must not end the server, nor show its trace to a peer
            _log.exception("a page failed", extra={"event": events.ADMIN_PAGE_FAILED})
            peer.refuse(500, "the page failed; the host's log has the trace")
        finally:
            writer.transport.abort() if peer.broken else writer.close()

    async def _answer_one(self, peer: "_Peer", request: h11.Request) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            async with asyncio.timeout(self._limits.answer_s):
                await peer.answer(request, await self._answer(peer, request))
        finally:
            self._answering.discard(task)

    async def _answer(self, peer: "_Peer", request: h11.Request) -> Answer:
        asked = _asked(request)
        path = asked.path
        taker = self._takers.get(path)
        if taker is not None and request.method == b"POST":
            body = await peer.body(self._limits.head_s, self._limits.body_bytes)
            if body is None:
                return text_answer(413, f"this takes {self._limits.body_bytes} bytes at most")
            return await taker(asked._replace(body=body))
        if taker is not None or request.method not in _METHODS:
            allowed = ("POST",) if taker is not None else ("GET", "HEAD")
            refusal = text_answer(405, f"{shown(asked.method)} is not allowed; ask with {' or '.join(allowed)}")
            return refusal._replace(headers=(("allow", ", ".join(allowed)),))
        page = self._pages.get(path)
        if page is None:
            told = suggest.hint(path, list(self._pages), "The pages are")
            return text_answer(404, f"no page '{shown(path)}'. {told}")
        return await page(asked)


def _asked(request: h11.Request) -> Request:
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in request.headers}
    path = request.target.partition(b"?")[0].decode("ascii", "replace")
    return Request(path, request.method.decode("ascii", "replace"), headers)


def text_answer(status: int, text: str) -> Answer:
    """A line for people."""
    return Answer(status, f"{text}\n".encode(), "text/plain; charset=utf-8")


class _Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self.broken = False

    async def request(self, within_s: float) -> h11.Request | None:
        """The next request, whose body is not read; None where the peer has closed."""
        async with asyncio.timeout(within_s):
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    self._http.receive_data(await self._reader.read(_READ_BYTES))
                elif isinstance(event, h11.Request):
                    return event
                else:
                    return None

    async def body(self, within_s: float, limit: int) -> bytes | None:
        """The body of the request that has just come; None where it is longer than the limit."""
        body = bytearray()
        async with asyncio.timeout(within_s):
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    self._ask_for_body()
                    self._http.receive_data(await self._reader.read(_READ_BYTES))
                elif isinstance(event, h11.Data):
                    body += event.data
                    if len(body) > limit:
                        return None
                else:
                    return bytes(body)

    def _ask_for_body(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            self._writer.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")

    async def answer(self, request: h11.Request, answer: Answer) -> None:
        """Sends the answer; of a HEAD, all but the body."""
        headers = [
            ("content-type", answer.content_type),
            ("content-length", str(len(answer.body))),
            *_SAFETY,
            *answer.headers,
        ]
        self._send(h11.Response(status_code=answer.status, headers=headers))
        if request.method != b"HEAD":
            self._send(h11.Data(data=answer.body))
        self._send(h11.EndOfMessage())
        await self._writer.drain()

    def next_request(self) -> bool:
        """Whether the connection may be used again: the request's body is read, and nobody said close."""
        if self._http.their_state is h11.SEND_BODY:
            self._http.next_event()
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def refuse(self, status: int, why: str) -> None:
        """Says why the connection ends, where that can still be said."""
        self.broken = True
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        answer = text_answer(status, why)
        headers = [("content-type", answer.content_type), ("content-length", str(len(answer.body)))]
        self._send(h11.Response(status_code=status, headers=[*headers, ("connection", "close")]))
        self._send(h11.Data(data=answer.body))
        self._send(h11.EndOfMessage())
        self.broken = False

    def _send(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
