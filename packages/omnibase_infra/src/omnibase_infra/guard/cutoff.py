"""One timer that cuts off many calls: one for each would cost as much as a short call."""

import asyncio


class CutOff:
    """Cancels tasks whose call lasts too long; each task has one call under way at the most.

    The timer is moved only when it fires, or for a call that has to be cut off sooner: calls that are done in time
    leave it alone.
    """

    def __init__(self) -> None:
        self._until: dict[asyncio.Task[object], float] = {}
        self._cut: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._idle: asyncio.Future[None] | None = None

    def begin(self, task: "asyncio.Task[object]", until: float) -> None:
        """The task makes a call, which may last until this time of the loop."""
        self._until[task] = until
        timer = self._timer
        if timer is None or until < timer.when():
            self._look_at(until)

    def end(self, task: "asyncio.Task[object]") -> bool:
        """The call is over. True where it was cut off, and nobody else cancels the task."""
        if self._until.pop(task, None) is not None or task not in self._cut:
            was_cut = False
        else:
            self._cut.remove(task)
            was_cut = task.uncancel() == 0
        if self._idle is not None and not (self._until or self._cut or self._idle.done()):
            self._idle.set_result(None)
        return was_cut

    async def idle(self) -> None:
        """Returns when no call is under way any more; each ends in its time. For one waiter."""
        if self._until or self._cut:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle

    def _look_at(self, time: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(time, self._look)

    def _look(self) -> None:
        """Cuts off what is late, but for tasks that somebody else is cancelling already."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        for task in [task for task, until in self._until.items() if until <= now and not task.cancelling()]:
            del self._until[task]
            self._cut.add(task)
            task.cancel()
        following = [until for until in self._until.values() if until > now]
        if following:
            self._look_at(min(following))
