"""Bulkheads: how many flights of one node may be with workers at once, so that a slow one takes no more."""

from collections import Counter, deque
from collections.abc import Mapping

from omnibase_core.verdict import Admission

from omnibase_infra.host.flight import Flight


class Bulkheads:
    """limits: the most flights at once, by the node's slug; other nodes have none."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self._inside: Counter[str] = Counter()
        self._outside: dict[str, deque[Flight]] = {slug: deque() for slug in limits}

    def enter(self, flight: Flight) -> bool:
        """Whether the flight may be carried now; else `leave` gives it when its turn has come."""
        slug = _slug(flight)
        limit = self._limits.get(slug)
        if limit is None:
            return True
        if self._inside[slug] >= limit:
            self._outside[slug].append(flight)
            return False
        self._inside[slug] += 1
        return True

    def leave(self, flight: Flight) -> Flight | None:
        """The flight was carried; gives the next one of its node, which is to enter before any other."""
        slug = _slug(flight)
        if slug not in self._limits:
            return None
        self._inside[slug] -= 1
        outside = self._outside[slug]
        return outside.popleft() if outside else None


def _slug(flight: Flight) -> str:
    cargo = flight.cargo
    return (cargo.envelope.target_node or "") if isinstance(cargo, Admission) else ""
