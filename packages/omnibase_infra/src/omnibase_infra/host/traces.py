"""The traces of a host: spans around each flight, by OpenTelemetry's conventions for messaging.

A `process` span is the work on one record, from its node's start to its outcome; a `send` span is its response's
way to the bus, until the record is settled. What the engine calls is wrapped here, so that a host without traces
pays for none.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Final, NamedTuple

from omnibase_core.contracts.observability import ModelTraces
from omnibase_core.enums import EnumErrorCode, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError
from omnibase_core.verdict import Admission
from omnibase_spi.event_bus import Delivery, Message

from omnibase_infra.host.export import Export
from omnibase_infra.host.flight import EnumStreamState, Flight
from omnibase_infra.telemetry.tracing import (
    SAMPLED,
    Attempts,
    Attributes,
    Span,
    SpanKind,
    TraceContext,
    Tracer,
    attach,
    context_headers,
    detach,
    read_context,
)

Carry = Callable[[Flight], Coroutine[None, None, None] | None]
Compose = Callable[[Sequence[Flight]], list[Message]]
Shrink = Callable[[Message, EventBusError], Message | None]
_HEADERS: Final = ("traceparent", "tracestate")
_LONGEST_NAME: Final = 255


class Place(NamedTuple):
    """Where a host's messages come from and go to. group: None on a bus without groups."""

    system: str
    output: str
    group: str | None


class Traces:
    """What a host does for its traces. attempts: for its guards; export: brings the spans out."""

    def __init__(self, config: ModelTraces, name: str, version: str, runtime_id: str, place: Place) -> None:
        self.tracer = Tracer(config.sample_ratio)
        self.attempts = Attempts(self.tracer)
        resource = {
            "service.name": config.service_name or name,
            "service.version": version,
            "service.instance.id": runtime_id,
        }
        self.export = Export(self.tracer, config, resource)
        self._place = place
        self._flights: dict[Flight, Span] = {}
        self._sends: dict[Flight, Span] = {}
        self._of_topic: dict[tuple[str, int], Attributes] = {}

    def carrying(self, carry: Carry) -> Carry:
        """The same, with a span around it."""

        def carried(flight: Flight) -> Coroutine[None, None, None] | None:
            if flight.over or flight.stream.state is EnumStreamState.CLOSED:
                return carry(flight)
            span = self._flights[flight] = self._begin(flight)
            token = attach(span)
            try:
                rest = carry(flight)
            finally:
                detach(token)
            if rest is None:
                span.end()
                return None
            return _run(rest, span)

        return carried

    def composing(self, compose: Compose) -> Compose:
        """The same, whose responses carry the trace on."""
        return lambda flights: [self._sent(message) for message in compose(flights)]

    def shrinking(self, shrink: Shrink) -> Shrink:
        """The same, for the messages that stand for others."""

        def shrunk(message: Message, error: EventBusError) -> Message | None:
            smaller = shrink(message, error)
            return None if smaller is None else self._sent(smaller)

        return shrunk

    def failed(self, flight: Flight, code: str) -> None:
        """The flight's request has failed, or its record is none."""
        if (span := self._flights.get(flight)) is not None:
            span.fail(code)

    def settled(self, flight: Flight, settlement: EnumSettlement) -> None:
        """Whatever of the flight's spans is still open ends."""
        if (span := self._flights.pop(flight, None)) is not None:
            span.end()
        if (send := self._sends.pop(flight, None)) is not None:
            if settlement is EnumSettlement.RELEASED:
                send.fail("unacknowledged")
            send.end()

    def _begin(self, flight: Flight) -> Span:
        delivery, cargo = flight.delivery, flight.cargo
        envelope = cargo.envelope if isinstance(cargo, Admission) else None
        sender = _sender(delivery) or (None if envelope is None else _in(envelope.metadata))
        context = self.tracer.next_context(sender)
        attributes = self._attributes(delivery, envelope) if context.flags & SAMPLED else {}
        name = f"process {delivery.source.topic}"
        return self.tracer.start(name, SpanKind.CONSUMER, attributes, sender, context=context, link=sender)

    def _attributes(self, delivery: Delivery, envelope: ModelOnexEnvelope | None) -> Attributes:
        """Of a `process` span: ids and places, and nothing of what the record holds; its key may be payload."""
        topic, partition = delivery.source.topic, delivery.source.partition
        attributes = {**(self._of_topic.get((topic, partition)) or self._seen(topic, partition))}
        if self._place.system == "kafka":
            attributes["messaging.kafka.offset"] = delivery.position
        if envelope is not None:
            attributes["messaging.message.id"] = str(envelope.envelope_id)
            attributes["messaging.message.conversation_id"] = str(envelope.correlation_id)
            if envelope.target_node:
                attributes["onex.node"] = envelope.target_node[:_LONGEST_NAME]
        return attributes

    def _seen(self, topic: str, partition: int) -> Attributes:
        """What all spans of a partition say."""
        attributes = _operation("process", self._place.system, topic)
        if self._place.group is not None:
            attributes["messaging.consumer.group.name"] = self._place.group
            attributes["messaging.destination.partition.id"] = str(partition)
        self._of_topic[topic, partition] = attributes
        return attributes

    def _sent(self, message: Message) -> Message:
        """A response that carries the context of its `send` span; a dead letter stays what its sender made it."""
        flight = message.context
        if message.topic != self._place.output or not isinstance(flight, Flight):
            return message
        process = self._flights.get(flight)
        span = self._send(flight, process) if process is None or process.context.flags & SAMPLED else process
        headers = [header for header in message.headers if header[0] not in _HEADERS]
        headers += [(name, value.encode()) for name, value in context_headers(span.context)]
        return message._replace(headers=headers)

    def _send(self, flight: Flight, process: Span | None) -> Span:
        """The span of the flight's response, begun once."""
        send = self._sends.get(flight)
        if send is None:
            topic, parent = self._place.output, None if process is None else process.context
            attributes = _operation("send", self._place.system, topic)
            send = self.tracer.start(f"send {topic}", SpanKind.PRODUCER, attributes, parent)
            self._sends[flight] = send
        if flight.small:
            send.fail(EnumErrorCode.PAYLOAD_TOO_LARGE.value)
        return send


async def _run(rest: Coroutine[None, None, None], span: Span) -> None:
    token = attach(span)
    try:
        await rest
    finally:
        detach(token)
        span.end()


def _operation(name: str, system: str, topic: str) -> Attributes:
    return {
        "messaging.system": system,
        "messaging.operation.name": name,
        "messaging.operation.type": name,
        "messaging.destination.name": topic,
    }


def _sender(delivery: Delivery) -> TraceContext | None:
    if not delivery.headers:
        return None
    found = {name: value.decode("latin-1") for name, value in delivery.headers if name in _HEADERS}
    return read_context(found.get("traceparent", ""), found.get("tracestate", ""))


def _in(metadata: Mapping[str, object]) -> TraceContext | None:
    """Of senders that cannot set headers; also what http servers get where there are no traces."""
    parent, state = metadata.get("traceparent"), metadata.get("tracestate")
    if not isinstance(parent, str):
        return None
    return read_context(parent, state if isinstance(state, str) else "")
