"""The frontier of one ordered stream: how far everything has a recorded outcome. Pure; the bus owns it.

A position is committable only when it and every position before it are settled. Positions may have gaps
(compaction, transaction markers). Late and repeated completions change nothing. The algorithm is the
tracker of the Confluent Parallel Consumer, without its offset map.
"""

from collections import deque

from pydantic import BaseModel, ConfigDict

from omnibase_core.enums import EnumPauseCause


class ModelFrontier(BaseModel):
    """One stream's progress, for people and metrics.

    next_position: everything before it has an outcome. committed_position: where a restart would begin, on a bus
    that keeps it. outstanding: delivered and not settled. holes: settled, but waiting behind an outstanding one.
    oldest_outstanding: the position that holds the frontier; oldest_age_s: how long it has been on its way.
    paused: left out of the poll; paused_cause says why in a word, paused_because in a sentence. lag: records that
    are not delivered yet, as of the last answer to a fetch.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    topic: str
    partition: int
    epoch: int
    next_position: int
    outstanding: int
    holes: int
    oldest_outstanding: int | None = None
    oldest_age_s: float | None = None
    committed_position: int | None = None
    paused: bool = False
    paused_cause: EnumPauseCause | None = None
    paused_because: str | None = None
    lag: int | None = None


class Frontier:
    """Tracks the deliveries of one source within one epoch, starting at `next_position`."""

    __slots__ = ("_open", "_order", "_seen", "next_position")

    def __init__(self, next_position: int) -> None:
        self.next_position = next_position
        self._seen = next_position - 1
        self._order = deque[int]()
        self._open = set[int]()

    def deliver(self, position: int) -> bool:
        """Notes a delivery, in rising order; False for one that this epoch has handed out already."""
        if position <= self._seen:
            return False
        self._seen = position
        self._order.append(position)
        self._open.add(position)
        return True

    def settle(self, position: int) -> bool:
        """Records an outcome; False where there is nothing to record: unknown, or settled before."""
        open_ = self._open
        if position not in open_:
            return False
        open_.remove(position)
        order = self._order
        while order and order[0] not in open_:
            self.next_position = order.popleft() + 1
        return True

    @property
    def delivered_position(self) -> int:
        """The position after the last delivery."""
        return self._seen + 1

    @property
    def outstanding(self) -> int:
        """Deliveries without an outcome."""
        return len(self._open)

    @property
    def holes(self) -> int:
        """Settled positions that wait behind an outstanding one."""
        return len(self._order) - len(self._open)

    @property
    def oldest_outstanding(self) -> int | None:
        """The position that holds the frontier."""
        return self._order[0] if self._order else None
