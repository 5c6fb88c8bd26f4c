"""One limit of time for many calls: a timer for all of them, since one for each costs as much as a short call."""

import asyncio


class CutOff:
    """Cancels calls that last longer than `limit_s`; each task has one call under way at the most.

    The timer is moved only when it fires: calls that are done in time leave it alone.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._until: dict[asyncio.Task[object], float] = {}  # in the order of time, since there is one limit
        self._cut: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: "asyncio.Task[object]", now: float) -> None:
        """The task makes a call now, a time of the loop."""
        until = self._until[task] = now + self.limit_s
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(until, self._look)

    def end(self, task: "asyncio.Task[object]") -> bool:
        """The call is over. True where it was cut off, and nobody else cancels the task."""
        if self._until.pop(task, None) is not None or task not in self._cut:
            return False
        self._cut.remove(task)
        return task.uncancel() == 0

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        while self._until:
            task, until = next(iter(self._until.items()))
            if until > now:
                self._timer = loop.call_at(until, self._look)
                return
            del self._until[task]
            if task.cancelling():
                self._until[task] = now + self.limit_s
                continue
            self._cut.add(task)
            task.cancel()
