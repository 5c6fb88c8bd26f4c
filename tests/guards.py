"""What lint cannot see, watched while the tests run: blocking calls, tasks of handlers, threads that stay.

A product may turn any exception into an error envelope, so each breach is also recorded, and fails its test.
"""

import asyncio
import asyncio.base_events
import inspect
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from types import FrameType
from typing import Final

import blockbuster.blockbuster
import pytest
from blockbuster import BlockBuster, BlockingError

OURS: Final = ("omnibase_core", "omnibase_spi", "omnibase_infra")
HANDLERS: Final = os.path.join("omnibase_infra", "handlers") + os.sep
_WATCHED: Final = os.path.join(os.path.dirname(__file__), "fakes", "watched.py")
_ASYNCIO: Final = os.path.dirname(asyncio.__file__) + os.sep
_OF_THE_LOOP: Final = ("asyncio_", "waitpid-")


class TaskInHandlerError(AssertionError):
    """A module of omnibase_infra/handlers created a task: the host owns all concurrency."""


class Breaches:
    """What was seen since the last test; `take` empties it."""

    def __init__(self) -> None:
        self._seen: list[str] = []

    def add(self, breach: str) -> None:
        """Notes one."""
        self._seen.append(breach)

    def take(self) -> Sequence[str]:
        """All of them, which are forgotten then."""
        seen, self._seen = self._seen, []
        return seen


@contextmanager
def no_blocking_calls(breaches: Breaches, scanned: Sequence[str] = OURS) -> Iterator[None]:
    """A blocking call with a module of `scanned` in its stack fails while an event loop runs.

    `initialize` of a handler or bus may block (SPEC 2): reading a certificate, building a pool's settings.
    So may a line of the log (I17), and so does a client that trusts the system's authorities, once it is built.
    """

    class RecordedError(BlockingError):
        def __init__(self, func: str) -> None:
            super().__init__(func)
            breaches.add(f"blocking call to {func} on the loop; find the async way, or do it in initialize()")

    detector = BlockBuster([name for name in scanned if find_spec(name)])
    for function in detector.functions.values():
        function.can_block_in(".py", {"initialize"})
        function.can_block_in("logging/__init__.py", {"emit", "flush"})
        function.can_block_in("telemetry/outlet.py", {"_drain"})  # it writes what poll says that there is room for
        function.can_block_in("prometheus_client/process_collector.py", {"collect"})  # /proc is no disk
        function.can_block_in("ssl.py", {"get_default_verify_paths"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blockbuster.blockbuster, "BlockingError", RecordedError)
        detector.activate()
        try:
            yield
        finally:
            detector.deactivate()


@contextmanager
def no_task_of(folder: str, breaches: Breaches) -> Iterator[None]:
    """No task whose immediate creator, asyncio's own frames aside, is a file in `folder`.

    Drivers make tasks of their own, and they may: their frame stands between the handler's and asyncio's.
    """
    original = asyncio.base_events.BaseEventLoop.create_task

    def create_task(loop, coro, **options):  # type: ignore[no-untyped-def]  # the signature differs by Python version
        creator = creator_of(inspect.currentframe())
        if folder in creator:
            coro.close()
            breach = f"{creator} created a task; handlers create none: await the work, the host owns concurrency"
            breaches.add(breach)
            raise TaskInHandlerError(breach)
        return original(loop, coro, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.base_events.BaseEventLoop, "create_task", create_task)
        yield


def threads_left(before: frozenset[threading.Thread], patience_s: float = 2.0) -> Sequence[str]:
    """The threads that were not there before and do not end within `patience_s`, those of the loop aside."""
    left = []
    for thread in threading.enumerate():
        if thread not in before and not thread.name.startswith(_OF_THE_LOOP):
            thread.join(patience_s)
            if thread.is_alive():
                left.append(f"thread '{thread.name}' was left running; the host is single-threaded")
    return left


def creator_of(frame: FrameType | None) -> str:
    """The file of the first frame that is neither asyncio's nor a watcher's."""
    while frame is not None and frame.f_code.co_filename.startswith((_ASYNCIO, __file__, _WATCHED)):
        frame = frame.f_back
    return "" if frame is None else frame.f_code.co_filename
