"""The watchdog: notices a host that has work and no reason to wait, and gets nothing done; and a loop that lags.

Whoever restarts such a host finds in the log what each lane was waiting for.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Final

from omnibase_infra.host.engine import DeliveryEngine
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.host")
_TICK_S: Final = 0.5
_MOST_LANES: Final = 20
_DEEPEST: Final = 30


class Watchdog:
    """Looks at the engine twice a second.

    limit_s: after so long with work in flight, no wait that is known, and no outcome, the host is stalled; more
    than any attempt of a handler may take.
    lag_s: how late the loop was at the last look; worst_lag_s: at the worst look so far.
    """

    def __init__(self, engine: DeliveryEngine, limit_s: float) -> None:
        self._engine = engine
        self._limit_s = limit_s
        self._settled = -1
        self._since = 0.0
        self._stalled = False
        self._now = 0.0
        self.lag_s = 0.0
        self.worst_lag_s = 0.0

    async def run(self) -> None:
        """Looks until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK_S
            await asyncio.sleep(_TICK_S)
            now = loop.time()
            self.lag_s = now - due
            self.worst_lag_s = max(self.worst_lag_s, self.lag_s)
            self.look(now)

    def look(self, now: float) -> None:
        """now: a time of the loop, in seconds."""
        self._now = now
        progress = self._engine.progress
        settled = sum(progress.settled.values())
        if settled != self._settled or not progress.in_flight or self._engine.waits_for() is not None:
            self._settled, self._since = settled, now
            if self._stalled:
                self._stalled = False
                _log.info("the host gets on again", extra={"event": events.HOST_STALL_OVER})
        elif not self._stalled and self.stalled_s is not None:
            self._stalled = True
            _log.critical(
                "nothing got its outcome for %.0f s, though %d are in flight and nothing is known to wait for",
                now - self._since,
                progress.in_flight,
                extra={"event": events.HOST_STALLED, "lanes": _stacks(self._engine.tasks)},
            )

    @property
    def stalled_s(self) -> float | None:
        """How long the host has been stalled, in seconds; None while it is not."""
        still_s = self._now - self._since
        return still_s if still_s >= self._limit_s else None


def _stacks(tasks: Iterable[asyncio.Task[None]]) -> list[list[str]]:
    """What each task waits for, the innermost call last."""
    return [_awaiting(task.get_coro()) for task in list(tasks)[:_MOST_LANES]]


def _awaiting(awaited: Awaitable[object] | object | None) -> list[str]:
    places: list[str] = []
    while awaited is not None and len(places) < _DEEPEST:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is None:
            places.append(type(awaited).__name__)
            break
        places.append(f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}")
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return places
