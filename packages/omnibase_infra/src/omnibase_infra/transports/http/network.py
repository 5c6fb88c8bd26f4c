"""Connections to addresses that were checked, under httpx's transport interface."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Final

import httpcore
import httpx
from omnibase_core.errors import HandlerConnectionError

from omnibase_infra.transports.egress import Egress

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

_KEEPALIVE_S: Final = 5.0


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, as the loop's resolver gives them; an address is its own answer."""
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        raise HandlerConnectionError(f"The host name {host} does not resolve") from None
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is closed when its TLS handshake is cancelled, or when the pool was closed meanwhile.

    httpcore's own would stay open then.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream, network: "_GuardedNetwork") -> None:
        self._stream = stream
        self._network = network
        self.spoilt = False
        self.read = stream.read  # type: ignore[method-assign]  # no frame of ours in the way of each read
        self.write = stream.write  # type: ignore[method-assign]  # as above

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            await self._stream.aclose()
            raise
        return await self._network.still_wanted(stream)

    def get_extra_info(self, info: str) -> object:
        # The pool asks this of an idle connection, and gives up one that has something to read.
        if info == "is_readable" and self.spoilt:
            return True
        return self._stream.get_extra_info(info)


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked: a name is resolved once, and what was checked is what is called."""

    def __init__(self, egress: Egress, resolve: Resolve) -> None:
        self._egress = egress
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()
        self.closed = False

    async def still_wanted(self, stream: httpcore.AsyncNetworkStream) -> httpcore.AsyncNetworkStream:
        """The stream; it is closed, and ConnectError raised, where nobody would close it any more."""
        if self.closed:
            await stream.aclose()
            raise httpcore.ConnectError
        return stream

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        self._egress.check_addresses(host, addresses)
        share = None if timeout is None else timeout / max(1, len(addresses))
        last: Exception = httpcore.ConnectError()
        for address in addresses:
            try:
                stream = await self._network.connect_tcp(address, port, share, local_address, socket_options)
                return _Stream(await self.still_wanted(stream), self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        stream = self._response.extensions.get("network_stream")
        if isinstance(stream, _Stream) and _bytes_behind(self._response):
            stream.spoilt = True
        await self._response.aclose()


def _bytes_behind(response: httpcore.Response) -> bytes:
    """What was read behind a response, and would be taken for the answer to the connection's next request."""
    connection = getattr(getattr(response.stream, "_stream", None), "_connection", None)
    state = getattr(connection, "_h11_state", None)
    behind: bytes = b"" if state is None else state.trailing_data[0]
    return behind


class GuardedTransport(httpx.AsyncBaseTransport):
    """httpx's transport interface over a connection pool that connects to checked addresses only.

    It is what any httpx client of this host stands on. It raises httpcore's exceptions (FAULTS has them)
    and, for an address that is refused or a name that does not resolve, a HandlerExecutionError.
    """

    def __init__(
        self,
        egress: Egress,
        *,
        tls: ssl.SSLContext,
        max_connections: int = 100,
        resolve: Resolve = resolve_host,
    ) -> None:
        self._network = _GuardedNetwork(egress, resolve)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=self._network,
        )

    @property
    def open_connections(self) -> int:
        """Connections that are open or being opened."""
        return len(self._pool.connections)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response with its body unread; the caller closes it."""
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Closes all connections, those too that are being opened."""
        self._network.closed = True
        await self._pool.aclose()
