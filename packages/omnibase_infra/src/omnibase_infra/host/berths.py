"""Berths: the places of the lanes' workers, which a worker leaves while its flight waits."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from omnibase_infra.guard import Place, WithdrawnError
from omnibase_infra.host.flight import EnumStreamState, Flight, Stream


class Berth(Place):
    """One worker's place. flight: what it carries; set for each one."""

    flight: Flight

    def __init__(self, berths: "Berths") -> None:
        super().__init__()
        self._berths = berths
        self.turn: asyncio.Future[None] | None = None

    def leave(self, *, pausing: bool) -> None:
        """Away from now on. A pause on a stream that ends would hold it up, and is refused."""
        if pausing and self.flight.stream.state is not EnumStreamState.LIVE:
            raise WithdrawnError
        super().leave(pausing=pausing)
        self._berths.vacate(self)

    async def resume(self) -> None:
        """Waits while the berths are full; whoever is done makes room."""
        if not self._berths.occupy(self):
            self.turn = asyncio.get_running_loop().create_future()
            await self._for(self.turn)

    def give_up(self) -> None:
        """Comes back without a turn, for its flight ends now."""
        self._berths.away.discard(self)


class Berths:
    """Who is away, and who of them wants to come back.

    is_full: whether as many are at work as may be. vacated: told when somebody leaves.
    """

    def __init__(self, is_full: Callable[[], bool], vacated: Callable[[], None]) -> None:
        self.away: set[Berth] = set()
        self.returning: deque[Berth] = deque()
        self._is_full = is_full
        self._vacated = vacated

    def vacate(self, berth: Berth) -> None:
        """The worker does not count until it occupies a berth again."""
        self.away.add(berth)
        self._vacated()

    def occupy(self, berth: Berth) -> bool:
        """Whether the worker is back; else it is among those that `make_room` lets in."""
        if self._is_full():
            self.returning.append(berth)
            return False
        self.away.discard(berth)
        return True

    def make_room(self) -> bool:
        """Lets the first one in that still wants to come back. False where there is none."""
        while self.returning:
            berth = self.returning.popleft()
            turn = berth.turn
            if turn is not None and not turn.done():
                self.away.discard(berth)
                turn.set_result(None)
                return True
        return False

    def paused(self, stream: Stream) -> Sequence[Flight]:
        """The stream's flights that wait for a server that is out of order."""
        return [berth.flight for berth in self.away if berth.pausing and berth.flight.stream is stream]

    def withdraw(self) -> None:
        """Ends the waits of flights that are over."""
        for berth in self.away:
            if berth.flight.over:
                berth.withdraw()
