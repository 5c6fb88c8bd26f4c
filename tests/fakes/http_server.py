"""A real HTTP/1.1 server on loopback, port chosen by the system, that a test tells how to behave.

    async with HttpServer(replying(200, {"id": 7})) as server:
        … server.url, server.requests, server.open_connections

A behaviour is a coroutine that gets the recorded request and the connection; it writes whatever bytes it
likes. `replying` makes the ordinary ones.
"""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it came: the target is path and query, header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    raw_headers: Sequence[tuple[str, str]] = field(repr=False)
    body: bytes = b""


class Connection:
    """The server's side of one connection, for a behaviour to write to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def hang(self) -> None:
        """Answers nothing more until one side ends the connection."""
        await self.reader.read()

    def cut(self) -> None:
        """Ends the connection after what was sent."""
        self.writer.close()

    def reset(self) -> None:
        """Breaks the connection off."""
        self.writer.transport.abort()


Behaviour = Callable[[RecordedRequest, Connection], Awaitable[None]]


def encoded(
    status: int = 200, body: object = b"", headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
) -> bytes:
    """A whole response. A body that is not bytes is sent as JSON."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
        pairs.append(("content-type", "application/json"))
    pairs.append(("content-length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode("latin-1") + body


def replying(
    status: int = 200, body: object = b"", headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
) -> Behaviour:
    """The same response to every request; to HEAD its head alone."""
    response = encoded(status, body, headers)

    async def reply(request: RecordedRequest, connection: Connection) -> None:
        await connection.send(
            response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if request.method == "HEAD" else response
        )

    return reply


class HttpServer:
    """Serves one behaviour, and records what was asked (`requests`) and how often it was connected to."""

    def __init__(self, behave: Behaviour, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.behave = behave
        self.requests: list[RecordedRequest] = []
        self.connections = 0
        self.open_connections = 0
        self.port = 0
        self._tls = tls
        self._host = host
        self._changed = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The server's origin."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    async def wait_for(self, condition: Callable[[], bool], within_s: float = 5.0) -> None:
        """Waits until something that connections change is so."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(condition)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self.wait_for(lambda: self.open_connections == 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        await self._count(1)
        connection = Connection(reader, writer)
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                await self._count(0)
                await self.behave(request, connection)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            await self._count(-1)

    async def _count(self, change: int) -> None:
        async with self._changed:
            self.connections += change > 0
            self.open_connections += change
            self._changed.notify_all()


async def _read(reader: asyncio.StreamReader) -> RecordedRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = line.split(" ")
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RecordedRequest(method, target, headers, pairs, body)
