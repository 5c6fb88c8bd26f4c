"""Connections to addresses that were checked, under httpx's transport interface."""

import asyncio
import select
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

import httpcore
import httpx
from omnibase_core.errors import HandlerConnectionError

from omnibase_infra.transports.egress import Egress
from omnibase_infra.transports.http.pool import ConnectionPool

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


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


class _Connection(httpcore.AsyncHTTP11Connection):
    """httpcore's HTTP/1.1, which is not used again where the server has sent more than it was asked for."""

    READ_NUM_BYTES = 256 * 1024  # as much as the loop reads at once: what is left over would be seen by nobody

    def __init__(self, origin: httpcore.Origin, stream: httpcore.AsyncNetworkStream) -> None:
        super().__init__(origin, stream)
        self._socket: socket.socket = stream.get_extra_info("socket")
        self._tls: ssl.SSLObject | None = stream.get_extra_info("ssl_object")

    def is_idle(self) -> bool:
        """Whether the next answer will be the next request's: nothing was read behind the last one."""
        return super().is_idle() and not self._h11_state.trailing_data[0]

    def has_expired(self) -> bool:
        """Whether there is something to read though nothing was asked: mostly the end of the connection."""
        if self._socket.fileno() < 0:
            return True
        readable = select.poll()
        readable.register(self._socket, select.POLLIN)
        return bool(readable.poll(0)) or self._has_undecrypted()

    def _has_undecrypted(self) -> bool:
        if self._tls is None:
            return False
        try:
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            pass
        return True


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
        self._egress = egress
        self._resolve = resolve
        self._tls = tls
        tls.set_alpn_protocols(["http/1.1"])
        self._network = httpcore.AnyIOBackend()
        self._pool = ConnectionPool(self._connect, max_connections)

    @property
    def open_connections(self) -> int:
        """Connections that are open or being opened."""
        return self._pool.open_connections

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response with its body unread; the caller closes it."""
        url = request.url
        return await self._pool.send(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )

    async def aclose(self) -> None:
        """Closes all connections, those too that are being opened."""
        await self._pool.aclose()

    async def _connect(self, request: httpcore.Request) -> _Connection:
        origin = request.url.origin
        host = origin.host.decode("ascii")
        timeout_s: float | None = request.extensions.get("timeout", {}).get("connect")
        stream = await self._dial(host, origin.port, timeout_s)
        if origin.scheme == b"http":
            return _Connection(origin, stream)
        try:
            if self._pool.closed:
                raise httpcore.ConnectError
            return _Connection(origin, await stream.start_tls(self._tls, host, timeout_s))
        except BaseException:  # the library leaves it open where the handshake is cancelled
            await stream.aclose()
            raise

    async def _dial(self, host: str, port: int, timeout_s: float | None) -> httpcore.AsyncNetworkStream:
        """Resolves a name once, checks its addresses, and connects to one of these."""
        try:
            async with asyncio.timeout(timeout_s):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        self._egress.check_addresses(host, addresses)
        share = None if timeout_s is None else timeout_s / max(1, len(addresses))
        last: Exception = httpcore.ConnectError()
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last
