"""A proxy on loopback between a client and its server, which breaks what goes through it, as told.

    async with FaultProxy(partial(asyncio.open_connection, "127.0.0.1", port)) as proxy:
        … proxy.port; proxy.set(Fault("freeze")); await proxy.refuse(); await proxy.accept()

A fault holds for connections that are open already, too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Literal, NamedTuple, Self

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Fault(NamedTuple):
    """What becomes of the pieces that go through.

    pass: nothing. latency: each comes `seconds` later, or when the fault ends. reset: the connection breaks with
    the next. freeze: they are kept until the fault is another one. cut: `size` bytes of an answer pass, and then
    the connection ends. drip: an answer comes byte by byte, each `seconds` after the one before. half_open: the
    server's side is closed and the client is not told; what it sends vanishes. Such a connection stays as it is
    when the fault ends.
    """

    kind: Literal["pass", "latency", "reset", "freeze", "cut", "drip", "half_open"]
    seconds: float = 0.0
    size: int = 0


class FaultProxy:
    """connect: to the server. Attributes: `port`, `open_connections`."""

    def __init__(self, connect: Connect) -> None:
        self.port = 0
        self.open_connections = 0
        self._connect = connect
        self._fault = Fault("pass")
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._to_server: set[asyncio.StreamWriter] = set()
        self._idle = asyncio.Event()

    def set(self, fault: Fault) -> None:
        """From now on."""
        self._fault = fault
        self._changed.set()
        self._changed = asyncio.Event()
        if fault.kind == "half_open":
            for writer in self._to_server:
                writer.transport.abort()

    async def refuse(self) -> None:
        """Nothing listens any more, and what is open breaks."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers | self._to_server:
            writer.transport.abort()

    async def accept(self) -> None:
        """Listens, again on the same port; nothing to do where it does."""
        if self._server is not None:
            return
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.set(Fault("pass"))
        await self.refuse()
        await self.emptied()

    async def emptied(self, within_s: float = 5.0) -> None:
        """Returns when no connection is open any more."""
        if self.open_connections:
            async with asyncio.timeout(within_s):
                await self._idle.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_connections += 1
        self._idle.clear()
        self._writers.add(writer)
        try:
            there_reader, there_writer = await self._connect()
            self._to_server.add(there_writer)
            if self._fault.kind == "half_open":
                there_writer.transport.abort()
            up = asyncio.create_task(self._pump(reader, there_writer, answer=False))
            down = asyncio.create_task(self._pump(there_reader, writer, answer=True))
            await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
            for each in (up, down):
                each.cancel()
            await asyncio.wait([up, down])
            there_writer.transport.abort()
            self._to_server.discard(there_writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self.open_connections -= 1
            if not self.open_connections:
                self._idle.set()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answer: bool) -> None:
        with suppress(OSError):
            while piece := await reader.read(65_536):
                while self._fault.kind == "freeze":
                    await self._changed.wait()
                fault = self._fault
                if fault.kind == "latency":
                    await self._changed_within(fault.seconds)
                if fault.kind == "reset":
                    return
                if fault.kind == "cut" and answer:
                    writer.write(piece[: fault.size])
                    await writer.drain()
                    writer.close()
                    return
                if fault.kind == "drip" and answer:
                    for byte in piece:
                        await asyncio.sleep(fault.seconds)
                        writer.write(bytes([byte]))
                        await writer.drain()
                elif answer or not writer.is_closing():
                    writer.write(piece)
                    await writer.drain()
        if answer and self._fault.kind == "half_open":
            await asyncio.Event().wait()  # until the client ends it, which ends the other pump

    async def _changed_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
