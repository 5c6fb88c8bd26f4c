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

    @property
    def inside_a_line(self) -> bool:
        """Whether the last line that was read has no end yet."""
        return bool(self._rest)

    async def batches(self) -> AsyncIterator[list[Line]]:
        """Lists of lines until the end of the input; a last line needs no line end."""
        while True:
            await _ready(self._descriptor, asyncio.get_running_loop().add_reader, _remove_reader)
            try:
                chunk = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                continue
            if not chunk:
                break
            yield self._lines(chunk)
        if self._rest:
            yield self._lines(b"\n")

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
                await _ready(self._descriptor, asyncio.get_running_loop().add_writer, _remove_writer)
            # A pipe that is ready takes this much without waiting, and may not take a byte more.
            with suppress(BlockingIOError):
                rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]


async def _ready(
    descriptor: int,
    watch: Callable[[int, Callable[[], None]], None],
    unwatch: Callable[[asyncio.AbstractEventLoop, int], object],
) -> None:
    """Returns when the descriptor can be used without waiting."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    try:
        watch(descriptor, lambda: None if ready.done() else ready.set_result(None))
    except PermissionError:
        await asyncio.sleep(0)
        return
    try:
        await ready
    finally:
        unwatch(loop, descriptor)


def _remove_reader(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    loop.remove_reader(descriptor)


def _remove_writer(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    loop.remove_writer(descriptor)
