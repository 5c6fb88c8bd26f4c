"""ProtocolTopicLog: the topics of a bus as whoever operates a host sees them, from outside it.

What lies there is read again without taking anything from anybody: no membership, nothing settled.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import NamedTuple, Protocol

from omnibase_core.errors import EventBusError

from omnibase_spi.event_bus import Headers, Message


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    number: int


class Record(NamedTuple):
    """One record as it lies in its partition. A value of None is a record without one."""

    partition: Partition
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Extent(NamedTuple):
    """The offsets of a partition from `start` to before `end`; where records were removed, not each has one."""

    partition: Partition
    start: int
    end: int


class Note(NamedTuple):
    """What a name keeps about a partition: an offset, and up to 4,096 bytes of text."""

    offset: int
    text: str


class ProtocolTopicLog(Protocol):
    """Topics that can be read again. Every call is bounded in time, reading with `follow` aside.

    Whatever keeps a call from being done is an EventBusError that says what to do about it: no broker, no such
    topic, no permission, wrong credentials.
    """

    async def open(self) -> None:
        """Connects."""

    async def close(self) -> None:
        """Ends everything; never raises. Does nothing when called again."""

    async def extents(self, topics: Sequence[str], since_ms: int | None = None) -> Sequence[Extent]:
        """What the partitions of these topics hold now; with `since_ms`, from the first record of that time."""

    def read(self, extents: Sequence[Extent], *, follow: bool = False) -> AsyncGenerator[Sequence[Record], None]:
        """The records, in the order of each partition. Follow: beyond the ends too, until the reader stops."""

    async def publish(self, messages: Sequence[Message]) -> Sequence[EventBusError | None]:
        """Publishes in order, and says of each what kept it from being acknowledged; None: it is safe."""

    async def remove(self, ends: Mapping[Partition, int]) -> None:
        """Removes every record before the given offset of each partition, for good."""

    async def notes(self, name: str, topic: str) -> Mapping[Partition, Note]:
        """What was kept under this name, for the partitions of a topic that have something."""

    async def keep(self, name: str, notes: Mapping[Partition, Note]) -> None:
        """Keeps a note about each of these partitions in place of the last; outlives this process."""
