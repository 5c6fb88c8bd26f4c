"""Sees a consumer that has silently stopped: no answer to its fetches, though it asks and the cluster is there."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from omnibase_infra.event_bus.kafka.progress import Stream

SUSPECT_S: Final = 10.0
STALLED_S: Final = 120.0
_MOST: Final = 3
_WITHIN_S: Final = 600.0


class StallDetector:
    """clock: wall-clock seconds, as the library notes its polls."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stalls = deque[float]()

    def silence_s(self, consumer: AIOKafkaConsumer, polled: Iterable[Stream], since: float) -> float:
        """How long the quietest of the polled streams has had no answer, at the most since `since`."""
        now, assigned = self._clock(), consumer.assignment()
        longest = 0.0
        for stream in polled:
            partition = TopicPartition(stream.source.topic, stream.source.partition)
            if partition in assigned:
                last_ms = consumer.last_poll_timestamp(partition)
                last = since if last_ms is None else max(since, last_ms / 1000)
                longest = max(longest, now - last)
        return longest

    def stalled(self) -> bool:
        """Notes a stall of a consumer whose cluster is there; whether there were too many to go on."""
        now = self._clock()
        self._stalls.append(now)
        while self._stalls and now - self._stalls[0] > _WITHIN_S:
            self._stalls.popleft()
        return len(self._stalls) >= _MOST
