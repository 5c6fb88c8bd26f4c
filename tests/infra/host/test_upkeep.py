"""What is kept up while a host runs: again when it is due, sooner where it failed, and undone at the end."""

import asyncio
import logging
from math import inf

import pytest
from omnibase_core.errors import HandlerConnectionError
from omnibase_infra.host.upkeep import Upkeep, Upkeeps

from tests.fakes.virtual_time import virtually


class Kept:
    """Gives what it is told, and notes when it was asked."""

    def __init__(self, *due_s: float | None) -> None:
        self.due_s = list(due_s)
        self.at: list[float] = []
        self.ended = 0
        self.failing_ends = 0

    async def keep(self) -> float:
        """The next one; None is a failure."""
        self.at.append(asyncio.get_running_loop().time())
        due_s = self.due_s.pop(0) if self.due_s else inf
        if due_s is None:
            raise HandlerConnectionError("the server is gone")
        return due_s

    async def end(self) -> None:
        """Fails as often as it is told."""
        self.ended += 1
        if self.ended <= self.failing_ends:
            raise HandlerConnectionError("the server is gone")


def kept_for(kept: Kept, seconds: float, *, stop_s: float = 10.0) -> list[float]:
    """When it was asked, in seconds after the start, over so many of them; it is stopped then."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        upkeeps = Upkeeps([Upkeep("lease", kept.keep, kept.end)])
        upkeeps.start()
        await asyncio.sleep(seconds)
        await upkeeps.stop(loop.time() + stop_s)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return [round(at - started, 3) for at in kept.at]

    return virtually(main())


def test_it_is_done_at_once_and_whenever_it_is_due() -> None:
    assert kept_for(Kept(10, 20, 30), 45) == [0, 10, 30]


def test_what_is_never_due_again_is_looked_at_once_an_hour() -> None:
    assert kept_for(Kept(), 7_300) == [0, 3_600, 7_200]


def test_a_failure_is_logged_and_tried_again_after_longer_and_longer_pauses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    assert kept_for(Kept(*[None] * 7, 5), 100) == [0, 1, 3, 7, 15, 31, 61, 91, 96]
    assert caplog.messages == ["lease: the server is gone"] * 7


def test_after_a_success_the_pauses_are_short_again() -> None:
    assert kept_for(Kept(None, None, 5, None), 10) == [0, 1, 3, 8, 9]


def test_it_is_undone_once_it_works_again(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(10)
    kept.failing_ends = 3
    kept_for(kept, 1)
    assert kept.ended == 4
    assert caplog.messages == ["lease: the server is gone"]


def test_an_end_that_never_works_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(10)
    kept.failing_ends = 1_000
    kept_for(kept, 1, stop_s=4.0)
    assert caplog.messages == ["lease: the server is gone", "end of lease was cut off after 2.0 s"]


def test_what_was_never_started_is_not_undone() -> None:
    kept = Kept()
    virtually(Upkeeps([Upkeep("lease", kept.keep, kept.end)]).stop(0.0))
    assert (kept.at, kept.ended) == ([], 0)
