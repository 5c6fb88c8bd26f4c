"""What belongs to a correlation id, looked for in the topics themselves."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from omnibase_spi.topic_log import Extent, ProtocolTopicLog, Record

from omnibase_infra.records.dead_letter import CORRELATION_ID
from omnibase_infra.records.sightings import Reading, Sighting
from omnibase_infra.records.trace import missing_causes

_PASSES: Final = 3


class Searched(NamedTuple):
    """One topic that was read: how many records, and the time of the oldest (None: it was empty)."""

    topic: str
    records: int
    oldest_ms: int | None


class Findings(NamedTuple):
    """What was found, and where it was looked for."""

    sightings: Sequence[Sighting]
    searched: Sequence[Searched]


async def search(
    log: ProtocolTopicLog, reading: Reading, correlation_id: UUID, *, since_ms: int | None = None
) -> Findings:
    """Reads the three topics for a correlation id.

    Requests that came without one are found through the responses that name them as their cause.
    """
    named = (reading.topics.input, reading.topics.output, reading.topics.dead_letter)
    topics = [topic for topic in named if topic is not None]
    extents = await log.extents(topics, since_ms)
    header, text = (CORRELATION_ID, str(correlation_id).encode()), str(correlation_id)

    def is_ours(record: Record) -> Sighting | None:
        # Decoding is what costs: most records are told apart by a search in their bytes.
        if header[1] not in (record.value or b"").lower() and (header[0], header[1]) not in record.headers:
            return None
        sighting = reading.sighting(record)
        return sighting if sighting.correlation_id == text else None

    found, searched = await _read(log, extents, is_ours)
    looked_for: frozenset[UUID] = frozenset()
    for _ in range(_PASSES):
        wanted = missing_causes(found) - looked_for
        if not wanted:
            break
        looked_for |= wanted
        more, _ = await _read(log, extents, partial(_cause, reading, wanted))
        found = [*found, *more]
    return Findings(found, searched)


def _cause(reading: Reading, wanted: frozenset[UUID], record: Record) -> Sighting | None:
    value = (record.value or b"").lower()
    if not any(str(each).encode() in value for each in wanted):
        return None
    sighting = reading.sighting(record)
    envelope = sighting.envelope
    if envelope is None or envelope.correlation_id is not None or envelope.envelope_id not in wanted:
        return None
    return sighting


async def _read(
    log: ProtocolTopicLog, extents: Sequence[Extent], take: Callable[[Record], Sighting | None]
) -> tuple[list[Sighting], list[Searched]]:
    found: list[Sighting] = []
    counts = {each.partition.topic: 0 for each in extents}
    oldest: dict[str, int] = {}
    async with aclosing(log.read(extents)) as batches:
        async for records in batches:
            for record in records:
                topic = record.partition.topic
                counts[topic] += 1
                oldest[topic] = min(oldest.get(topic, record.timestamp_ms), record.timestamp_ms)
                sighting = take(record)
                if sighting is not None:
                    found.append(sighting)
    return found, [Searched(topic, count, oldest.get(topic)) for topic, count in counts.items()]
