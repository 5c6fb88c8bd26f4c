"""Requests from outside to the input topic, and their responses from the output topic."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple
from uuid import UUID

from omnibase_core.codec import encode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError
from omnibase_spi.event_bus import Message
from omnibase_spi.topic_log import Extent, ProtocolTopicLog, Record

from omnibase_infra.records.sightings import Reading

_BATCH: Final = 500


class Request(NamedTuple):
    """A request to send. value: its bytes, which are sent as they are. line: where it stood, from 1."""

    envelope: ModelOnexEnvelope
    value: bytes
    line: int | None = None


class Response(NamedTuple):
    """The first response to a request that was sent."""

    envelope: ModelOnexEnvelope
    record: Record


class SendingError(EventBusError):
    """The bus took no more. Attributes: `sent`, how many it took before; `line`, where the first stood that it
    did not acknowledge: it may have it all the same."""

    def __init__(self, error: EventBusError, sent: int, line: int | None = None) -> None:
        super().__init__(error.message)
        self.sent = sent
        self.line = line


def request_of(envelope: ModelOnexEnvelope) -> Request:
    """A request that was made here."""
    return Request(envelope, encode(envelope))


def message_of(request: Request, topic: str, key: bytes | None) -> Message:
    """The request as a message, with its headers (FORMATS 8)."""
    envelope = request.envelope
    named = {
        "onex-envelope-id": envelope.envelope_id,
        "onex-correlation-id": envelope.correlation_id,
        "onex-causation-id": envelope.causation_id,
        "onex-target-node": envelope.target_node,
    }
    headers = [(name, str(value).encode()) for name, value in named.items() if value is not None]
    headers.append(("content-type", b"application/json"))
    return Message(topic, request.value, key, headers, request)


async def ends(log: ProtocolTopicLog, topic: str) -> Sequence[Extent]:
    """Where a topic goes on from now."""
    return [each._replace(start=each.end) for each in await log.extents([topic])]


async def send(
    log: ProtocolTopicLog,
    messages: Sequence[Message],
    stop: asyncio.Event,
    tell: Callable[[int], None],
) -> int:
    """Publishes in order, and gives how many are safe: all, unless `stop` is set between two batches.

    Raises SendingError for the first that is not.
    """
    sent = 0
    for start in range(0, len(messages), _BATCH):
        if stop.is_set():
            break
        batch = messages[start : start + _BATCH]
        for message, error in zip(batch, await log.publish(batch), strict=True):
            if error is not None:
                assert isinstance(message.context, Request)
                raise SendingError(error, sent, message.context.line)
            sent += 1
        tell(sent)
    return sent


async def responses(
    log: ProtocolTopicLog,
    reading: Reading,
    places: Sequence[Extent],
    wanted: Iterable[UUID],
    *,
    timeout_s: float,
    stop: asyncio.Event,
) -> AsyncGenerator[Response, None]:
    """The first response to each of these requests as it comes, until there are all, time is up or `stop` is set.

    places: where the output topic went on before the requests were sent.
    """
    missing = set(wanted)
    until = asyncio.get_running_loop().time() + timeout_s
    async with aclosing(log.read(places, follow=True)) as batches:
        async for records in batches:
            for record in records:
                envelope = reading.sighting(record).envelope
                if envelope is not None and envelope.is_response and envelope.causation_id in missing:
                    missing.remove(envelope.causation_id)
                    yield Response(envelope, record)
            if not missing or stop.is_set() or asyncio.get_running_loop().time() >= until:
                return
