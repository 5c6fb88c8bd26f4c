"""Connections without a network for a pool: what each does, the request says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple

import httpcore


class Course(NamedTuple):
    """How a request goes. turns: of the loop, for each of connecting, answering and the body, empty at 0."""

    origin: str = "a"
    connects: bool = True
    answers: Literal["whole", "never", "broken", "elsewhere"] = "whole"
    reads: bool = True
    turns: int = 0

    def request(self, pool_timeout_s: float | None = None) -> httpcore.Request:
        """The request that goes this way."""
        extensions = {"course": self, "timeout": {"pool": pool_timeout_s}}
        return httpcore.Request("GET", f"http://{self.origin}.example/", extensions=extensions)


async def turns(count: int) -> None:
    """So many turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


class Network:
    """Where lines lead. Attributes: `opening`; `opened`, how many ever; `open`, in order; `now`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.opening = 0
        self.opened = 0
        self.open: list[Line] = []
        self.sent_elsewhere: set[httpcore.Request] = set()

    async def connect(self, request: httpcore.Request) -> "Line":
        """As its course says."""
        course: Course = request.extensions["course"]
        self.opening += 1
        self.opened += 1
        try:
            await turns(course.turns)
            if not course.connects:
                raise httpcore.ConnectTimeout
        finally:
            self.opening -= 1
        return Line(self, course.origin)


class Line(httpcore.AsyncConnectionInterface):
    """A connection. Attributes: `origin`, `served`, `gone`, `is_open`: on the server's side, on ours."""

    def __init__(self, network: Network, origin: str) -> None:
        self.origin = origin
        self.served = 0
        self.gone = False
        self.is_open = True
        self._network = network
        self._busy = False
        network.open.append(self)

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """As its course says."""
        course: Course = request.extensions["course"]
        assert course.origin == self.origin
        assert not self._busy, "two requests at once"
        if not self.is_open or (course.answers == "elsewhere" and request not in self._network.sent_elsewhere):
            self._network.sent_elsewhere.add(request)
            raise httpcore.ConnectionNotAvailable
        self._busy = True
        await turns(course.turns)
        while course.answers == "never" and self.is_open:
            await turns(1)
        if course.answers == "broken" or not self.is_open:
            raise httpcore.ReadError
        self.served += 1
        return httpcore.Response(200, content=_Content(self, course))

    async def aclose(self) -> None:
        """Closes it, also where this is cancelled, and waits for the turn after which nothing is left of it."""
        if self.is_open:
            self.is_open = False
            asyncio.get_running_loop().call_soon(self._network.open.remove, self)
            await turns(1)

    def is_idle(self) -> bool:
        """Whether its last response was read whole."""
        return self.is_open and not self._busy

    def has_expired(self) -> bool:
        """Whether its server has closed it."""
        return self.gone

    def ended(self) -> None:
        """Its response was read whole."""
        self._busy = False


class _Content:
    def __init__(self, line: Line, course: Course) -> None:
        self._line = line
        self._course = course
        self._whole = not course.turns

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts()

    async def _parts(self) -> AsyncIterator[bytes]:
        for _ in range(self._course.turns):
            await turns(1)
            yield b"x"
        self._whole = True

    async def aclose(self) -> None:
        await turns(1)
        if self._whole:
            self._line.ended()
        else:
            await self._line.aclose()
