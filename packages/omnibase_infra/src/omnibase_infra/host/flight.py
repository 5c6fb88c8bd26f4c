"""Flights and streams: what the engine knows of each delivery, and of the stream that it came in."""

import asyncio
from collections.abc import Hashable
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

from omnibase_core.enums import EnumHandlerType, EnumSettlement
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError
from omnibase_core.verdict import Admission
from omnibase_spi.event_bus import Delivery, Message, Source


class Answer(NamedTuple):
    """A request that succeeded, and what is said of it: its node's output, and what was executed."""

    request: ModelOnexEnvelope
    payload: JsonObject
    handler_type: EnumHandlerType | None
    operation: str | None


class Flight:
    """One delivery on its way to its outcome.

    cargo: the admitted request, or why the record is none; then its outcome, the answer or messages. None before
    it is read and once it is sent, so that what waits is bytes and nothing else.
    correlation_id: of the request, from its admission on.
    key: whose order it keeps, None for nobody's. bulkhead: the node whose limit it counts for.
    unacknowledged: messages on their way out.
    arrived, begun: when it came and when its node started, as times of the clock, in seconds.
    posted: when its last message was posted, as a number that rises over all flights.
    ahead: what it takes until its turn, in bytes, of the room for what is read ahead; 0 where it was not.
    over: settled or released, so whatever still happens to it changes nothing.
    """

    __slots__ = (
        "ahead",
        "arrived",
        "begun",
        "bulkhead",
        "cargo",
        "correlation_id",
        "delivery",
        "key",
        "over",
        "posted",
        "sequence",
        "settlement",
        "small",
        "started",
        "stream",
        "unacknowledged",
    )

    def __init__(self, delivery: Delivery, stream: "Stream", sequence: int, arrived: float) -> None:
        self.delivery = delivery
        self.arrived = self.begun = arrived
        self.stream = stream
        self.sequence = sequence
        self.cargo: Admission | EnvelopeValidationError | Answer | list[Message] | None = None
        self.correlation_id: UUID | None = None
        self.ahead = 0
        self.key: Hashable | None = None
        self.bulkhead: str | None = None
        self.started = False
        self.over = False
        self.posted = 0
        self.small = False
        self.unacknowledged = 0
        self.settlement: EnumSettlement | None = None


class EnumStreamState(Enum):
    """LIVE takes deliveries; DRAINING still publishes and settles; CLOSED does neither."""

    LIVE = auto()
    DRAINING = auto()
    CLOSED = auto()


class Stream:
    """The window of one source within one epoch: what is outstanding, in records and in bytes.

    read: the sequence of the last flight that `next_unread` gave.
    """

    __slots__ = (
        "_emptied",
        "flights",
        "highest_started",
        "paused",
        "read",
        "sequence",
        "size_bytes",
        "source",
        "state",
    )

    def __init__(self, source: Source) -> None:
        self.source = source
        self.state = EnumStreamState.LIVE
        self.flights: dict[int, Flight] = {}
        self.size_bytes = 0
        self.sequence = 0
        self.read = 0
        self.highest_started = 0
        self.paused = False
        self._emptied: asyncio.Event | None = None

    def take_off(self, delivery: Delivery, now: float) -> Flight:
        """A new flight in this stream's window."""
        self.sequence += 1
        flight = self.flights[self.sequence] = Flight(delivery, self, self.sequence, now)
        self.size_bytes += len(delivery.value)
        return flight

    def next_unread(self) -> Flight | None:
        """The first flight, in the stream's order, that was not yet given here; None where there is none."""
        while self.read < self.sequence:
            self.read += 1
            if (flight := self.flights.get(self.read)) is not None:
                return flight
        return None

    def start(self, flight: Flight) -> None:
        """Notes that the flight's node is about to run."""
        flight.started = True
        if flight.sequence > self.highest_started:
            self.highest_started = flight.sequence

    def land(self, flight: Flight) -> None:
        """Takes the flight out of the window, whatever became of it."""
        flight.over = True
        del self.flights[flight.sequence]
        self.size_bytes -= len(flight.delivery.value)
        if not self.flights and self._emptied is not None:
            self._emptied.set()

    async def emptied(self) -> None:
        """Returns when nothing is outstanding."""
        if self._emptied is None:  # a stop may begin while a revoke waits
            self._emptied = asyncio.Event()
        if self.flights:
            await self._emptied.wait()

    def unstarted(self) -> list[Flight]:
        """The flights beyond the last that was started: releasing these, and no others, makes no duplicate."""
        return [flight for flight in self.flights.values() if flight.sequence > self.highest_started]
