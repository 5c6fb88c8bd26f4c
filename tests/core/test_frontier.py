"""The frontier: nothing counts as done before everything ahead of it is, whatever the order of completion."""

import random
import tracemalloc
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.frontier import Frontier, ModelFrontier

CASES: Final = 20_000
STEPS: Final = (1, 1, 1, 2, 5, 0, -1)


class Model:
    """The same thing, obviously right: every position ever delivered, and a set of those settled."""

    def __init__(self, next_position: int) -> None:
        self.start = next_position
        self.delivered: list[int] = []
        self.settled: set[int] = set()

    def deliver(self, position: int) -> bool:
        if position < self.start or (self.delivered and position <= self.delivered[-1]):
            return False
        self.delivered.append(position)
        return True

    def settle(self, position: int) -> bool:
        if position not in self.delivered or position in self.settled:
            return False
        self.settled.add(position)
        return True

    @property
    def unsettled(self) -> list[int]:
        return [position for position in self.delivered if position not in self.settled]

    @property
    def next_position(self) -> int:
        """Behind the last position up to which everything is settled: the smallest unfinished one holds it."""
        if not self.unsettled:
            return self.delivered[-1] + 1 if self.delivered else self.start
        ahead = [position for position in self.delivered if position < self.unsettled[0]]
        return ahead[-1] + 1 if ahead else self.start

    @property
    def holes(self) -> int:
        return sum(position >= self.next_position for position in self.settled)


def assert_equal(frontier: Frontier, model: Model) -> None:
    assert frontier.next_position == model.next_position
    assert frontier.outstanding == len(model.unsettled)
    assert frontier.oldest_outstanding == (model.unsettled[0] if model.unsettled else None)
    assert frontier.holes == model.holes


@settings(max_examples=CASES, deadline=None)
@given(st.sampled_from((0, 7, 2**62)), st.binary(min_size=1, max_size=13), st.binary(min_size=13, max_size=13))
def test_the_commit_point_is_the_smallest_unfinished_position_in_any_order_of_events(
    start: int, events: bytes, order: bytes
) -> None:
    """An even byte is a delivery, with gaps and repetitions; an odd one a completion, of unknown ones too."""
    frontier, model = Frontier(start), Model(start)
    position = start
    for event in events:
        which, odd = divmod(event, 2)
        if odd:
            known = model.delivered or [start]
            choices = [*known, known[-1] + 1, start - 1]
            settled = choices[which % len(choices)]
            assert frontier.settle(settled) == model.settle(settled)
        else:
            position += STEPS[which % len(STEPS)]
            assert frontier.deliver(position) == model.deliver(position)
        assert_equal(frontier, model)
    for _, position in sorted(zip(order, model.unsettled, strict=False)):
        assert frontier.settle(position)
        assert model.settle(position)
    assert_equal(frontier, model)
    assert frontier.outstanding == frontier.holes == 0


def test_a_new_stream_starts_where_it_was_committed() -> None:
    frontier = Frontier(42)
    assert (frontier.next_position, frontier.outstanding, frontier.holes, frontier.oldest_outstanding) == (
        42,
        0,
        0,
        None,
    )


def test_completion_in_order_moves_the_frontier_step_by_step() -> None:
    frontier = Frontier(0)
    for position in range(3):
        frontier.deliver(position)
    moved = []
    for position in range(3):
        frontier.settle(position)
        moved.append(frontier.next_position)
    assert moved == [1, 2, 3]


def test_a_completion_behind_an_unfinished_one_waits() -> None:
    frontier = Frontier(0)
    for position in range(3):
        frontier.deliver(position)
    frontier.settle(2)
    frontier.settle(1)
    assert (frontier.next_position, frontier.holes, frontier.oldest_outstanding) == (0, 2, 0)
    frontier.settle(0)
    assert (frontier.next_position, frontier.holes, frontier.oldest_outstanding) == (3, 0, None)


def test_positions_that_the_broker_never_hands_out_hold_nothing() -> None:
    frontier = Frontier(0)
    for position in (3, 10, 11):
        frontier.deliver(position)
    frontier.settle(3)
    assert frontier.next_position == 4
    frontier.settle(11)
    assert frontier.next_position == 4
    frontier.settle(10)
    assert frontier.next_position == 12


def test_the_frontier_never_goes_back_and_never_passes_what_is_unfinished() -> None:
    chance = random.Random(5)  # noqa: S311 - a repeatable sequence is the point
    frontier, unfinished, before = Frontier(0), set[int](), 0
    for position in range(2_000):
        frontier.deliver(position)
        unfinished.add(position)
        while len(unfinished) > 50:
            done = chance.choice(sorted(unfinished))
            unfinished.discard(done)
            frontier.settle(done)
            assert before <= frontier.next_position <= min(unfinished)
            before = frontier.next_position


def test_a_repeated_completion_changes_nothing() -> None:
    frontier = Frontier(0)
    frontier.deliver(0)
    frontier.deliver(1)
    assert frontier.settle(1)
    assert not frontier.settle(1)
    assert frontier.settle(0)
    assert not frontier.settle(0)
    assert not frontier.settle(1)
    assert (frontier.next_position, frontier.outstanding, frontier.holes) == (2, 0, 0)


def test_a_completion_of_what_was_never_delivered_changes_nothing() -> None:
    frontier = Frontier(5)
    frontier.deliver(5)
    for position in (4, 6, -1):
        assert not frontier.settle(position)
    assert (frontier.next_position, frontier.outstanding) == (5, 1)


def test_a_position_is_handed_out_once() -> None:
    frontier = Frontier(5)
    assert not frontier.deliver(4)
    assert frontier.deliver(5)
    assert not frontier.deliver(5)
    assert frontier.deliver(9)
    assert not frontier.deliver(7)
    assert frontier.outstanding == 2


def test_what_is_behind_the_frontier_is_forgotten() -> None:
    frontier = Frontier(0)
    tracemalloc.start()
    try:
        for position in range(100_000):
            frontier.deliver(position)
            frontier.settle(position - 10)
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < 10_000
    assert (frontier.next_position, frontier.outstanding, frontier.holes) == (99_990, 10, 0)
    assert not frontier.settle(49_000)


def test_its_figures_are_a_frozen_value() -> None:
    figures = ModelFrontier(topic="t", partition=0, epoch=1, next_position=3, outstanding=2, holes=1)
    assert (figures.oldest_outstanding, figures.paused) == (None, False)
    with pytest.raises(ValueError, match="frozen"):
        figures.holes = 2
