"""Epochs and frontiers: what is due to be committed, and what an outcome of another assignment changes."""

from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.enums import EnumPauseCause, EnumSettlement
from omnibase_infra.event_bus.kafka.progress import Pause, Progress
from omnibase_spi.conformance.stand import Subscriber
from omnibase_spi.event_bus import Delivery

from tests.fakes.kafka_clients import record

PARTITION = TopicPartition("in", 0)


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(progress: Progress, offsets: Sequence[int], now: float = 100.0) -> list[Delivery]:
    """The deliveries of these offsets, in the stream that is open or opened now."""
    return progress.open(PARTITION, Subscriber()).take([record(offset) for offset in offsets], now)


def test_only_what_has_an_outcome_and_nothing_open_before_it_is_due() -> None:
    progress = Progress(Clock())
    first, second, third = taken(progress, [5, 6, 7])
    assert progress.due() == {}
    progress.settle(second, EnumSettlement.DONE)
    assert progress.due() == {}
    progress.settle(first, EnumSettlement.SKIPPED)
    assert progress.due() == {PARTITION: 7}
    progress.settle(third, EnumSettlement.DEAD_LETTERED)
    assert progress.due() == {PARTITION: 8}


def test_what_was_committed_is_not_due_again() -> None:
    progress = Progress(Clock())
    (only,) = taken(progress, [0])
    progress.settle(only, EnumSettlement.DONE)
    stream = progress.of(PARTITION)
    assert stream is not None
    progress.committed(progress.due(), {PARTITION: stream})
    assert progress.due() == {}


def test_an_outcome_of_an_older_epoch_changes_nothing() -> None:
    progress = Progress(Clock())
    (old,) = taken(progress, [3])
    progress.close(progress.streams)
    assert not progress.settle(old, EnumSettlement.DONE)
    progress.next_epoch()
    (new,) = taken(progress, [3])
    assert not progress.settle(old, EnumSettlement.DONE)
    assert progress.due() == {}
    assert progress.settle(new, EnumSettlement.DONE)
    assert progress.due() == {PARTITION: 4}


def test_a_commit_that_comes_back_after_a_reassignment_is_not_noted() -> None:
    progress = Progress(Clock())
    (old,) = taken(progress, [3])
    progress.settle(old, EnumSettlement.DONE)
    due, stream = progress.due(), progress.of(PARTITION)
    assert stream is not None
    progress.close([stream])
    progress.next_epoch()
    taken(progress, [3])
    progress.committed(due, {PARTITION: stream})
    fresh = progress.of(PARTITION)
    assert fresh is not None
    assert fresh.committed == 3


def test_an_offset_that_this_epoch_has_handed_out_is_not_delivered_again() -> None:
    progress = Progress(Clock())
    taken(progress, [0, 1])
    assert [delivery.position for delivery in taken(progress, [1, 2])] == [2]


def test_gaps_are_legal() -> None:
    progress = Progress(Clock())
    for delivery in taken(progress, [2, 5, 9]):
        progress.settle(delivery, EnumSettlement.DONE)
    assert progress.due() == {PARTITION: 10}


def test_released_is_never_due() -> None:
    progress = Progress(Clock())
    (only,) = taken(progress, [0])
    assert not progress.settle(only, EnumSettlement.RELEASED)
    assert progress.due() == {}


def test_the_frontier_says_how_old_its_oldest_delivery_is_and_why_it_is_not_polled() -> None:
    clock = Clock()
    progress = Progress(clock)
    first, *_ = taken(progress, [0, 1], now=100.0)
    taken(progress, [2], now=103.0)
    clock.now = 110.0
    (shown,) = progress.frontiers(lambda _: Pause(EnumPauseCause.WINDOW_FULL, "because"))
    assert (shown.oldest_outstanding, shown.oldest_age_s) == (0, 10.0)
    assert (shown.paused, shown.paused_cause, shown.paused_because) == (True, "window_full", "because")
    progress.settle(first, EnumSettlement.DONE)
    (shown,) = progress.frontiers(lambda _: None)
    assert (shown.next_position, shown.committed_position, shown.oldest_age_s) == (1, 0, 10.0)
    assert not shown.paused


def test_a_stream_is_paused_in_its_own_epoch_only() -> None:
    progress = Progress(Clock())
    (old,) = taken(progress, [0])
    progress.close(progress.streams)
    progress.next_epoch()
    stream = progress.open(PARTITION, Subscriber())
    progress.set_paused(old.source, paused=True)
    assert not stream.paused
    progress.set_paused(stream.source, paused=True)
    assert stream.paused


@pytest.mark.slow
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["take", "settle", "revoke"]), st.integers(0, 9), st.integers(1, 4)), max_size=40
    )
)
def test_what_is_due_is_the_smallest_offset_without_an_outcome(steps: list[tuple[str, int, int]]) -> None:
    """Against a model: of each epoch the delivered offsets, and those with an outcome."""
    progress, offset = Progress(Clock()), 0
    delivered: dict[int, Delivery] = {}
    done: set[int] = set()
    stale: list[Delivery] = []
    for what, index, count in steps:
        if what == "take":
            offsets = [offset + step for step in range(count)]
            delivered |= {delivery.position: delivery for delivery in taken(progress, offsets)}
            offset = offsets[-1] + 1 + index % 3
        elif what == "settle" and delivered:
            position = sorted(delivered)[index % len(delivered)]
            assert progress.settle(delivered[position], EnumSettlement.DONE) is (position not in done)
            done.add(position)
        elif what == "revoke":
            stale.extend(delivered.values())
            progress.close(progress.streams)
            progress.next_epoch()
            delivered, done = {}, set()
        assert not any(progress.settle(delivery, EnumSettlement.DONE) for delivery in stale)
        open_ = sorted(delivered.keys() - done)
        before = [position for position in sorted(delivered) if not open_ or position < open_[0]]
        assert progress.due().get(PARTITION) == (before[-1] + 1 if before else None)
