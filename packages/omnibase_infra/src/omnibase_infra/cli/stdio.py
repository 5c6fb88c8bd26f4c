"""Lines from and to file descriptors on the event loop: no thread, and no flag changed on what others share.

Pipes, sockets and terminals are waited for; regular files are read and written directly, as they never make
anybody wait for somebody else.
"""

import asyncio
import os
import select
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import NamedTuple

_CHUNK = 64 * 1024


class Line(NamedTuple):
    """One line without its end. `number` counts from 1; content over the reader's limit is cut behind it."""

    number: int
    content: bytes


class LineReader:
    """The lines of a descriptor, as they come.

    limit: bytes of a line; of a longer one no more than that and a bit is kept, whatever its length.
    """

    def __init__(self, descriptor: int, limit: int) -> None:
        self._descriptor = descriptor
        self._limit = limit
        self._rest = b""
        self._number = 0
        self._ready: asyncio.Future[None] | None = None
        self._stopped = False

    @property
    def inside_line(self) -> int | None:
        """The number of the line that was read and has no end yet; None where there is none."""
        return self._number + 1 if self._rest else None

    def stop(self) -> None:
        """Ends `batches` without reading on."""
        self._stopped = True
        if self._ready is not None:
            _set(self._ready)

    async def batches(self) -> AsyncIterator[list[Line]]:
        """Lists of lines until the end of the input, or `stop`; a last line needs no line end."""
        while await self._readable():
            try:
                chunk = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                continue
            if not chunk:
                break
            yield self._lines(chunk)
        if self._rest and not self._stopped:
            yield self._lines(b"\n")

    async def _readable(self) -> bool:
        """Waits until something can be read; False once reading is stopped."""
        if not self._stopped:
            loop = asyncio.get_running_loop()
            self._ready = loop.create_future()
            await _until(self._ready, self._descriptor, loop.add_reader, _remove_reader)
        return not self._stopped

    def _lines(self, chunk: bytes) -> list[Line]:
        parts = (self._rest + chunk).split(b"\n")
        self._rest = parts.pop()[: self._limit + 1]
        first = self._number + 1
        self._number += len(parts)
        return [Line(first + index, part) for index, part in enumerate(parts)]


class Output:
    """Writes to a descriptor, waiting while whoever reads it is slow. Raises BrokenPipeError when nobody does."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    async def write(self, data: bytes) -> None:
        """Returns when all of it is written."""
        rest = memoryview(data)
        while rest:
            if not self._poll.poll(0):
                loop = asyncio.get_running_loop()
                await _until(loop.create_future(), self._descriptor, loop.add_writer, _remove_writer)
            # A pipe that is ready takes this much without waiting, and may not take a byte more.
            with suppress(BlockingIOError):
                rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]


async def _until(
    ready: asyncio.Future[None],
    descriptor: int,
    watch: Callable[[int, Callable[[], None]], None],
    unwatch: Callable[[asyncio.AbstractEventLoop, int], object],
) -> None:
    """Returns when the descriptor can be used without waiting, which sets `ready`, or when another one sets it."""
    try:
        watch(descriptor, lambda: _set(ready))
    except PermissionError:
        await asyncio.sleep(0)
        return
    try:
        await ready
    finally:
        unwatch(asyncio.get_running_loop(), descriptor)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _remove_reader(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    loop.remove_reader(descriptor)


def _remove_writer(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    loop.remove_writer(descriptor)
