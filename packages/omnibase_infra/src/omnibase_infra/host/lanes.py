"""Lanes: key-ordered concurrency. Free workers over per-key queues, never a hash of the key.

A busy key owns a worker until its queue is empty, so colliding keys cannot block each other. Queues outlive
assignments: a redelivery waits behind the old run of its key. Workers wait on futures with one wake-up under
way at a time, so a burst of records that need no waiting wakes one or two workers and not all of them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

from omnibase_infra.host.flight import Flight
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.engine")
_TURN = 64


class Lanes:
    """Runs `carry` for each flight: one at a time per key, at most `width` at once.

    Flights without a key are in no order. `carry` must not raise; a worker that dies all the same is
    replaced, with a line in the log.
    """

    def __init__(self, carry: Callable[[Flight], Awaitable[None]], width: int) -> None:
        self._carry = carry
        self._width = width
        self._queues: dict[Hashable, deque[Flight]] = {}
        self._ready: deque[Hashable | Flight] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._waking = False
        self._closed = False

    def put(self, flight: Flight, key: Hashable | None) -> None:
        """Queues the flight behind those of its key."""
        if key is None:
            self._ready.append(flight)
        elif (queue := self._queues.get(key)) is not None:
            queue.append(flight)
            return
        else:
            self._queues[key] = deque((flight,))
            self._ready.append(key)
        if not self._waking:
            self._wake()

    async def close(self) -> None:
        """Cancels whatever still runs, and returns when it is gone."""
        self._closed = True
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _wake(self) -> None:
        if self._idle:
            self._waking = True
            self._idle.pop().set_result(None)
        elif len(self._workers) < self._width and not self._closed:
            self._waking = True
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
            if self._ready:
                self._wake()

    async def _work(self) -> None:
        turn = 0
        while True:
            self._waking = False
            while self._ready:
                lane = self._ready.popleft()
                if self._ready and not self._waking:
                    self._wake()
                turn = await self._run(lane, turn)
            waiter = asyncio.get_running_loop().create_future()
            self._idle.append(waiter)
            await waiter

    async def _run(self, lane: Hashable | Flight, turn: int) -> int:
        """Runs one flight, or all of one key; gives way to the loop every `_TURN` flights."""
        if isinstance(lane, Flight):
            await self._carry(lane)
            return await _give_way(turn + 1)
        queue = self._queues[lane]
        try:
            while queue:
                await self._carry(queue.popleft())
                turn = await _give_way(turn + 1)
        finally:
            if queue:
                self._ready.append(lane)
            else:
                del self._queues[lane]
        return turn


async def _give_way(turn: int) -> int:
    if turn < _TURN:
        return turn
    await asyncio.sleep(0)
    return 0
