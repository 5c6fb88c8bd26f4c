"""The token bucket against one that is filled and emptied by hand."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from omnibase_core.policy.bucket import TokenBucket

RATES = st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0, 64.0])


class BucketMachine(RuleBasedStateMachine):
    """The reference is a bucket with a number of tokens, of which those who wait have taken some in advance.

    Rates and times are binary fractions, so that both sides are exact.
    """

    @initialize(rate=RATES)
    def start(self, rate: float) -> None:
        """A full bucket."""
        self.bucket = TokenBucket(rate)
        self.rate = Fraction(rate)
        self.size = max(Fraction(1), self.rate)
        self.tokens = self.size
        self.now = Fraction(0)

    @rule(quarters=st.integers(0, 40))
    def time_passes(self, quarters: int) -> None:
        """Tokens drip in, until the bucket is full."""
        seconds = Fraction(quarters, 4)
        self.now += seconds
        self.tokens = min(self.size, self.tokens + seconds * self.rate)

    @rule(eighths=st.one_of(st.none(), st.integers(0, 80)))
    def a_call_asks(self, eighths: int | None) -> None:
        """It has a token at once, or when one has dripped in, unless that is too long for it."""
        longest = None if eighths is None else Fraction(eighths, 8)
        lacking = max(Fraction(0), 1 - self.tokens)
        wait = lacking / self.rate
        arguments = (float(self.now),) if longest is None else (float(self.now), float(longest))
        taken = self.bucket.take(*arguments)
        if longest is not None and wait > longest:
            assert taken is None
        else:
            assert taken == float(wait)
            self.tokens -= 1

    @precondition(lambda self: self.tokens == self.size)
    @rule()
    def a_full_bucket_lets_a_burst_through(self) -> None:
        """As many as in a second, and then the next one waits."""
        for _ in range(int(self.size)):
            assert self.bucket.take(float(self.now)) == 0.0
            self.tokens -= 1
        self.a_call_asks(0)


BucketMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestBucketMachine = BucketMachine.TestCase


@given(st.floats(0.01, 1_000.0), st.lists(st.floats(0.0, 3.0), max_size=50))
def test_no_stretch_of_time_sees_more_calls_than_the_burst_and_the_rate(rate: float, gaps: list[float]) -> None:
    bucket = TokenBucket(rate)
    now, made = 0.0, []
    for gap in gaps:
        now += gap
        wait = bucket.take(now)
        assert wait is not None
        made.append(now + wait)
    for first in range(len(made)):
        for last in range(first, len(made)):
            allowed = max(1.0, rate) + (made[last] - made[first]) * rate
            assert last - first + 1 <= allowed + 1e-6


def test_calls_pass_in_the_order_in_which_they_ask() -> None:
    bucket = TokenBucket(2.0)
    waits = [bucket.take(0.0) for _ in range(5)]
    assert waits == [0.0, 0.0, 0.5, 1.0, 1.5]


@pytest.mark.parametrize("rate", [0.1, 1.0, 7.0])
def test_who_does_not_want_to_wait_takes_nothing(rate: float) -> None:
    bucket = TokenBucket(rate)
    while bucket.take(0.0, 0.0) is not None:
        pass
    wait = bucket.take(0.0)
    assert wait is not None
    assert wait == pytest.approx(1 / rate)
