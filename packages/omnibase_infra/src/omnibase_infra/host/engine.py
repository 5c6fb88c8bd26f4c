"""The delivery engine: takes what a bus delivers, and answers for it until it has an outcome.

It owns keys, lanes, windows, republishing and the drain; offsets, epochs and commits are the bus's. It does
not know which bus it runs on.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.enums import EnumSettlement
from omnibase_core.errors import EventBusError
from omnibase_core.runtime import NodeRuntime
from omnibase_core.verdict import EnumHappening, judge
from omnibase_spi.event_bus import Delivery, Message, ProtocolEventBus, Source

from omnibase_infra.host.bulkhead import Bulkheads
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.composer import Composer
from omnibase_infra.host.delivery import Courier, Desk
from omnibase_infra.host.flight import EnumStreamState, Flight, Stream
from omnibase_infra.host.lanes import Carrier, LaneFigures, Lanes
from omnibase_infra.host.outbox import Outbox
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.meter import Meter

if TYPE_CHECKING:
    from omnibase_infra.host.traces import Compose, Shrink, Traces

_log = logging.getLogger("onex.engine")
_WINDOW_BYTES = 64 * 1024 * 1024
_NAMED = 20  # of the records that are given up, the oldest
_WITHDRAWN = judge(EnumHappening.WITHDRAWN).settlement or EnumSettlement.RELEASED


class Progress(NamedTuple):
    """The engine in figures: records since the start by settlement, and what is on its way now."""

    settled: dict[EnumSettlement, int]
    in_flight: int
    held: int
    republished: int
    given_up: int


class DeliveryEngine:
    """A ProtocolDeliverySink that runs nodes.

    group: the consumer group, for dead letters. limits: how many flights of a node may run at once, by slug.
    meter: counts what becomes of requests. traces: puts spans around them.
    """

    def __init__(
        self,
        bus: ProtocolEventBus,
        runtime: NodeRuntime,
        binding: ModelEventBusBinding,
        *,
        group: str,
        clock: Clock | None = None,
        limits: Mapping[str, int] | None = None,
        meter: Meter | None = None,
        traces: "Traces | None" = None,
    ) -> None:
        self._traces = traces
        self._bus = bus
        self._ordering = binding.ordering
        self._window = binding.max_inflight_envelopes
        self._resume_at = binding.pause_consumption_threshold / 100
        self._streams: dict[Source, Stream] = {}
        self._done = 0
        self._settled: Counter[EnumSettlement] = Counter()
        self._given_up = 0
        clock = clock or Clock()
        meter = meter or Meter(())
        self._now = clock.monotonic
        self._whole = meter.whole
        composer = Composer(runtime.nodes, binding, group=group, clock=clock, meter=meter)
        compose: Compose = composer.compose
        shrink: Shrink = self._shrink
        if traces is not None:
            compose, shrink = traces.composing(compose), traces.shrinking(shrink)
        self._outbox = Outbox(bus, compose, self._settle, shrink)
        desk = Desk(self._outbox.post, self._settle, self._withdraw)
        self._courier = Courier(
            runtime, composer, desk, limit=binding.max_envelope_bytes, clock=clock, meter=meter, traces=traces
        )
        carry = self._courier.carry if traces is None else traces.carrying(self._courier.carry)
        self._lanes = Lanes(
            Carrier(self._courier.admit, carry),
            self._outbox.flush,
            binding.max_inflight_envelopes,
            Bulkheads(limits, self._courier.slug_of) if limits else None,
        )

    def deliver(self, batch: Sequence[Delivery]) -> None:
        """Takes the records. A source that nobody announced gets its stream here: to skip would be to lose."""
        touched: list[Stream] = []
        stream: Stream | None = None
        put, ordering, now = self._lanes.put, self._ordering, self._now()
        for delivery in batch:
            source = delivery.source
            if stream is None or source is not stream.source:
                stream = self._streams.get(source) or self._open(source)
                touched.append(stream)
            if stream.state is not EnumStreamState.LIVE:
                self._bus.settle(delivery, EnumSettlement.RELEASED)
                continue
            key = delivery.key if ordering == "key" else source[:2] if ordering == "partition" else None
            put(stream.take_off(delivery, now), key)
        for stream in touched:
            if not stream.paused and self._full(stream):
                stream.paused = True
                self._bus.pause(frozenset((stream.source,)))

    def assigned(self, sources: frozenset[Source]) -> None:
        """Fresh streams; one that already delivered is kept."""
        for source in sources:
            if source not in self._streams:
                self._open(source)

    async def revoked(self, sources: frozenset[Source], budget_s: float) -> None:
        """Releases what lies beyond the last started record, finishes the rest within the budget, and closes.

        What waits for a server that is out of order is released too: nothing of it took effect, and to wait on
        would hold up the revoke.
        """
        streams = [self._streams[source] for source in sources if source in self._streams]
        for stream in streams:
            stream.state = EnumStreamState.DRAINING
            for flight in stream.unstarted():
                self._settle(flight, _WITHDRAWN)
            for flight in self._lanes.berths.paused(stream):
                self._withdraw(flight)
        self._lanes.berths.withdraw()
        try:
            async with asyncio.timeout(budget_s):
                for stream in streams:
                    await stream.emptied()
        except TimeoutError:
            self._give_up(streams, budget_s)
        for stream in streams:
            stream.state = EnumStreamState.CLOSED
            for flight in list(stream.flights.values()):
                self._settle(flight, _WITHDRAWN)
            self._streams.pop(stream.source, None)
        self._lanes.berths.withdraw()

    async def drain(self, until: float) -> None:
        """The revoke of every stream, until this time of the loop (seconds)."""
        if self._streams:
            budget_s = max(0.0, until - asyncio.get_running_loop().time())
            await self.revoked(frozenset(self._streams), budget_s)

    async def close(self) -> None:
        """Ends what still runs. Whatever has no outcome by then stays unsettled."""
        await self._lanes.close()
        self._outbox.close()

    @property
    def progress(self) -> Progress:
        """Figures for people, logs and metrics."""
        in_flight = sum(len(stream.flights) for stream in self._streams.values())
        settled = {EnumSettlement.DONE: self._done, **self._settled} if self._done else dict(self._settled)
        return Progress(settled, in_flight, self._outbox.held, self._outbox.republished, self._given_up)

    @property
    def lanes(self) -> LaneFigures:
        """How full the lanes are."""
        return self._lanes.figures()

    def waits_for(self) -> str | None:
        """Why work may rightly stand still: a wait that ends by itself, or when a server is back; else None."""
        if self._outbox.held:
            return f"{self._outbox.held} messages wait to be published again"
        if away := len(self._lanes.berths.away):
            return f"{away} wait for a retry, a rate limit or a server that is out of order"
        return None

    @property
    def tasks(self) -> Collection[asyncio.Task[None]]:
        """The lanes' workers."""
        return self._lanes.workers

    def _open(self, source: Source) -> Stream:
        stream = self._streams[source] = Stream(source)
        return stream

    def _full(self, stream: Stream) -> bool:
        return len(stream.flights) >= self._window or stream.size_bytes >= _WINDOW_BYTES

    def _roomy(self, stream: Stream) -> bool:
        share = self._resume_at
        return len(stream.flights) <= self._window * share and stream.size_bytes <= _WINDOW_BYTES * share

    def _shrink(self, message: Message, error: EventBusError) -> Message | None:
        return self._courier.shrink(message, error)

    def _settle(self, flight: Flight, settlement: EnumSettlement) -> None:
        if flight.over:
            return
        stream = flight.stream
        stream.land(flight)
        if settlement is EnumSettlement.DONE:  # counted apart, since an enum's hash is a call
            self._done += 1
        else:
            self._settled[settlement] += 1
        self._whole.observe(self._now() - flight.arrived)
        self._bus.settle(flight.delivery, settlement)
        if self._traces is not None:
            self._traces.settled(flight, settlement)
        if stream.paused and stream.state is EnumStreamState.LIVE and self._roomy(stream):
            stream.paused = False
            self._bus.resume(frozenset((stream.source,)))

    def _withdraw(self, flight: Flight) -> None:
        """Releases the flight, and what is behind it in its key's order: that must not overtake it."""
        self._settle(flight, _WITHDRAWN)
        for other in list(flight.stream.flights.values()):
            if other.key is not None and other.key == flight.key and not other.started:
                self._settle(other, _WITHDRAWN)

    def _give_up(self, streams: Sequence[Stream], budget_s: float) -> None:
        """One line a partition: a line for each record of a wide window would be a flood at the worst moment."""
        for stream in streams:
            flights = list(stream.flights.values())
            if not flights:
                continue
            self._given_up += len(flights)
            named = [each.correlation_id for each in flights[:_NAMED] if each.correlation_id is not None]
            _log.warning(
                "%d not finished within %.1f s, not committed: they will be redelivered where the bus can",
                len(flights),
                budget_s,
                extra={
                    "event": events.ENGINE_GAVE_UP,
                    "topic": stream.source.topic,
                    "partition": stream.source.partition,
                    "offset": flights[0].delivery.position,
                    "last_offset": flights[-1].delivery.position,
                    "correlation_ids": named,
                },
            )
