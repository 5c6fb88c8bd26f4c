"""What has to be done again and again while a host runs, and once at its end: leases, signs of life."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from math import inf
from typing import Final, NamedTuple

from omnibase_core.errors import RuntimeHostError

from omnibase_infra.host.ending import ended, step
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.host")
_LONGEST_S: Final = 3_600.0
_AGAIN_S: Final = (1.0, 30.0)
_END_AGAIN_S: Final = 0.2


class Upkeep(NamedTuple):
    """One such thing. keep: does what is due, and gives the seconds until more is. end: undoes it."""

    name: str
    keep: Callable[[], Awaitable[float]]
    end: Callable[[], Awaitable[object]] | None = None


class Upkeeps:
    """All of a host's, each in a task of its own. A failure is logged, and tried again; it ends nothing."""

    def __init__(self, upkeeps: Sequence[Upkeep]) -> None:
        self._upkeeps = upkeeps
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins with what is due at once."""
        self._tasks = [asyncio.create_task(_kept(each), name=f"onex-{each.name}") for each in self._upkeeps]

    async def stop(self, until: float) -> None:
        """Ends all, and undoes what was kept; each end is tried until it is cut off, as a step of the stop."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            await ended(task)
        for each in self._upkeeps if tasks else ():
            if each.end is not None:
                await step(f"end of {each.name}", partial(_undone, each.name, each.end), until)


async def _kept(upkeep: Upkeep) -> None:
    least, most = _AGAIN_S
    delay = least
    while True:
        try:
            due_s = await upkeep.keep()
            delay = least
        except RuntimeHostError as error:
            _told(upkeep.name, error)
            due_s, delay = delay, min(2 * delay, most)
        await asyncio.sleep(_LONGEST_S if due_s == inf else min(due_s, _LONGEST_S))


async def _undone(name: str, end: Callable[[], Awaitable[object]], _: float) -> None:
    tried = False
    while True:
        try:
            await end()
            return
        except RuntimeHostError as error:
            if not tried:
                _told(name, error)
            tried = True
            await asyncio.sleep(_END_AGAIN_S)


def _told(name: str, error: RuntimeHostError) -> None:
    _log.warning("%s: %s", name, error.message, extra={"event": events.HOST_UPKEEP_FAILED})
