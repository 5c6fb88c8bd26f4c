"""The end of what a host owns: each step is bounded, and none is a reason for the others not to follow."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple

from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.host")
_STEP_S: Final = 6.0
_LEAST_STEP_S: Final = 0.25


class Step(NamedTuple):
    """One step of an end. work: begins it, told when all has to be over, as a time of the loop.

    bounded: it is cut off when it has had its share of the time that is left; others keep to the time themselves.
    """

    name: str
    work: Callable[[float], Awaitable[object] | None]
    bounded: bool = True


def bound_s(until: float) -> float:
    """What one step may take, in seconds: half of what is left, so that those after it have some too.

    until: when all has to be over, as a time of the loop.
    """
    return min(_STEP_S, max(_LEAST_STEP_S, (until - asyncio.get_running_loop().time()) / 2))


async def every(steps: Iterable[Step], until: float) -> list[str]:
    """Every step in its turn, by `until`, whatever the ones before it met; the names of those that went wrong.

    Where this is cancelled the step under way is cut off, the others get the least time that there is, and
    CancelledError is raised when they are over.
    """
    wrong: list[str] = []
    cancelled: asyncio.CancelledError | None = None
    for each in steps:
        try:
            done = await step(each.name, each.work, until, bounded=each.bounded)
        except asyncio.CancelledError as error:
            cancelled, done = error, False
            until = asyncio.get_running_loop().time()
        if not done:
            wrong.append(each.name)
    if cancelled is not None:
        raise cancelled
    return wrong


async def step(
    name: str, work: Callable[[float], Awaitable[object] | None], until: float, *, bounded: bool = True
) -> bool:
    """One step of an end. False where it failed or was cut off, which is logged; raises when cancelled only."""
    within_s = bound_s(until)
    cut = asyncio.timeout(within_s if bounded else None)
    try:
        async with cut:
            begun = work(until)
            if begun is not None:
                await begun
    except asyncio.CancelledError as error:
        if is_cancelled():
            _say(name, "was cut off: the stop itself was cancelled", None)
            raise
        _say(name, "failed", error)
        return False
    except Exception as error:  # noqa: BLE001 - whatever a part meets at its end, the others are ended too
        if cut.expired():
            _say(name, f"was cut off after {within_s:.1f} s", None)
        else:
            _say(name, "failed", error)
        return False
    return True


def end_of(task: asyncio.Task[None]) -> Step:
    """The step that cancels a task and waits for it."""
    return Step(f"end of {task.get_name()}", lambda until: ended(task, bound_s(until)), bounded=False)


async def ended(task: asyncio.Task[None], within_s: float = _STEP_S) -> bool:
    """Cancels the task and waits for its end, within a bound. True where it failed, which is logged."""
    task.cancel()
    _, unending = await asyncio.wait([task], timeout=within_s)
    error = None if unending or task.cancelled() else task.exception()
    if unending or error is not None:
        what = "does not end, though it was cancelled" if unending else "failed"
        _log.error("%s %s", task.get_name(), what, exc_info=error, extra={"event": events.HOST_TASK_FAILED})
    return error is not None


def _say(name: str, what: str, error: BaseException | None) -> None:
    _log.error("%s %s", name, what, exc_info=error, extra={"event": events.HOST_STEP_FAILED})


def is_cancelled() -> bool:
    """Whether the running task itself is being cancelled; else a CancelledError comes out of what it called."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
