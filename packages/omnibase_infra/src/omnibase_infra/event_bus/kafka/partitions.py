"""Which output partition a message belongs to: that of its key, as Kafka's own clients choose it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from aiokafka.partitioner import murmur2

_KEYS_REMEMBERED: Final = 16_384


@lru_cache(maxsize=_KEYS_REMEMBERED)
def partition_of(key: bytes, count: int) -> int:
    """The partition of a key among `count`; the hash costs more than all else about a key, so it is remembered."""
    return int(murmur2(key) & 0x7FFFFFFF) % count


class Spread:
    """Partitions for messages without a key: one after the other, so that each gets its share."""

    def __init__(self) -> None:
        self._next = 0

    def next_of(self, partitions: Sequence[int]) -> int:
        """The next one."""
        self._next = (self._next + 1) % len(partitions)
        return partitions[self._next]
