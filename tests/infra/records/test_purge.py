"""A purge takes the beginning of each partition, up to the nearest of its bounds."""

import asyncio
from datetime import timedelta

import pytest
from omnibase_infra.records.purge import PurgeBound, plan_purge
from omnibase_infra.records.replay import Replay, ReplayRules
from omnibase_infra.records.selection import Offsets, Selection

from tests.fakes.memory_log import MemoryTopicLog
from tests.fakes.runtimes import NOW
from tests.infra.records.letters import FAILED_AT, INPUT, give_up, letters_in, log_with


def filled() -> MemoryTopicLog:
    """Six letters in two partitions, a minute apart."""
    log = log_with(partitions=2)
    for number in range(6):
        give_up(log, number, partition=number % 2, after_minutes=number)
    return log


async def planned(log: MemoryTopicLog, bound: PurgeBound) -> list[tuple[int, int, int, int, int]]:
    plans = await plan_purge(letters_in(log), bound)
    return [(each.partition.number, each.start, each.end, each.letters, each.unreplayed) for each in plans]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("bound", "plan"),
    [
        (PurgeBound(), [(0, 0, 3, 3, 3), (1, 0, 3, 3, 3)]),
        (PurgeBound(partitions=frozenset({1})), [(1, 0, 3, 3, 3)]),
        (PurgeBound(partitions=frozenset({1}), offset=2), [(1, 0, 2, 2, 2)]),
        (PurgeBound(offset=99), [(0, 0, 3, 3, 3), (1, 0, 3, 3, 3)]),
        (PurgeBound(time=FAILED_AT + timedelta(minutes=3)), [(0, 0, 2, 2, 2), (1, 0, 1, 1, 1)]),
        (PurgeBound(time=FAILED_AT), []),
        (PurgeBound(replayed=True), []),
    ],
)
async def test_the_nearest_bound_holds(bound: PurgeBound, plan: list[tuple[int, int, int, int, int]]) -> None:
    assert await planned(filled(), bound) == plan


@pytest.mark.asyncio
async def test_what_was_not_replayed_stays_with_all_that_is_behind_it() -> None:
    log = filled()
    rules = ReplayRules(Selection(offsets=[Offsets(0, 0), Offsets(2, 2)]))
    await Replay(letters_in(log), INPUT, rules, lambda: NOW).run(asyncio.Event(), lambda tally: None)
    assert await planned(log, PurgeBound(replayed=True)) == [(0, 0, 1, 1, 0), (1, 0, 1, 1, 0)]
    assert await planned(log, PurgeBound()) == [(0, 0, 3, 3, 1), (1, 0, 3, 3, 1)]


@pytest.mark.asyncio
async def test_a_letter_that_failed_late_keeps_those_behind_it() -> None:
    log = log_with()
    for minutes in (0, 9, 1):
        give_up(log, minutes, after_minutes=minutes)
    assert await planned(log, PurgeBound(time=FAILED_AT + timedelta(minutes=5))) == [(0, 0, 1, 1, 1)]
