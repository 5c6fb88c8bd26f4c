"""The end of what a host owns: each step is bounded, and none is a reason for the others not to follow."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final

from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.host")
_STEP_S: Final = 6.0
_LEAST_STEP_S: Final = 0.25


def bound_s(until: float) -> float:
    """What one step may take, in seconds: half of what is left, so that those after it have some too.

    until: when all has to be over, as a time of the loop.
    """
    return min(_STEP_S, max(_LEAST_STEP_S, (until - asyncio.get_running_loop().time()) / 2))


async def step(name: str, work: Awaitable[None], until: float) -> None:
    """One step of the stop. Never raises: what went wrong, or was cut off, is logged."""
    within_s = bound_s(until)
    cut = asyncio.timeout(within_s)
    try:
        async with cut:
            await work
    except Exception as error:  # noqa: BLE001 - whatever a part meets at its end, the others are ended too
        what = f"was cut off after {within_s:.1f} s" if cut.expired() else "failed"
        trace = None if cut.expired() else error
        _log.error("%s %s", name, what, exc_info=trace, extra={"event": events.HOST_STEP_FAILED})


async def ended(task: asyncio.Task[None], within_s: float = _STEP_S) -> bool:
    """Cancels the task and waits for its end, within a bound. True where it failed, which is logged."""
    task.cancel()
    _, unending = await asyncio.wait([task], timeout=within_s)
    error = None if unending or task.cancelled() else task.exception()
    if unending or error is not None:
        what = "does not end, though it was cancelled" if unending else "failed"
        _log.error("%s %s", task.get_name(), what, exc_info=error, extra={"event": events.HOST_TASK_FAILED})
    return error is not None
