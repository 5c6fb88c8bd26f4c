"""Retries: when the next attempt is due, and how many there may be in all."""

from typing import Literal, NamedTuple


class RetrySchedule(NamedTuple):
    """The attempts after the first: how many, and how long before each, in seconds."""

    max_retries: int
    backoff: Literal["fixed", "exponential"]
    base_s: float
    longest_s: float

    def delay(self, failures: int, chance: float, *, hint_s: float | None = None) -> float | None:
        """The seconds before the next attempt, after so many that failed; None where there is none.

        fixed: `base_s` each time. exponential: full jitter, a random part of `base_s` doubled for each failure
        after the first; chance: a random number of [0, 1). Neither is over `longest_s`.

        hint_s: what the server asked for. It is waited for at the least, and where it is over `longest_s` there is
        no attempt: earlier would be against its wish, and later is the caller's to decide.
        """
        if failures > self.max_retries or (hint_s is not None and hint_s > self.longest_s):
            return None
        if self.backoff == "fixed":
            delay = min(self.base_s, self.longest_s)
        else:
            delay = chance * min(self.base_s * 2.0 ** min(failures - 1, 64), self.longest_s)
        return delay if hint_s is None else max(delay, hint_s)


class RetryBudget:
    """Bounds the retries of all calls together, so that they never become a storm.

    Each call earns a fifth of a retry and each second a whole one, and `reserve` of them can be saved up: retries
    are at most a fifth of the calls, one a second, and the reserve.
    """

    share = 0.2
    per_second = 1.0

    def __init__(self, reserve: float = 10.0) -> None:
        self._reserve = reserve
        self._balance = reserve
        self._counted_at: float | None = None

    def earn(self) -> None:
        """A call is made."""
        self._balance += self.share

    def spend(self, now: float) -> bool:
        """Whether there may be one more retry, which is taken then. now: seconds that never go back."""
        elapsed = 0.0 if self._counted_at is None else now - self._counted_at
        self._counted_at = now
        self._balance = min(self._balance + elapsed * self.per_second, self._reserve)
        if self._balance < 1.0:
            return False
        self._balance -= 1.0
        return True
