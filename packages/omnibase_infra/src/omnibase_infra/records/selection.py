"""Which dead letters a command is about."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from omnibase_spi.topic_log import Extent

from omnibase_infra.records.dead_letter import DeadLetter

_Value = TypeVar("_Value")


class Offsets(NamedTuple):
    """The offsets from `first` to `last`, both included; None has no bound on that side."""

    first: int | None
    last: int | None


class Selection(NamedTuple):
    """Dead letters by what is known of them. Every condition holds; of the values of one, any.

    since, until: of the time of failure; `until` itself is not included.
    """

    codes: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    correlation_ids: frozenset[str] = frozenset()
    keys: frozenset[bytes] = frozenset()
    partitions: frozenset[int] = frozenset()
    offsets: Sequence[Offsets] = ()
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether a dead letter is one of these."""
        return (
            _among(self.codes, letter.code)
            and _among(self.nodes, letter.node)
            and _among(self.correlation_ids, letter.correlation_id)
            and _among(self.keys, letter.record.key)
            and _among(self.partitions, letter.record.partition.number)
            and (not self.offsets or any(_within(each, letter.record.offset) for each in self.offsets))
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
        )

    def narrowed(self, extents: Sequence[Extent]) -> Sequence[Extent]:
        """The parts of these extents outside of which it takes nothing."""
        kept = [each for each in extents if not self.partitions or each.partition.number in self.partitions]
        if not self.offsets:
            return kept
        firsts = [each.first for each in self.offsets]
        lasts = [each.last for each in self.offsets]
        first = 0 if None in firsts else min(bound for bound in firsts if bound is not None)
        last = None if None in lasts else max(bound for bound in lasts if bound is not None)
        return [
            Extent(each.partition, max(each.start, first), each.end if last is None else min(each.end, last + 1))
            for each in kept
        ]


def _among(wanted: frozenset[_Value], value: _Value | None) -> bool:
    return not wanted or value in wanted


def _within(offsets: Offsets, offset: int) -> bool:
    first, last = offsets
    return (first is None or offset >= first) and (last is None or offset <= last)
