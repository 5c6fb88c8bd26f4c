"""A host that watches itself: no thread but the resolver's, no task of a handler, no blocking call.

Blocking is a callback of the loop that lasts over 50 ms and gave the processor up by itself: one that was merely
interrupted, on a busy machine, did nothing wrong.
"""

import asyncio
import inspect
import resource
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from omnibase_infra.host.process import BaseRuntimeHostProcess

from tests.guards import HANDLERS, Breaches, creator_of
from tools.soak.host import SteadyHost

_LONGEST_S: Final = 0.05


def _calls(frame: FrameType | None) -> Sequence[str]:
    calls = []
    while frame is not None:
        calls.append(frame.f_code.co_name)
        frame = frame.f_back
    return calls


@contextmanager
def watched(loop: asyncio.AbstractEventLoop, breaches: Breaches, folder: str = HANDLERS) -> Iterator[None]:
    """Notes each breach of this loop within the block. folder: whose files create no tasks."""
    start = threading.Thread.start
    original, factory = asyncio.Handle._run, loop.get_task_factory()  # noqa: SLF001 - the one place where all pass

    def run(handle: asyncio.Handle) -> None:
        begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        original(handle)
        took_s = time.monotonic() - begun
        if took_s > _LONGEST_S and resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw > before:
            breaches.add(f"{handle!r} blocked for {took_s:.3f} s")

    def make(loop: asyncio.AbstractEventLoop, coro, **options):  # type: ignore[no-untyped-def]  # as the loop has it
        if folder in (creator := creator_of(inspect.currentframe())):
            breaches.add(f"{creator} created a task")
        return asyncio.Task(coro, loop=loop, **options)

    def begin(thread: threading.Thread) -> None:
        calls = _calls(inspect.currentframe())
        if "getaddrinfo" not in calls:
            breaches.add(f"a thread was started by {' <- '.join(calls[:12])}")
        start(thread)

    threading.Thread.start = begin  # type: ignore[method-assign,assignment]  # audit hooks see threads from Python 3.12 on
    loop.set_task_factory(make)
    asyncio.Handle._run = run  # type: ignore[method-assign,assignment]  # noqa: SLF001 - as above
    try:
        yield
    finally:
        asyncio.Handle._run = original  # type: ignore[method-assign]  # noqa: SLF001 - as above
        loop.set_task_factory(factory)
        threading.Thread.start = start  # type: ignore[method-assign]


class WatchedHost(BaseRuntimeHostProcess):
    """Crashes at its end where anything was seen."""

    async def stopping(self) -> None:
        """Watched until the stop."""
        breaches = Breaches()
        with watched(asyncio.get_running_loop(), breaches):
            await super().stopping()
        if seen := breaches.take():
            raise AssertionError("; ".join(seen))


class WatchedSteadyHost(WatchedHost, SteadyHost):
    """The same, under the load of a soak."""
