"""The client: envelopes into a host that runs in this process, responses back.

It publishes to the input topic and takes the deliveries of the output and dead-letter topics. What belongs
together is known by the record's key, which the engine keeps; keys are the client's own and never repeat.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from omnibase_core.codec import decode, encode
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.enums import EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import (
    EnvelopeValidationError,
    EventBusError,
    MessageTooLargeError,
    PayloadTooLargeError,
    RuntimeHostError,
)
from omnibase_spi.event_bus import Delivery, Message, ProtocolEventBus, Source

from omnibase_infra.host.messages import STAGE_DECODE


class Reply(NamedTuple):
    """What came back for the record with this key: the encoded response, or why the record was refused.

    refusal: an EnvelopeValidationError with the path of what is wrong, or the EventBusError of the bus.
    """

    key: bytes
    value: bytes
    refusal: RuntimeHostError | None


class Client:
    """Submits requests, and hands on what comes back.

    on_reply: told of each reply that no `request` waits for; must not raise.
    limit: requests that may be unanswered at once; `submit` waits beyond it.
    """

    def __init__(
        self,
        bus: ProtocolEventBus,
        binding: ModelEventBusBinding,
        *,
        on_reply: Callable[[Reply], None] | None = None,
        limit: int = 1_000,
    ) -> None:
        self.on_reply = on_reply
        self._bus = bus
        self._topics = binding.topics
        self._max_bytes = binding.max_envelope_bytes
        self._limit = limit
        self._unanswered: dict[bytes, asyncio.Future[Reply] | None] = {}
        self._requests = 0
        self._room: asyncio.Future[None] | None = None
        self._quiet: asyncio.Future[None] | None = None
        self._closed = False

    async def subscribe(self) -> None:
        """Subscribes to what the host answers; before the bus consumes."""
        await self._bus.subscribe(self._topics.output, self)
        if self._topics.dead_letter is not None:
            await self._bus.subscribe(self._topics.dead_letter, self)

    @property
    def unanswered(self) -> frozenset[bytes]:
        """The keys of what was submitted and has no reply yet."""
        return frozenset(self._unanswered)

    async def submit(self, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Publishes (key, value) pairs in order; waits while `limit` are unanswered.

        Raises EventBusError once the host has stopped.
        """
        start = 0
        while start < len(records):
            if self._closed:
                raise _stopped()
            room = self._limit - len(self._unanswered)
            if room <= 0:
                if self._room is None or self._room.done():
                    self._room = asyncio.get_running_loop().create_future()
                await asyncio.shield(self._room)
                continue
            batch = records[start : start + room]
            start += room
            for key, _ in batch:
                self._unanswered[key] = None
            self._publish(batch)

    async def request(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """The response to one request.

        Raises EnvelopeValidationError where the host could not read it as a request, EventBusError where the bus
        did not take it, or the host stopped before the reply came.
        """
        if self._closed:
            raise _stopped()
        self._requests += 1
        key = f"{envelope.envelope_id}/{self._requests}".encode()
        answered = asyncio.get_running_loop().create_future()
        self._unanswered[key] = answered
        self._publish([(key, encode(envelope))])
        reply: Reply = await answered
        if reply.refusal is not None:
            raise reply.refusal
        return decode(reply.value, self._max_bytes)

    async def idle(self) -> None:
        """Returns when everything that was submitted has its reply. Raises EventBusError when the host stops."""
        if self._unanswered:
            self._quiet = self._quiet or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._quiet)

    async def idle_by(self, until: float) -> None:
        """`idle`, until this time of the loop: what was submitted here nobody else would deliver again."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self.idle()

    def close(self) -> None:
        """Tells whoever waits, now or later, that no reply will come: EventBusError."""
        self._closed = True
        for future in (self._room, self._quiet, *self._unanswered.values()):
            if future is not None and not future.done():
                future.set_exception(_stopped())
                future.exception()

    def deliver(self, batch: Sequence[Delivery]) -> None:
        """Takes responses, and the dead letters of what was no envelope."""
        unanswered, output, settle = self._unanswered, self._topics.output, self._bus.settle
        for delivery in batch:
            key = delivery.key
            if key is not None and key in unanswered:
                if delivery.source.topic == output:
                    self._answer(Reply(key, delivery.value, None))
                elif dict(delivery.headers).get("onex-dlq-stage") == STAGE_DECODE.encode():
                    self._answer(Reply(key, delivery.value, self._refusal(delivery)))
            settle(delivery, EnumSettlement.DONE)

    def assigned(self, sources: frozenset[Source]) -> None:
        """Nothing to prepare."""

    async def revoked(self, sources: frozenset[Source], budget_s: float) -> None:
        """Nothing is on its way here: each delivery is settled when it comes."""

    def _publish(self, records: Sequence[tuple[bytes, bytes]]) -> None:
        self._bus.publish_batch(
            [Message(self._topics.input, value, key, ()) for key, value in records], self._acknowledged
        )

    def _acknowledged(self, message: Message, error: EventBusError | None) -> None:
        if error is not None and message.key is not None and message.key in self._unanswered:
            self._answer(Reply(message.key, message.value, _of_the_request(error)))

    def _refusal(self, delivery: Delivery) -> RuntimeHostError:
        """The host's error, found again: a dead letter's headers tell its code and message, and no more."""
        try:
            decode(delivery.value, self._max_bytes)
        except EnvelopeValidationError as error:
            return error
        path, _, sentence = dict(delivery.headers)["__dlq.errors.message"].decode().partition(": ")
        return EnvelopeValidationError(sentence, path=path)

    def _answer(self, reply: Reply) -> None:
        waiting = self._unanswered.pop(reply.key)
        if waiting is not None:
            if not waiting.done():
                waiting.set_result(reply)
        elif self.on_reply is not None:
            self.on_reply(reply)
        if self._room is not None:
            _wake(self._room)
            self._room = None
        if self._quiet is not None and not self._unanswered:
            _wake(self._quiet)
            self._quiet = None


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _stopped() -> EventBusError:
    return EventBusError("The host stopped before the reply came; the request may or may not have run")


def _of_the_request(error: EventBusError) -> RuntimeHostError:
    """What keeps a request from the bus; one that is too large is refused as the host would refuse it."""
    if not isinstance(error, MessageTooLargeError):
        return error
    refusal = PayloadTooLargeError(
        f"the envelope has {error.size_bytes} bytes, the bus takes {error.limit_bytes}; "
        "send less, or raise max_envelope_bytes"
    )
    refusal.details.update(error.details)
    return refusal
