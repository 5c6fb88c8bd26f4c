"""The latest records of topics, and those that come while somebody watches."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from omnibase_spi.topic_log import Extent, ProtocolTopicLog

from omnibase_infra.records.sightings import Reading, Sighting


class Watch(NamedTuple):
    """What is watched. correlation_id, since_ms: only what belongs to it, only what is not older.

    last: how many of the latest there are to begin with; None: all that the other two let through.
    """

    topics: Sequence[str]
    last: int | None = None
    correlation_id: str | None = None
    since_ms: int | None = None

    def takes(self, sighting: Sighting) -> bool:
        """Whether a record is shown."""
        return self.correlation_id is None or sighting.correlation_id == self.correlation_id


async def latest(
    log: ProtocolTopicLog, reading: Reading, watch: Watch
) -> tuple[Sequence[Sighting], Sequence[Extent]]:
    """The latest records in the order of time, and where each partition goes on behind them."""
    extents = await log.extents(watch.topics, watch.since_ms)
    behind = [each._replace(start=each.end) for each in extents]
    last = watch.last
    if last is not None and watch.correlation_id is None:
        extents = [each._replace(start=max(each.start, each.end - last)) for each in extents]
    found: list[Sighting] = []
    async with aclosing(log.read(extents)) as batches:
        async for records in batches:
            found.extend(filter(watch.takes, map(reading.sighting, records)))
            if last is not None and len(found) > 2 * last + 1_000:
                found = _last(found, last)
    return _last(found, last), behind


async def coming(
    log: ProtocolTopicLog, reading: Reading, watch: Watch, behind: Sequence[Extent], stop: asyncio.Event
) -> AsyncGenerator[Sequence[Sighting], None]:
    """What comes behind these places, until `stop` is set."""
    async with aclosing(log.read(behind, follow=True)) as batches:
        async for records in batches:
            yield list(filter(watch.takes, map(reading.sighting, records)))
            if stop.is_set():
                return


def _last(found: list[Sighting], last: int | None) -> list[Sighting]:
    found.sort(key=lambda each: (each.record.timestamp_ms, each.record.partition, each.record.offset))
    return found if last is None else found[max(0, len(found) - last) :]
