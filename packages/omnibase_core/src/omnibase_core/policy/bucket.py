"""The token bucket, as the generic cell rate algorithm: one number of state, and exact waiting times."""

_ROUNDING_S = 1e-9


class TokenBucket:
    """Lets `per_second` calls through each second, and as many at once (at least one) after a quiet second.

    Calls pass in the order in which they ask: one that has to wait has its place from then on. Times are seconds
    of any one clock that does not go back.
    """

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._burst_s = max(0.0, 1.0 - self._interval)
        self._full_at = float("-inf")

    def take(self, now: float, longest_s: float = float("inf")) -> float | None:
        """The seconds to wait before the call; None, and nothing is taken, where they are over `longest_s`."""
        full_at = max(self._full_at, now)
        wait = full_at - self._burst_s - now
        if wait < _ROUNDING_S:
            wait = 0.0
        if wait > longest_s:
            return None
        self._full_at = full_at + self._interval
        return wait
