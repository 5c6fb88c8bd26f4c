"""Bulkheads: how many flights of one node may be with workers at once, so that a slow one takes no more."""

from collections import Counter, deque
from collections.abc import Callable, Mapping

from omnibase_infra.host.flight import Flight


class Bulkheads:
    """limits: the most flights at once, by the node's slug; other nodes have none. slug_of: of a flight."""

    def __init__(self, limits: Mapping[str, int], slug_of: Callable[[Flight], str]) -> None:
        self._limits = limits
        self._slug_of = slug_of
        self._inside: Counter[str] = Counter()
        self._outside: dict[str, deque[Flight]] = {slug: deque() for slug in limits}

    def enter(self, flight: Flight) -> bool:
        """Whether the flight may be carried now; else `leave` gives it when its turn has come."""
        slug = self._slug_of(flight)
        limit = self._limits.get(slug)
        if limit is None:
            return True
        flight.bulkhead = slug
        if self._inside[slug] >= limit:
            self._outside[slug].append(flight)
            return False
        self._inside[slug] += 1
        return True

    @property
    def waiting(self) -> int:
        """Flights that have to wait for others of their node."""
        return sum(map(len, self._outside.values()))

    def leave(self, flight: Flight) -> Flight | None:
        """The flight was carried; gives the next one of its node, which is to enter before any other."""
        slug = flight.bulkhead
        if slug is None:
            return None
        self._inside[slug] -= 1
        outside = self._outside[slug]
        return outside.popleft() if outside else None
