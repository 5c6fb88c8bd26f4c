"""The connections of one transport: lent to one request at a time, the last used first.

httpcore's own pool looks at all its connections, and asks the socket of each idle one, for every request and every
response; here both cost the same however many there are.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import httpcore
import httpx

from omnibase_infra.transports.slots import Slots

_Connection = httpcore.AsyncConnectionInterface
Connect = Callable[[httpcore.Request], Awaitable[_Connection]]
_Origin = tuple[bytes, bytes, int]

_KEEPALIVE_S: Final = 5.0


class ConnectionPool:
    """At most `size` connections to all origins together; who waits first for one gets one first.

    connect: opens one for a request. now: monotonic seconds; replaced in tests only.
    """

    def __init__(self, connect: Connect, size: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._connect = connect
        self._size = size
        self._now = now
        self._slots = Slots(size)
        self._opening = 0
        self._lent: dict[_Connection, _Origin] = {}
        # Those that wait for a request, the longest unused first; and the same for each origin.
        self._idle: OrderedDict[_Connection, tuple[_Origin, float]] = OrderedDict()
        self._of_origin: dict[_Origin, dict[_Connection, None]] = {}
        self.closed = False

    @property
    def open_connections(self) -> int:
        """Connections that are open or being opened."""
        return self._opening + len(self._lent) + len(self._idle)

    async def send(self, request: httpcore.Request) -> httpx.Response:
        """The response with its body unread; a connection is lent to it until the caller closes it.

        Raises PoolTimeout where none becomes free within the request's `pool` timeout, ConnectError where the pool
        is closed, and whatever connecting and sending raise.
        """
        if not self._slots.take():
            await self._wait(request.extensions.get("timeout", {}).get("pool"))
        try:
            return await self._sent(request)
        except BaseException:
            self._slots.release()
            raise

    async def aclose(self) -> None:
        """Closes all connections; one that is being opened is closed as soon as it is open."""
        self.closed = True
        while self._idle:
            await self._longest_unused().aclose()
        for connection in tuple(self._lent):
            await self._close(connection)

    async def give_back(self, response: httpcore.Response, connection: _Connection) -> None:
        """Ends a response; its connection is kept where another request can use it."""
        kept = False
        try:
            await response.aclose()
            kept = connection.is_idle() and not self.closed
        finally:
            try:
                if kept:
                    self._keep(connection)
                else:
                    await self._close(connection)
            finally:
                self._slots.release()

    async def _wait(self, timeout_s: float | None) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._slots.wait()
        except TimeoutError:
            raise httpcore.PoolTimeout from None

    async def _sent(self, request: httpcore.Request) -> httpx.Response:
        while not self.closed:
            connection = await self._borrow(request)
            try:
                response = await connection.handle_async_request(request)
            except httpcore.ConnectionNotAvailable:  # the pool was closed since
                await self._close(connection)
            except BaseException:
                await self._close(connection)
                raise
            else:
                body = _Body(self, response, connection)
                return httpx.Response(
                    response.status, headers=response.headers, stream=body, extensions=response.extensions
                )
        raise httpcore.ConnectError

    async def _borrow(self, request: httpcore.Request) -> _Connection:
        """A connection for a request that has a slot: the last used one that is still good, or a new one."""
        url = request.url.origin
        origin = (url.scheme, url.host, url.port)
        self._opening += 1
        try:
            connection = await self._reusable(origin) or await self._opened(request)
            self._lent[connection] = origin
        finally:
            self._opening -= 1
        return connection

    async def _reusable(self, origin: _Origin) -> _Connection | None:
        while self._idle and next(iter(self._idle.values()))[1] <= self._now():
            await self._longest_unused().aclose()
        while waiting := self._of_origin.get(origin):
            connection = self._taken(next(reversed(waiting)))
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    async def _opened(self, request: httpcore.Request) -> _Connection:
        if self.open_connections > self._size:
            await self._longest_unused().aclose()
        connection = await self._connect(request)
        if self.closed:
            await connection.aclose()
            raise httpcore.ConnectError
        return connection

    def _longest_unused(self) -> _Connection:
        return self._taken(next(iter(self._idle)))

    def _taken(self, connection: _Connection) -> _Connection:
        origin, _ = self._idle.pop(connection)
        waiting = self._of_origin[origin]
        del waiting[connection]
        if not waiting:
            del self._of_origin[origin]
        return connection

    def _keep(self, connection: _Connection) -> None:
        origin = self._lent.pop(connection)
        self._idle[connection] = (origin, self._now() + _KEEPALIVE_S)
        self._of_origin.setdefault(origin, {})[connection] = None

    async def _close(self, connection: _Connection) -> None:
        try:
            await connection.aclose()
        finally:
            self._lent.pop(connection, None)


class _Body(httpx.AsyncByteStream):
    """A response's body, which gives its connection back once."""

    def __init__(self, pool: ConnectionPool, response: httpcore.Response, connection: _Connection) -> None:
        self._pool = pool
        self._response = response
        self._connection = connection
        self._open = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_stream()

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            await self._pool.give_back(self._response, self._connection)
