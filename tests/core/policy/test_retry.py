"""The retry schedule and the budget of retries: delays by the book, and no storm."""

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from omnibase_core.policy.retry import RetryBudget, RetrySchedule

SECONDS = st.floats(0.0, 100.0)
CHANCE = st.floats(0.0, 1.0, exclude_max=True)


def schedule_of(
    max_retries: int = 3,
    backoff: Literal["fixed", "exponential"] = "exponential",
    base_s: float = 0.1,
    longest_s: float = 5.0,
) -> RetrySchedule:
    """The defaults of a contract, or others."""
    return RetrySchedule(max_retries, backoff, base_s, longest_s)


@given(st.integers(0, 100), st.sampled_from(["fixed", "exponential"]), SECONDS, SECONDS, CHANCE)
def test_there_are_so_many_retries_and_none_is_later_than_the_longest_delay(
    retries: int, backoff: Literal["fixed", "exponential"], base_s: float, longest_s: float, chance: float
) -> None:
    schedule = schedule_of(retries, backoff, base_s, longest_s)
    delays = [schedule.delay(failures, chance) for failures in range(1, retries + 2)]
    assert delays[-1] is None
    for delay in delays[:-1]:
        assert delay is not None
        assert 0.0 <= delay <= longest_s


def test_exponential_doubles_up_to_the_longest_and_takes_a_random_part_of_it() -> None:
    schedule = schedule_of(8)
    delays = [schedule.delay(failures, 0.5) for failures in range(1, 9)]
    assert delays == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.5, 2.5])
    assert [schedule.delay(failures, 0.0) for failures in (1, 5)] == [0.0, 0.0]


def test_fixed_is_the_base_delay_each_time() -> None:
    schedule = schedule_of(3, "fixed", 0.25)
    assert [schedule.delay(failures, 0.9) for failures in (1, 2, 3)] == [0.25] * 3
    assert schedule_of(1, "fixed", 9.0).delay(1, 0.9) == 5.0


@given(CHANCE, st.floats(0.0, 5.0))
def test_what_the_server_asked_for_is_waited_for_at_the_least(chance: float, hint_s: float) -> None:
    delay = schedule_of().delay(1, chance, hint_s=hint_s)
    assert delay is not None
    assert hint_s <= delay <= max(hint_s, 0.1)


def test_a_server_that_asks_for_more_than_the_longest_delay_is_not_asked_again() -> None:
    assert schedule_of().delay(1, 0.5, hint_s=5.1) is None


class BudgetMachine(RuleBasedStateMachine):
    """The reference counts calls, seconds and retries, whatever happens in between."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = RetryBudget()
        self.now = 0.0
        self.calls = 0
        self.retries = 0
        self.refused_at: tuple[float, int] | None = None

    @rule(calls=st.integers(1, 30))
    def calls_are_made(self, calls: int) -> None:
        """Each earns."""
        for _ in range(calls):
            self.budget.earn()
        self.calls += calls

    @rule(seconds=st.integers(1, 20))
    def time_passes(self, seconds: int) -> None:
        """And earns too."""
        self.now += seconds

    @rule(wanted=st.integers(1, 30))
    def retries_are_wanted(self, wanted: int) -> None:
        """Once one is refused, all are, until a call or a second more."""
        granted = [self.budget.spend(self.now) for _ in range(wanted)]
        assert granted == sorted(granted, reverse=True)
        self.retries += sum(granted)

    @rule()
    def after_a_second_there_is_one(self) -> None:
        """So a host with few calls is not without retries."""
        self.retries += self.budget.spend(self.now)
        self.now += 1.0
        assert self.budget.spend(self.now)
        self.retries += 1

    @invariant()
    def retries_are_no_storm(self) -> None:
        """The reserve, a fifth of the calls, one a second."""
        assert self.retries <= 10 + 0.2 * self.calls + self.now + 1e-6


BudgetMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestBudgetMachine = BudgetMachine.TestCase


def test_where_everything_fails_a_fifth_of_the_calls_is_tried_again() -> None:
    budget = RetryBudget()
    retried = 0
    for _ in range(10_000):
        budget.earn()
        retried += budget.spend(0.0)
    assert retried == pytest.approx(10 + 2_000, abs=2)
