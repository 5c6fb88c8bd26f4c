"""The dead letters of a topic, as a command reads them: within bounds, with what is known of earlier replays."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from omnibase_core.errors import EventBusError
from omnibase_spi.topic_log import Extent, Partition, ProtocolTopicLog

from omnibase_infra.records.dead_letter import DeadLetter, dead_letter_of
from omnibase_infra.records.progress import Progress, progress_of
from omnibase_infra.records.selection import Selection


class Letters(NamedTuple):
    """A dead-letter topic. limit: bytes over which a value is not decoded. name: under which replays are noted."""

    log: ProtocolTopicLog
    topic: str
    limit: int
    name: str

    async def extents(self, selection: Selection) -> Sequence[Extent]:
        """Where the selected dead letters lie, at most."""
        return selection.narrowed(await self.log.extents([self.topic]))

    async def read(self, extents: Sequence[Extent]) -> AsyncGenerator[Sequence[DeadLetter], None]:
        """Every dead letter within these extents."""
        async with aclosing(self.log.read(extents)) as batches:
            async for records in batches:
                yield [dead_letter_of(record, limit=self.limit) for record in records]

    async def replayed(self) -> Mapping[Partition, Progress]:
        """What of each partition was replayed. Raises EventBusError where that cannot be read."""
        notes = await self.log.notes(self.name, self.topic)
        return {partition: progress_of(note) for partition, note in notes.items()}

    async def replayed_if_known(self) -> Mapping[Partition, Progress] | None:
        """The same for who only looks: None where it cannot be read, for want of a permission for instance."""
        try:
            return await self.replayed()
        except EventBusError:
            return None
