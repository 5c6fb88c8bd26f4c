"""The circuit breaker: a plain reference that remembers everything, and every order of calls against it."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from omnibase_core.policy.breaker import Breaker, EnumBreakerState

OPEN_S = 10.0


def breaker_of(failure_threshold: int = 3, chance: float = 0.5) -> Breaker:
    """A breaker whose random numbers are this one; with 0.5 it is open for exactly `OPEN_S`."""
    return Breaker(failure_threshold, OPEN_S, lambda: chance)


def opened(at: float = 0.0) -> Breaker:
    """A breaker that has just opened."""
    breaker = breaker_of(1)
    ticket = breaker.enter(at)
    assert ticket is not None
    assert breaker.fail(ticket, at)
    return breaker


class Call(NamedTuple):
    """A call under way: its ticket, and the number of changes of state before it."""

    ticket: int
    changes: int


class BreakerMachine(RuleBasedStateMachine):
    """The reference keeps the outcomes since the last change of state, and derives everything from them."""

    @initialize(threshold=st.integers(1, 5))
    def start(self, threshold: int) -> None:
        """Closed, nothing under way."""
        self.threshold = threshold
        self.breaker = breaker_of(threshold)
        self.now = 100.0
        self.under_way: list[Call] = []
        self.changes = 0
        self.outcomes: list[bool] = []
        self.opened_at: float | None = None
        self.probing = False

    def _change(self, *, opened_at: float | None, probing: bool) -> None:
        self.changes += 1
        self.outcomes = []
        self.opened_at, self.probing = opened_at, probing

    @rule(seconds=st.sampled_from([0.0, 0.5, 4.0, 10.0]))
    def time_passes(self, seconds: float) -> None:
        """Or none does."""
        self.now += seconds

    @rule()
    def a_call_asks(self) -> None:
        """While closed it may; while open the first one after the time may, as the probe."""
        ticket = self.breaker.enter(self.now)
        if self.opened_at is None:
            allowed = not self.probing
        else:
            allowed = self.now >= self.opened_at + OPEN_S
            if allowed:
                self._change(opened_at=None, probing=True)
        assert (ticket is not None) is allowed
        if ticket is not None:
            self.under_way.append(Call(ticket, self.changes))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.sampled_from(["succeed", "fail", "forget"]))
    def a_call_ends(self, data: st.DataObject, outcome: str) -> None:
        """Any of those under way; what began before the last change of state decides nothing."""
        call = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        counts = call.changes == self.changes
        if outcome == "succeed":
            assert self.breaker.succeed(call.ticket) is (counts and self.probing)
            if counts and self.probing:
                self._change(opened_at=None, probing=False)
            elif counts:
                self.outcomes.append(True)
        elif outcome == "fail":
            self.outcomes += [False] if counts else []
            in_a_row = self.outcomes[-self.threshold :] == [False] * self.threshold
            trips = counts and (self.probing or in_a_row)
            assert self.breaker.fail(call.ticket, self.now) is trips
            if trips:
                self._change(opened_at=self.now, probing=False)
        else:
            assert self.breaker.forget(call.ticket) is (counts and self.probing)
            if counts and self.probing:
                self._change(opened_at=self.now - OPEN_S, probing=False)

    @invariant()
    def the_state_is_the_references(self) -> None:
        """Half-open has exactly one call that counts."""
        if not hasattr(self, "breaker"):
            return
        if self.opened_at is not None:
            assert self.breaker.state is EnumBreakerState.OPEN
        elif self.probing:
            assert self.breaker.state is EnumBreakerState.HALF_OPEN
            assert [call.changes for call in self.under_way].count(self.changes) == 1
        else:
            assert self.breaker.state is EnumBreakerState.CLOSED


BreakerMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestBreakerMachine = BreakerMachine.TestCase


@given(st.integers(1, 50))
def test_it_opens_with_the_last_of_so_many_failures_in_a_row(threshold: int) -> None:
    breaker = breaker_of(threshold)
    opened_by = []
    for _ in range(threshold):
        ticket = breaker.enter(0.0)
        assert ticket is not None
        opened_by.append(breaker.fail(ticket, 0.0))
    assert opened_by == [False] * (threshold - 1) + [True]
    assert breaker.enter(0.0) is None


@given(st.floats(0, 1, exclude_max=True))
def test_it_is_open_for_the_time_or_a_fifth_more_or_less(chance: float) -> None:
    breaker = breaker_of(1, chance)
    ticket = breaker.enter(0.0)
    assert ticket is not None
    breaker.fail(ticket, 0.0)
    assert 0.8 * OPEN_S <= breaker.open_until <= 1.2 * OPEN_S + 1e-9
    assert breaker.enter(breaker.open_until - 0.001) is None
    assert breaker.enter(breaker.open_until) is not None


def test_half_open_lets_one_probe_through_whose_success_closes_it() -> None:
    breaker = opened()
    probe = breaker.enter(OPEN_S)
    assert probe is not None
    assert breaker.enter(OPEN_S + 1_000) is None
    assert breaker.succeed(probe)
    assert breaker.enter(OPEN_S) is not None


def test_a_probe_that_fails_opens_it_for_another_time() -> None:
    breaker = opened()
    probe = breaker.enter(OPEN_S)
    assert probe is not None
    assert breaker.fail(probe, 50.0)
    assert breaker.enter(59.9) is None
    assert breaker.enter(60.0) is not None


def test_a_probe_that_showed_nothing_makes_way_for_the_next_at_once() -> None:
    breaker = opened()
    probe = breaker.enter(OPEN_S)
    assert probe is not None
    assert breaker.forget(probe)
    assert breaker.enter(OPEN_S) is not None


@pytest.mark.parametrize("outcome", ["succeed", "forget", "fail"])
def test_what_was_under_way_when_it_opened_decides_nothing_any_more(outcome: str) -> None:
    breaker = breaker_of(1)
    first, second = breaker.enter(0.0), breaker.enter(0.0)
    assert first is not None
    assert second is not None
    breaker.fail(first, 0.0)
    until = breaker.open_until
    settled = {
        "succeed": lambda: breaker.succeed(second),
        "forget": lambda: breaker.forget(second),
        "fail": lambda: breaker.fail(second, 5.0),
    }
    assert settled[outcome]() is False
    assert (breaker.state, breaker.open_until) == (EnumBreakerState.OPEN, until)
