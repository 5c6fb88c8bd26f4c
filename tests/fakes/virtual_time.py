"""An event loop whose time stands still while anything can run, and jumps to the next timer when nothing can."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class _Jumping(selectors.SelectSelector):
    """Never waits: tells the loop how long it would have."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing is left that could ever run: somebody waits for what never comes")
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """For code that does no I/O. now: its time, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """The time that the timers see."""
        return self.now


def virtually(main: Coroutine[Any, Any, _T]) -> _T:
    """Runs the coroutine in virtual time; a wait for what never comes is an error."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
