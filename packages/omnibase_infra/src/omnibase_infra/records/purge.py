"""What a purge takes: the dead letters at the beginning of each partition, up to a bound.

A broker removes records only from the beginning of a partition, so a purge never picks out single ones.
"""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from omnibase_spi.topic_log import Extent, Partition

from omnibase_infra.records.dead_letter import DeadLetter
from omnibase_infra.records.letters import Letters
from omnibase_infra.records.progress import Progress
from omnibase_infra.records.selection import Selection


class PurgeBound(NamedTuple):
    """Where a purge stops, in each of the partitions (none given: all); the nearest of the bounds holds.

    offset: the first that stays. time: the first that failed then or later stays. replayed: the first that was
    not replayed stays.
    """

    partitions: frozenset[int] = frozenset()
    offset: int | None = None
    time: datetime | None = None
    replayed: bool = False


@dataclass(slots=True)
class PartitionPurge:
    """What goes from one partition: `letters` dead letters, of which `unreplayed` were never replayed.

    start: the first offset there. end: the first that stays.
    """

    partition: Partition
    start: int
    end: int
    letters: int = 0
    unreplayed: int = 0


async def plan_purge(letters: Letters, bound: PurgeBound) -> Sequence[PartitionPurge]:
    """What a purge would take; partitions of which nothing would go are left out.

    Raises EventBusError where what was replayed has to be known, and cannot be read.
    """
    replayed = await (letters.replayed() if bound.replayed else letters.replayed_if_known())
    extents = [_bounded(each, bound, replayed or {}) for each in await _extents(letters, bound)]
    plans = {each.partition: PartitionPurge(each.partition, each.start, each.end) for each in extents}
    closed: set[Partition] = set()
    async with aclosing(letters.read(extents)) as batches:
        async for batch in batches:
            for letter in batch:
                plan = plans[letter.record.partition]
                if plan.partition not in closed and not _take(plan, letter, bound, replayed or {}):
                    closed.add(plan.partition)
    return [plan for plan in plans.values() if plan.letters]


async def _extents(letters: Letters, bound: PurgeBound) -> Sequence[Extent]:
    return await letters.extents(Selection(partitions=bound.partitions))


def _bounded(extent: Extent, bound: PurgeBound, replayed: Mapping[Partition, Progress]) -> Extent:
    ends = [extent.end]
    if bound.offset is not None:
        ends.append(bound.offset)
    if bound.replayed:
        ends.append(replayed[extent.partition].floor if extent.partition in replayed else 0)
    return extent._replace(end=max(extent.start, min(ends)))


def _take(
    plan: PartitionPurge, letter: DeadLetter, bound: PurgeBound, replayed: Mapping[Partition, Progress]
) -> bool:
    """Counts the letter as one that goes; False, and the end of the plan, where it stays."""
    if bound.time is not None and letter.failed_at >= bound.time:
        plan.end = letter.record.offset
        return False
    plan.letters += 1
    progress = replayed.get(plan.partition)
    plan.unreplayed += progress is None or letter.record.offset not in progress
    return True
