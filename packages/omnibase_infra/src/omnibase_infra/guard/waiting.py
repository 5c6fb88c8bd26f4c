"""How a call waits, without keeping others from running: the seam between a guard and whoever runs its calls."""

import asyncio
from contextvars import ContextVar
from math import inf
from typing import Final

DEADLINE: Final[ContextVar[float | None]] = ContextVar("onex_deadline", default=None)
"""The running envelope's deadline in the loop's time (seconds), None for no limit."""


class WithdrawnError(Exception):
    """The call that waited is not wanted any more. Nothing of it took effect."""


class Place:
    """Where a call runs. It gives its place away while it waits, and takes it again before it goes on.

    This one is for calls that take nobody's place; `host/lanes.py` has one for its workers.
    """

    def __init__(self) -> None:
        self._waiting: asyncio.Future[None] | None = None
        self.pausing = False

    def leave(self, *, pausing: bool) -> None:
        """A wait begins. pausing: for a server that is out of order. May raise WithdrawnError."""
        self.pausing = pausing

    async def resume(self) -> None:
        """The wait is over; returns when the call may go on."""

    def give_up(self) -> None:
        """The wait ends with an exception: the call will end now."""

    def withdraw(self) -> None:
        """Ends the wait by a WithdrawnError; does nothing where nothing waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(WithdrawnError())
            self._waiting.exception()  # seen, should the task be cancelled before it is

    async def wait(self, future: asyncio.Future[None], *, pausing: bool) -> None:
        """Waits for the future away from the place."""
        self.leave(pausing=pausing)
        try:
            await self._for(future)
            await self.resume()
        except BaseException:
            self.give_up()
            raise
        finally:
            self.pausing = False

    async def _for(self, future: asyncio.Future[None]) -> None:
        self._waiting = future
        try:
            await future
        finally:
            self._waiting = None


PLACE: Final[ContextVar[Place | None]] = ContextVar("onex_place", default=None)
"""Where the running task's calls run; None for nowhere in particular."""


async def wait_until(time: float, among: "set[asyncio.Future[None]] | None" = None) -> None:
    """Waits until this time of the loop (inf: for ever), or until `wake` is called with the set.

    A wait among others is one for a server that is out of order. Raises WithdrawnError.
    """
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    timer = loop.call_at(time, _resolve, future) if time < inf else None
    if among is not None:
        among.add(future)
    try:
        await (PLACE.get() or Place()).wait(future, pausing=among is not None)
    finally:
        if timer is not None:
            timer.cancel()
        if among is not None:
            among.discard(future)


def wake(waiting: "set[asyncio.Future[None]]") -> None:
    """Ends all waits of the set."""
    for future in waiting:
        _resolve(future)


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
