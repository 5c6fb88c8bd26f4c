"""One delivery on its way: admitted, run by its node, answered. What an outcome means, core's `judge` says."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from omnibase_core.codec import decode
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.enums import EnumSettlement
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    EnvelopeValidationError,
    EventBusError,
    HandlerUnavailableError,
    PayloadTooLargeError,
    RuntimeHostError,
)
from omnibase_core.runtime import NodeInstance, NodeResult, NodeRuntime
from omnibase_core.verdict import Admission, EnumAnswer, EnumHappening, admit, expired, judge
from omnibase_spi.event_bus import Delivery, Message
from pydantic import JsonValue

from omnibase_infra.guard import DEADLINE, WithdrawnError
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.flight import EnumStreamState, Flight
from omnibase_infra.host.messages import (
    STAGE_DECODE,
    STAGE_NODE,
    dead_letter_message,
    response_message,
    without_metadata,
    without_payload,
)
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.events import about

_log = logging.getLogger("onex.delivery")
_LARGE_BYTES = 16 * 1024  # from here on a payload is let go before its response is acknowledged
_SUCCESS = judge(EnumHappening.SUCCEEDED).settlement
_UNSENT = judge(EnumHappening.NO_ENVELOPE, dead_letters=False).settlement or EnumSettlement.SKIPPED


class Desk(NamedTuple):
    """Where a courier brings things: `post` sends a message, `settle` records a flight's outcome.

    withdraw: takes a flight back that came to nothing, and the others of its key behind it.
    """

    post: Callable[[Message], None]
    settle: Callable[[Flight, EnumSettlement], None]
    withdraw: Callable[[Flight], None]


class Courier:
    """Carries deliveries to their outcomes. group: the consumer group, for dead letters."""

    def __init__(
        self, runtime: NodeRuntime, binding: ModelEventBusBinding, desk: Desk, *, group: str, clock: Clock
    ) -> None:
        self._runtime = runtime
        self._nodes: Mapping[str, NodeInstance] = runtime.nodes
        self._topics = binding.topics
        self._limit = binding.max_envelope_bytes
        self._post = desk.post
        self._settle = desk.settle
        self._withdraw = desk.withdraw
        self._group = group
        self._clock = clock

    def admit(self, delivery: Delivery) -> Admission | EnvelopeValidationError:
        """The request in the record, or why there is none."""
        clock = self._clock
        try:
            envelope = decode(delivery.value, self._limit)
            return admit(envelope, now=clock.now, monotonic=clock.monotonic, new_id=clock.new_id)
        except EnvelopeValidationError as error:
            return error
        except Exception:  # noqa: BLE001 - whatever a record is, the bus goes on delivering
            _log.critical(
                "a record could not be read because of a defect of ours",
                exc_info=True,
                extra={"event": events.DELIVERY_UNFORESEEN, **_place(delivery)},
            )
            return EnvelopeValidationError("the record could not be read; the host's log has the trace")

    async def carry(self, flight: Flight) -> None:
        """Runs the flight and posts what its outcome asks for; never raises."""
        if flight.over or flight.stream.state is EnumStreamState.CLOSED:
            return
        flight.stream.start(flight)
        cargo = flight.cargo
        try:
            if isinstance(cargo, Admission):
                await self._run(flight, cargo)
            else:
                self._refuse(flight, cargo)
        except Exception:  # noqa: BLE001 - a lane must outlive whatever one delivery meets
            _log.critical(
                "an outcome could not be recorded; the record stays unsettled and will be redelivered",
                exc_info=True,
                extra={"event": events.DELIVERY_UNRECORDED, **_place(flight.delivery)},
            )

    def shrink(self, message: Message, error: EventBusError) -> Message | None:
        """What goes out instead of a message that the bus will never take; None settles the flight."""
        flight = message.context
        assert isinstance(flight, Flight)
        cargo = flight.cargo
        if isinstance(cargo, Admission) and message.topic == self._topics.output and not flight.small:
            return self._small(flight, cargo.envelope, error.details)
        _log.error(
            "the bus will never take this message, which is dropped: %s",
            error.message,
            extra={"event": events.DELIVERY_UNPUBLISHABLE, "out_topic": message.topic, **_place(flight.delivery)},
        )
        flight.unacknowledged -= 1
        if not flight.unacknowledged:
            self._settle(flight, _UNSENT)
        return None

    def _response(self, flight: Flight, request: ModelOnexEnvelope, reply: ModelOnexEnvelope) -> Message:
        message = response_message(reply, flight.delivery, self._topics.output, flight)
        size = len(message.value)
        if size <= self._limit:
            return message
        performed: JsonObject = {"effect": "performed"} if reply.success and reply.handler_type else {}
        return self._small(flight, request, {"size_bytes": size, "limit_bytes": self._limit, **performed})

    def _small(self, flight: Flight, request: ModelOnexEnvelope, details: Mapping[str, JsonValue]) -> Message:
        """The error envelope that stands for a response of any size."""
        flight.small = True
        error = PayloadTooLargeError(
            "the response is larger than the bus takes; ask for less, or raise max_envelope_bytes",
            path="$.payload",
        )
        error.details.update(details)
        reply = without_metadata(request).failure(error, timestamp=self._clock.now())
        return response_message(reply, flight.delivery, self._topics.output, flight)

    async def _run(self, flight: Flight, cargo: Admission) -> None:
        envelope = cargo.envelope
        try:
            if cargo.deadline is None:
                result = await self._runtime.route_envelope(envelope)
            else:
                result = await self._by(cargo.deadline, envelope)
            reply = envelope.reply(
                result.payload,
                timestamp=self._clock.now(),
                handler_type=result.handler_type,
                operation=result.operation,
            )
            response = self._response(flight, envelope, reply)
        except RuntimeHostError as error:
            self._log_failure(envelope, error)
            self._fail(flight, envelope, error, self._happened(error, cargo))
        except WithdrawnError:
            self._withdraw(flight)
        except (Exception, asyncio.CancelledError) as error:  # FORMATS 2: INTERNAL_ERROR
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            _log.exception("an unforeseen exception", extra=about(envelope, events.DELIVERY_UNFORESEEN))
            internal = RuntimeHostError(
                "An internal error; the host's log has its trace under this correlation id"
            )
            self._fail(flight, envelope, internal, EnumHappening.UNFORESEEN)
        else:
            if len(flight.delivery.value) > _LARGE_BYTES:
                flight.cargo = Admission(without_payload(envelope), None)
            self._conclude(flight, (response,), _SUCCESS)

    async def _by(self, deadline: float, envelope: ModelOnexEnvelope) -> NodeResult:
        if self._clock.monotonic() >= deadline:
            raise expired(envelope)
        token = DEADLINE.set(deadline)
        try:
            return await self._runtime.route_envelope(envelope)
        finally:
            DEADLINE.reset(token)

    def _happened(self, error: RuntimeHostError, cargo: Admission) -> EnumHappening:
        """A breaker that stayed open past the deadline has made the request fail for good."""
        is_late = cargo.deadline is not None and self._clock.monotonic() >= cargo.deadline
        refused = isinstance(error, HandlerUnavailableError) and not is_late
        return EnumHappening.BREAKER_OPEN if refused else EnumHappening.FAILED

    def _fail(
        self, flight: Flight, envelope: ModelOnexEnvelope, error: RuntimeHostError, happening: EnumHappening
    ) -> None:
        node = self._nodes.get(envelope.target_node or "")
        verdict = judge(
            happening,
            on_failure=node.contract.on_failure if node is not None else "answer",
            dead_letters=self._topics.dead_letter is not None,
        )
        assert verdict.answer is EnumAnswer.FAILURE
        reply = envelope.failure(error, timestamp=self._clock.now())
        messages = [self._response(flight, envelope, reply)]
        if verdict.dead_letter:
            messages.append(self._dead_letter(flight, error, STAGE_NODE, envelope.target_node))
        self._conclude(flight, messages, verdict.settlement)

    def _refuse(self, flight: Flight, error: EnvelopeValidationError) -> None:
        verdict = judge(EnumHappening.NO_ENVELOPE, dead_letters=self._topics.dead_letter is not None)
        _log.warning(
            "a record is no envelope: %s",
            error.message,
            extra={"event": events.DELIVERY_UNDECODABLE, "code": error.code, **_place(flight.delivery)},
        )
        messages = [self._dead_letter(flight, error, STAGE_DECODE, None)] if verdict.dead_letter else []
        self._conclude(flight, messages, verdict.settlement)

    def _dead_letter(self, flight: Flight, error: RuntimeHostError, stage: str, node: str | None) -> Message:
        return dead_letter_message(
            flight.delivery,
            error,
            topic=self._topics.dead_letter or "",
            group=self._group,
            failed_at=self._clock.now(),
            stage=stage,
            node=node,
            context=flight,
        )

    def _conclude(
        self, flight: Flight, messages: list[Message] | tuple[Message, ...], settlement: EnumSettlement | None
    ) -> None:
        if flight.over:
            return
        assert settlement is not None
        flight.settlement = settlement
        flight.unacknowledged = len(messages)
        for message in messages:
            self._post(message)
        if not messages:
            self._settle(flight, settlement)

    def _log_failure(self, envelope: ModelOnexEnvelope, error: RuntimeHostError) -> None:
        if error.__cause__ is not None:
            _log.error(
                "%s: %s",
                error.code,
                error.message,
                exc_info=error.__cause__,
                extra=about(envelope, events.DELIVERY_FAILED),
            )
        elif _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s: %s", error.code, error.message, extra=about(envelope, events.DELIVERY_FAILED))


def _is_cancelled() -> bool:
    """Whether the running task itself is being cancelled; else the exception comes out of a handler."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _place(delivery: Delivery) -> dict[str, object]:
    return {
        "topic": delivery.source.topic,
        "partition": delivery.source.partition,
        "offset": delivery.position,
    }
