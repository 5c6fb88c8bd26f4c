"""One delivery on its way: admitted, run by its node, and handed on with its outcome."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, NamedTuple

from omnibase_core.codec import decode
from omnibase_core.enums import EnumErrorCode, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import (
    EnvelopeValidationError,
    EventBusError,
    HandlerUnavailableError,
    RuntimeHostError,
)
from omnibase_core.runtime import NodeInstance, NodeResult, NodeRuntime
from omnibase_core.verdict import Admission, EnumHappening, admit, expired, judge
from omnibase_spi.event_bus import Delivery, Message

from omnibase_infra.guard import DEADLINE, WithdrawnError
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.composer import Composer
from omnibase_infra.host.ending import is_cancelled
from omnibase_infra.host.flight import Answer, EnumStreamState, Flight
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.events import about
from omnibase_infra.telemetry.meter import OK, Meter

if TYPE_CHECKING:
    from omnibase_infra.host.traces import Traces

_log = logging.getLogger("onex.delivery")
_AHEAD_BYTES = 128 * 1024
_ENVELOPE_BYTES = 2 * 1024  # counted for each beside its text, so that no more than 64 are read ahead
_as_answer = tuple.__new__  # half the time of a NamedTuple's own constructor
_UNSENT = judge(EnumHappening.NO_ENVELOPE, dead_letters=False).settlement or EnumSettlement.SKIPPED


class Desk(NamedTuple):
    """Where a courier brings things: `post` takes a flight that has its outcome, `settle` records a settlement.

    withdraw: takes a flight back that came to nothing, and the others of its key behind it.
    """

    post: Callable[[Flight], None]
    settle: Callable[[Flight, EnumSettlement], None]
    withdraw: Callable[[Flight], None]


class Courier:
    """Carries deliveries to their outcomes. limit: of a request, in bytes."""

    def __init__(
        self,
        runtime: NodeRuntime,
        composer: Composer,
        desk: Desk,
        *,
        limit: int,
        clock: Clock,
        meter: Meter,
        traces: "Traces | None" = None,
    ) -> None:
        self._runtime = runtime
        self._nodes: Mapping[str, NodeInstance] = runtime.nodes
        self._composer = composer
        self._limit = limit
        self._post = desk.post
        self._settle = desk.settle
        self._withdraw = desk.withdraw
        self._clock = clock
        self._now = clock.monotonic
        self._meter = meter
        self._traces = traces
        self._room = _AHEAD_BYTES

    def admit(self, flight: Flight) -> None:
        """Reads a flight's record, and others of its stream: the same code for several, while it is at hand.

        Those are read in the stream's order, behind which key they may wait. They wait as envelopes, which are
        large: so they are few.
        """
        self._admit(flight)
        while self._room > 0 and (other := flight.stream.next_unread()) is not None:
            if other.cargo is None:
                other.ahead = _ENVELOPE_BYTES + len(other.delivery.value)
                self._room -= other.ahead
                self._admit(other)

    def slug_of(self, flight: Flight) -> str:
        """The node that an admitted flight is for; empty where the record is no envelope."""
        cargo = flight.cargo
        return (cargo.envelope.target_node or "") if isinstance(cargo, Admission) else ""

    def carry(self, flight: Flight) -> Coroutine[None, None, None] | None:
        """Runs the flight and posts what its outcome asks for; what it returns is to be awaited. Never raises."""
        self._room += flight.ahead
        if flight.over or flight.stream.state is EnumStreamState.CLOSED:
            return None
        flight.stream.start(flight)
        flight.begun = self._now()
        cargo = flight.cargo
        try:
            if not isinstance(cargo, Admission):
                assert isinstance(cargo, EnvelopeValidationError)
                self._refuse(flight, cargo)
                return None
            envelope, deadline = cargo
            try:
                if deadline is not None and flight.begun >= deadline:
                    raise expired(envelope)
                node = self._nodes.get(envelope.target_node or "")
                result = None if node is None else node.computed(envelope)
            except Exception as error:  # noqa: BLE001 - whatever a node does, its request gets its answer
                self._failed(flight, cargo, error)
                return None
            if result is None:
                return self._run(flight, cargo)
            self._answered(flight, envelope, result)
        except Exception:  # noqa: BLE001 - a lane must outlive whatever one delivery meets
            _say_unrecorded(flight)
        return None

    def shrink(self, message: Message, error: EventBusError) -> Message | None:
        """What goes out instead of a message that the bus will never take; None settles the flight."""
        flight = message.context
        assert isinstance(flight, Flight)
        smaller = self._composer.smaller(message, flight, error.details)
        if smaller is not None:
            return smaller
        _log.error(
            "the bus will never take this message, which is dropped: %s",
            error.message,
            extra={"event": events.DELIVERY_UNPUBLISHABLE, "out_topic": message.topic, **_place(flight.delivery)},
        )
        flight.unacknowledged -= 1
        if not flight.unacknowledged:
            self._settle(flight, _UNSENT)
        return None

    def _admit(self, flight: Flight) -> None:
        clock = self._clock
        try:
            envelope = decode(flight.delivery.value, self._limit)
            cargo = admit(envelope, now=clock.now, monotonic=clock.monotonic, new_id=clock.new_id)
        except EnvelopeValidationError as error:
            flight.cargo = error
        except Exception:  # noqa: BLE001 - whatever a record is, the bus goes on delivering
            _log.critical(
                "a record could not be read because of a defect of ours",
                exc_info=True,
                extra={"event": events.DELIVERY_UNFORESEEN, **_place(flight.delivery)},
            )
            flight.cargo = EnvelopeValidationError("the record could not be read; the host's log has the trace")
        else:
            flight.cargo = cargo
            flight.correlation_id = cargo.envelope.correlation_id

    async def _run(self, flight: Flight, cargo: Admission) -> None:
        """The rest of `carry`, for what a handler is needed for."""
        envelope = cargo.envelope
        try:
            try:
                if cargo.deadline is None:
                    result = await self._runtime.route_envelope(envelope)
                else:
                    result = await self._before(cargo.deadline, envelope)
            except WithdrawnError:
                self._withdraw(flight)
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and is_cancelled():
                    raise
                self._failed(flight, cargo, error)
            else:
                self._answered(flight, envelope, result)
        except Exception:  # noqa: BLE001 - as above
            _say_unrecorded(flight)

    async def _before(self, deadline: float, envelope: ModelOnexEnvelope) -> NodeResult:
        token = DEADLINE.set(deadline)
        try:
            return await self._runtime.route_envelope(envelope)
        finally:
            DEADLINE.reset(token)

    def _answered(self, flight: Flight, envelope: ModelOnexEnvelope, result: NodeResult) -> None:
        self._conclude(flight, _as_answer(Answer, (envelope, *result)))
        self._count(flight, envelope, result.operation, OK)

    def _count(self, flight: Flight, envelope: ModelOnexEnvelope, operation: str | None, code: str) -> None:
        begun = flight.begun
        self._meter.of(envelope.target_node).note(operation, code, begun - flight.arrived, self._now() - begun)

    def _failed(self, flight: Flight, cargo: Admission, error: BaseException) -> None:
        """Concludes the flight of an exception that is being handled."""
        envelope = cargo.envelope
        if isinstance(error, RuntimeHostError):
            _log_failure(envelope, error)
            messages = self._composer.failed(flight, envelope, error, self._happened(error, cargo))
            operation, code = error.operation, error.code.value
        else:
            messages = self._composer.unforeseen(flight, envelope)
            operation, code = envelope.operation, EnumErrorCode.INTERNAL_ERROR.value
        if self._traces is not None:
            self._traces.failed(flight, code)
        self._conclude(flight, messages)
        self._count(flight, envelope, operation, code)

    def _refuse(self, flight: Flight, error: EnvelopeValidationError) -> None:
        _log.warning(
            "a record is no envelope: %s",
            error.message,
            extra={"event": events.DELIVERY_UNDECODABLE, "code": error.code, **_place(flight.delivery)},
        )
        if self._traces is not None:
            self._traces.failed(flight, error.code.value)
        self._conclude(flight, self._composer.refused(flight, error))

    def _happened(self, error: RuntimeHostError, cargo: Admission) -> EnumHappening:
        """A breaker that stayed open past the deadline has made the request fail for good."""
        is_late = cargo.deadline is not None and self._clock.monotonic() >= cargo.deadline
        refused = isinstance(error, HandlerUnavailableError) and not is_late
        return EnumHappening.BREAKER_OPEN if refused else EnumHappening.FAILED

    def _conclude(self, flight: Flight, outcome: Answer | list[Message]) -> None:
        if flight.over:
            return
        flight.cargo = outcome
        if outcome:
            self._post(flight)
        elif flight.settlement is not None:
            self._settle(flight, flight.settlement)


def _place(delivery: Delivery) -> dict[str, object]:
    return {
        "topic": delivery.source.topic,
        "partition": delivery.source.partition,
        "offset": delivery.position,
    }


def _log_failure(envelope: ModelOnexEnvelope, error: RuntimeHostError) -> None:
    if error.__cause__ is not None:
        _log.error(
            "%s: %s",
            error.code,
            error.message,
            exc_info=error.__cause__,
            extra={**about(envelope, events.DELIVERY_FAILED), **_executed(error)},
        )
    elif _log.isEnabledFor(logging.DEBUG):
        told = {**about(envelope, events.DELIVERY_FAILED), **_executed(error)}
        _log.debug("%s: %s", error.code, error.message, extra=told)


def _executed(error: RuntimeHostError) -> dict[str, object]:
    """What failed, which a request need not name where its node has one operation."""
    told = {"handler_type": error.handler_type, "operation": error.operation}
    return {name: value for name, value in told.items() if value is not None}


def _say_unrecorded(flight: Flight) -> None:
    _log.critical(
        "an outcome could not be recorded; the record stays unsettled and will be redelivered",
        exc_info=True,
        extra={"event": events.DELIVERY_UNRECORDED, **_place(flight.delivery)},
    )
