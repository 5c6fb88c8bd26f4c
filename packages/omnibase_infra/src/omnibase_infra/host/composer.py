"""What a flight's outcome becomes: the messages that go out for it. What an outcome means, core's `judge` says."""

import logging
from collections.abc import Mapping, Sequence

from omnibase_core.codec import decode, encode, written
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.enums import EnumErrorCode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError, PayloadTooLargeError, RuntimeHostError, shown
from omnibase_core.runtime import NodeInstance
from omnibase_core.verdict import EnumAnswer, EnumHappening, judge
from omnibase_spi.event_bus import Message
from pydantic import JsonValue

from omnibase_infra.host.clock import Clock
from omnibase_infra.host.flight import Answer, Flight
from omnibase_infra.host.messages import (
    STAGE_DECODE,
    STAGE_NODE,
    dead_letter_message,
    response_message,
    without_metadata,
    without_value,
)
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.events import about
from omnibase_infra.telemetry.meter import Failure, Meter

_log = logging.getLogger("onex.delivery")
_SUCCESS = judge(EnumHappening.SUCCEEDED).settlement
_NO_DETAILS: Mapping[str, JsonValue] = {}
_PERFORMED: Mapping[str, JsonValue] = {"effect": "performed"}


class Composer:
    """Makes the messages of flights, and says what settles them. group: the consumer group, for dead letters.

    nodes: by slug, for what they say of failures. meter: told of failures, and of successes that cannot be sent.
    """

    def __init__(
        self,
        nodes: Mapping[str, NodeInstance],
        binding: ModelEventBusBinding,
        *,
        group: str,
        clock: Clock,
        meter: Meter,
    ) -> None:
        self._meter = meter
        self._nodes = nodes
        self._output = binding.topics.output
        self._dead_letters = binding.topics.dead_letter
        self._limit = binding.max_envelope_bytes
        self._group = group
        self._clock = clock

    def compose(self, flights: Sequence[Flight]) -> list[Message]:
        """The messages of flights whose outcome is known, in order; those that are over have none.

        Responses are encoded here, many one after the other, and not each when its node has run: the code of one
        step for several flights stays in the processor's caches, which is a tenth of all that a flight costs.
        """
        messages: list[Message] = []
        now = written(self._clock.now())
        for flight in flights:
            outcome, flight.cargo = flight.cargo, None
            if flight.over:
                continue
            if type(outcome) is Answer:
                request, payload, handler_type, operation = outcome
                try:
                    value = request.encoded_reply(
                        payload, timestamp=now, handler_type=handler_type, operation=operation
                    )
                except Exception:  # noqa: BLE001 - whatever a handler gave, its request gets its answer
                    outcome = self.unforeseen(flight, request)
                    self._take_back(request, operation, EnumErrorCode.INTERNAL_ERROR)
                else:
                    messages.append(
                        response_message(value, request.source_node or None, flight.delivery, self._output, flight)
                        if len(value) <= self._limit
                        else self._too_large(flight, request, len(value), outcome)
                    )
                    flight.settlement = _SUCCESS
                    flight.unacknowledged = 1
                    continue
            assert isinstance(outcome, list)
            flight.unacknowledged = len(outcome)
            messages += outcome
        return messages

    def failed(
        self, flight: Flight, request: ModelOnexEnvelope, error: RuntimeHostError, happening: EnumHappening
    ) -> list[Message]:
        """The error envelope, and the dead letter where the node says so."""
        node = self._nodes.get(request.target_node or "")
        verdict = judge(
            happening,
            on_failure=node.contract.on_failure if node is not None else "answer",
            dead_letters=self._dead_letters is not None,
        )
        assert verdict.answer is EnumAnswer.FAILURE
        flight.settlement = verdict.settlement
        self._note(flight, error, request)
        value = encode(request.failure(error, timestamp=self._clock.now()))
        messages = [self._response(flight, request, value)]
        if verdict.dead_letter:
            messages.append(self._dead_letter(flight, error, STAGE_NODE, request.target_node))
        return messages

    def unforeseen(self, flight: Flight, request: ModelOnexEnvelope) -> list[Message]:
        """The same for an exception of ours, which is being handled (FORMATS 2: INTERNAL_ERROR)."""
        _log.exception("an unforeseen exception", extra=about(request, events.DELIVERY_UNFORESEEN))
        error = RuntimeHostError("An internal error; the host's log has its trace under this correlation id")
        return self.failed(flight, request, error, EnumHappening.UNFORESEEN)

    def refused(self, flight: Flight, error: EnvelopeValidationError) -> list[Message]:
        """The dead letter of a record that is no envelope, where there is a topic for it."""
        verdict = judge(EnumHappening.NO_ENVELOPE, dead_letters=self._dead_letters is not None)
        flight.settlement = verdict.settlement
        self._note(flight, error)
        return [self._dead_letter(flight, error, STAGE_DECODE, None)] if verdict.dead_letter else []

    def smaller(self, message: Message, flight: Flight, details: Mapping[str, JsonValue]) -> Message | None:
        """What goes out instead of a message that the bus will never take; None where it has nothing smaller."""
        if message.topic == self._dead_letters:
            return without_value(message)
        if message.topic != self._output or flight.small:
            return None
        request = decode(flight.delivery.value, self._limit)
        refused = decode(message.value, len(message.value))
        if refused.success:
            self._take_back(request, refused.operation, EnumErrorCode.PAYLOAD_TOO_LARGE)
        if flight.correlation_id is not None:
            request = request.correlated(flight.correlation_id)
        return self._small(flight, request, details)

    def _response(self, flight: Flight, request: ModelOnexEnvelope, value: bytes) -> Message:
        """The error envelope, or a smaller one in its place."""
        if len(value) <= self._limit:
            return response_message(value, request.source_node or None, flight.delivery, self._output, flight)
        return self._small(flight, request, {"size_bytes": len(value), "limit_bytes": self._limit})

    def _too_large(self, flight: Flight, request: ModelOnexEnvelope, size: int, answer: Answer) -> Message:
        """The error envelope in the place of an answer, which was counted as a success."""
        self._take_back(request, answer.operation, EnumErrorCode.PAYLOAD_TOO_LARGE)
        details = {"size_bytes": size, "limit_bytes": self._limit}
        performed = _NO_DETAILS if answer.handler_type is None else _PERFORMED
        return self._small(flight, request, {**details, **performed})

    def _take_back(self, request: ModelOnexEnvelope, operation: str | None, code: EnumErrorCode) -> None:
        self._meter.of(request.target_node).take_back(operation, code.value)

    def _small(self, flight: Flight, request: ModelOnexEnvelope, details: Mapping[str, JsonValue]) -> Message:
        """The error envelope that stands for a response of any size."""
        flight.small = True
        error = PayloadTooLargeError(
            "the response is larger than the bus takes; ask for less, or raise max_envelope_bytes",
            path="$.payload",
        )
        error.details.update(details)
        self._note(flight, error, request)
        reply = without_metadata(request).failure(error, timestamp=self._clock.now())
        return response_message(encode(reply), reply.target_node, flight.delivery, self._output, flight)

    def _note(self, flight: Flight, error: RuntimeHostError, request: ModelOnexEnvelope | None = None) -> None:
        """For whoever looks at the last failures."""
        source, position = flight.delivery.source, flight.delivery.position
        failure = Failure(self._clock.now(), error.code, error.message, (source.topic, source.partition, position))
        if request is not None:
            node, operation = shown(request.target_node or ""), shown(error.operation or request.operation or "")
            failure = failure._replace(node=node, operation=operation, correlation_id=flight.correlation_id)
        self._meter.failures.append(failure)

    def _dead_letter(self, flight: Flight, error: RuntimeHostError, stage: str, node: str | None) -> Message:
        return dead_letter_message(
            flight.delivery,
            error,
            topic=self._dead_letters or "",
            group=self._group,
            failed_at=self._clock.now(),
            stage=stage,
            node=node,
            context=flight,
        )
