"""The circuit breaker: closed, open, half-open."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

_SPREAD = 0.2


class EnumBreakerState(StrEnum):
    """CLOSED lets every call through, OPEN none; HALF_OPEN waits for the outcome of its one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


_CLOSED: Final = EnumBreakerState.CLOSED  # Python 3.11 takes 0.3 us to look up a member


class Breaker:
    """Opens after `failure_threshold` failures in a row, and then lets one probe through after `open_s` seconds.

    The time that it is open varies by a fifth each way, so that many hosts do not probe at once; chance: random
    numbers of [0, 1). Times are seconds of any one clock that does not go back.

    A call has a ticket from `enter` and gives it back with its outcome by `succeed`, `fail` or `forget`, once.
    Each change of state makes older tickets void: what was under way when the breaker opened decides nothing.

    Attributes: `state`, `failures` (in a row, while closed), `open_until` (when the next probe may go).
    """

    def __init__(self, failure_threshold: int, open_s: float, chance: Callable[[], float]) -> None:
        self.state = EnumBreakerState.CLOSED
        self.failures = 0
        self.open_until = 0.0
        self._threshold = failure_threshold
        self._open_s = open_s
        self._chance = chance
        self._ticket = 0

    def enter(self, now: float) -> int | None:
        """A ticket for a call that may be made now, else None."""
        if self.state is _CLOSED:
            return self._ticket
        if self.state is EnumBreakerState.OPEN and now >= self.open_until:
            self._become(EnumBreakerState.HALF_OPEN)
            return self._ticket
        return None

    def succeed(self, ticket: int) -> bool:
        """The call showed that the server works. True where this closed the breaker."""
        if ticket != self._ticket:
            return False
        self.failures = 0
        if self.state is _CLOSED:
            return False
        self._become(EnumBreakerState.CLOSED)
        return True

    def fail(self, ticket: int, now: float) -> bool:
        """The call showed that the server does not work. True where this opened the breaker."""
        if ticket != self._ticket:
            return False
        if self.state is _CLOSED:
            self.failures += 1
            if self.failures < self._threshold:
                return False
        self.open_until = now + self._open_s * (1.0 - _SPREAD + 2.0 * _SPREAD * self._chance())
        self._become(EnumBreakerState.OPEN)
        return True

    def forget(self, ticket: int) -> bool:
        """The call showed nothing. True where it was the probe: the next call may be one."""
        if ticket != self._ticket or self.state is not EnumBreakerState.HALF_OPEN:
            return False
        self._become(EnumBreakerState.OPEN)
        return True

    def _become(self, state: EnumBreakerState) -> None:
        self.state = state
        self.failures = 0
        self._ticket += 1
