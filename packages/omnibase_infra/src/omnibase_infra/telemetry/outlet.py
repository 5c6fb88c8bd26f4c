"""Where log lines leave the process: a descriptor that is written to without ever waiting for its reader.

A pipe that nobody reads would stop the loop, and with it every node. So a line is written where the descriptor
takes it at once, else it waits, within a bound; what is beyond that is dropped, counted, and said when there is
room again.
"""

import asyncio
import os
import select
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_MOST_WAITING_BYTES: Final = 1024 * 1024
_LAST_S: Final = 1.0


class Outlet:
    """Writes lines to a descriptor. dropped: lines that were not written. on_room: told when none wait."""

    def __init__(self, descriptor: int, on_room: Callable[[], object]) -> None:
        self._descriptor = descriptor
        self._on_room = on_room
        self._lines: deque[bytes] = deque()
        self._size_bytes = 0
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._watched_by: asyncio.AbstractEventLoop | None = None
        self.dropped = 0

    def write(self, line: bytes) -> None:
        """Writes the line, or keeps it, or drops it."""
        if self._lines and self._size_bytes + len(line) > _MOST_WAITING_BYTES:
            self.dropped += 1
            return
        self._lines.append(line)
        self._size_bytes += len(line)
        if self._drain():
            self._on_room()
        elif self._lines:
            self._watch()

    def close(self) -> None:
        """Writes what waits, for as long as a second; the rest is dropped."""
        until = time.monotonic() + _LAST_S
        while self._lines and self._poll.poll(max(0.0, until - time.monotonic()) * 1_000):
            self._drain()
        self._unwatch()
        self._drop()

    def _drain(self) -> bool:
        """Whether everything is written. What is ready takes PIPE_BUF bytes at once, and maybe not one more."""
        while self._lines and self._poll.poll(0):
            line = self._lines[0]
            try:
                written = os.write(self._descriptor, line[: select.PIPE_BUF])
            except BlockingIOError:
                return False
            except OSError:  # nobody will read it any more
                self._drop()
                return False
            self._size_bytes -= written
            if written == len(line):
                self._lines.popleft()
            else:
                self._lines[0] = line[written:]
        return not self._lines

    def _drop(self) -> None:
        self.dropped += len(self._lines)
        self._lines.clear()
        self._size_bytes = 0

    def _watch(self) -> None:
        """Has the running loop say when there is room; without one, the next line finds out."""
        with suppress(RuntimeError, OSError):
            loop = asyncio.get_running_loop()
            if self._watched_by is not loop:
                loop.add_writer(self._descriptor, self._writable)
                self._watched_by = loop

    def _writable(self) -> None:
        written = self._drain()
        if not self._lines:
            self._unwatch()
        if written:
            self._on_room()

    def _unwatch(self) -> None:
        loop, self._watched_by = self._watched_by, None
        if loop is not None and not loop.is_closed():
            loop.remove_writer(self._descriptor)
