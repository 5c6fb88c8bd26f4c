"""The frontier of one ordered stream: how far everything has a recorded outcome. Pure; the bus owns it.

A position is committable only when it and every position before it are settled. Positions may have gaps
(compaction, transaction markers). Late and repeated completions change nothing. The algorithm is the
tracker of the Confluent Parallel Consumer, without its offset map.
"""

from collections import OrderedDict

from pydantic import BaseModel, ConfigDict


class ModelFrontier(BaseModel):
    """One stream's progress, for people and metrics.

    next_position: where a restart would begin. outstanding: delivered and not settled.
    holes: settled, but waiting behind an outstanding one. paused: left out of the poll, with the reason.
    """

    model_config = ConfigDict(frozen=True)

    topic: str
    partition: int
    epoch: int
    next_position: int
    outstanding: int
    holes: int
    oldest_outstanding: int | None = None
    paused: bool = False


class Frontier:
    """Tracks the deliveries of one source within one epoch, starting at `next_position`."""

    __slots__ = ("_holes", "_seen", "_settled", "next_position")

    def __init__(self, next_position: int) -> None:
        self.next_position = next_position
        self._seen = next_position - 1
        self._settled: OrderedDict[int, bool] = OrderedDict()
        self._holes = 0

    def deliver(self, position: int) -> bool:
        """Notes a delivery, in rising order; False for one that this epoch has handed out already."""
        if position <= self._seen:
            return False
        self._seen = position
        self._settled[position] = False
        return True

    def settle(self, position: int) -> bool:
        """Records an outcome; False where there is nothing to record: unknown, or settled before."""
        settled = self._settled
        if settled.get(position) is not False:
            return False
        if position != next(iter(settled)):
            settled[position] = True
            self._holes += 1
            return True
        del settled[position]
        self.next_position = position + 1
        while settled:
            first, done = next(iter(settled.items()))
            if not done:
                break
            del settled[first]
            self._holes -= 1
            self.next_position = first + 1
        return True

    @property
    def outstanding(self) -> int:
        """Deliveries without an outcome."""
        return len(self._settled) - self._holes

    @property
    def holes(self) -> int:
        """Settled positions that wait behind an outstanding one."""
        return self._holes

    @property
    def oldest_outstanding(self) -> int | None:
        """The position that holds the frontier."""
        return next(iter(self._settled), None)
