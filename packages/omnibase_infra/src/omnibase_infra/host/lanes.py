"""Lanes: key-ordered concurrency. Free workers over per-key queues, never a hash of the key.

A key is with one worker at a time, and no worker waits for a key that another one has, so colliding keys cannot
block each other. Queues outlive assignments: a redelivery waits behind the old run of its key. Workers wait on
futures with one wake-up under way at a time, so a burst of records that need no waiting wakes one or two workers
and not all of them.

A flight that waits (for a retry, the rate limit, a server that is out of order) keeps its key and its worker, and
that worker does not count: another one takes its place, so that waiting flights hold up nobody else's.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import NamedTuple

from omnibase_infra.guard import PLACE
from omnibase_infra.host.berths import Berth, Berths
from omnibase_infra.host.bulkhead import Bulkheads
from omnibase_infra.host.flight import Flight
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.engine")
_TURN = 128


class Carrier(NamedTuple):
    """Who works on flights.

    admit: gives the flight its cargo, before it is carried; maybe some others as well.
    carry: brings it to its outcome, when what it returns is awaited; None where that has happened already.
    """

    admit: Callable[[Flight], None]
    carry: Callable[[Flight], Awaitable[None] | None]


class LaneFigures(NamedTuple):
    """Workers that are busy, workers whose flights wait, and flights that wait for a worker, key or bulkhead."""

    busy: int
    waiting: int
    queued: int


class Lanes:
    """Has each flight carried: one at a time per key, at most `width` at once, not counting those that wait.

    rest: called when a worker has nothing more to run and no other one is at work.
    bulkheads: how many flights of a node may be with workers at once; the others of that node wait without.
    Flights without a key are in no order. To carry must not raise; a worker that dies all the same is
    replaced, with a line in the log.
    """

    def __init__(
        self,
        carrier: Carrier,
        rest: Callable[[], None],
        width: int,
        bulkheads: Bulkheads | None = None,
    ) -> None:
        self._carrier = carrier
        self._rest = rest
        self._width = width
        self._bulkheads = bulkheads
        self.berths = Berths(self._is_full, self._vacated)
        self._behind: dict[Hashable, deque[Flight] | None] = {}
        self._ready: deque[Flight] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._waking = False
        self._closed = False

    def put(self, flight: Flight, key: Hashable | None) -> None:
        """Queues the flight behind those of its key."""
        if key is not None:
            flight.key = key
            if key in self._behind:
                queue = self._behind[key]
                if queue is None:
                    queue = self._behind[key] = deque()
                queue.append(flight)
                return
            self._behind[key] = None
        self._ready.append(flight)
        if not self._waking:
            self._wake()

    async def close(self) -> None:
        """Cancels whatever still runs, and returns when it is gone."""
        self._closed = True
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        if workers:
            await asyncio.wait(workers)

    @property
    def workers(self) -> Collection[asyncio.Task[None]]:
        """The tasks, idle ones included."""
        return self._workers

    def figures(self) -> LaneFigures:
        """How full they are."""
        away = len(self.berths.away)
        behind = sum(len(queue) for queue in self._behind.values() if queue)
        outside = 0 if self._bulkheads is None else self._bulkheads.waiting
        busy = len(self._workers) - len(self._idle) - away
        return LaneFigures(busy, away, len(self._ready) + behind + outside)

    def _is_full(self) -> bool:
        return len(self._workers) - len(self._idle) - len(self.berths.away) >= self._width

    def _vacated(self) -> None:
        if self._ready and not self._waking:
            self._wake()

    def _wake(self) -> None:
        if self._closed or self._is_full():
            return
        self._waking = True
        if self._idle:
            self._idle.pop().set_result(None)
        else:
            worker = asyncio.get_running_loop().create_task(self._work(), name="onex-lane")
            self._workers.add(worker)
            worker.add_done_callback(self._gone)

    def _gone(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._waking = False
        if not worker.cancelled() and (error := worker.exception()) is not None:
            _log.critical(
                "a lane worker died and is replaced", exc_info=error, extra={"event": events.ENGINE_LANE_DIED}
            )
            if not self.berths.make_room() and self._ready:
                self._wake()

    async def _work(self) -> None:
        """Runs what is ready; gives way to the loop every `_TURN` flights."""
        ready, bulkheads, berths = self._ready, self._bulkheads, self.berths
        admit, carry = self._carrier.admit, self._carrier.carry
        returning, berth = berths.returning, Berth(berths)
        PLACE.set(berth)
        turn = 0
        while True:
            self._waking = False
            while ready and not (returning and berths.make_room()):
                flight = ready.popleft()
                if flight.cargo is None:
                    admit(flight)
                if bulkheads is not None and not bulkheads.enter(flight):
                    continue
                if ready and not self._waking:
                    self._wake()
                berth.flight = flight
                try:
                    if (rest := carry(flight)) is not None:
                        await rest
                finally:
                    self._make_way(flight)
                turn += 1
                if turn == _TURN:
                    turn = 0
                    await asyncio.sleep(0)
            if not self._may_idle():
                return
            waiter = asyncio.get_running_loop().create_future()
            self._idle.append(waiter)
            await waiter

    def _may_idle(self) -> bool:
        """Before a worker waits for something to carry; False where there are enough that do."""
        if not self._ready:
            self.berths.make_room()
        if len(self._idle) + len(self.berths.away) + 1 == len(self._workers):
            self._rest()
        if len(self._idle) < self._width:
            return True
        worker = asyncio.current_task()
        assert worker is not None
        self._workers.discard(worker)
        return False

    def _make_way(self, flight: Flight) -> None:
        """What waited for this flight is ready now; a key that nothing waits for is forgotten."""
        key = flight.key
        if key is not None:
            queue = self._behind[key]
            if queue:
                self._ready.append(queue.popleft())
            else:
                del self._behind[key]
        if self._bulkheads is not None and (following := self._bulkheads.leave(flight)) is not None:
            self._ready.appendleft(following)
