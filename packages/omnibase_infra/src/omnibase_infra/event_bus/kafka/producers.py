"""The library's producers: one in use, and those that failed until what they still carry is over.

After a refusal for good, and after a batch that was never acknowledged, the broker and the client disagree about
what comes next: nothing more is sent through such a producer. Batches of other partitions that it has on their
way are waited for, so one bad partition holds nobody else.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from omnibase_spi.event_bus import Message

from omnibase_infra.event_bus.kafka.clients import connect_with
from omnibase_infra.event_bus.kafka.connection import SecurityArguments
from omnibase_infra.event_bus.kafka.ending import end_client
from omnibase_infra.event_bus.kafka.faults import in_words
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.meter import BusMeter

_log = logging.getLogger("onex.bus")
_FIRST_DELAY_S: Final = 0.2
_LONGEST_DELAY_S: Final = 30.0
_END_S: Final = 1.5


class Batch:
    """Messages that go to one partition together."""

    def __init__(self, client: AIOKafkaProducer) -> None:
        self.builder = client.create_batch()
        self._append = self.builder.append

    def add(self, message: Message) -> bool:
        """Whether there was room for it; for the first one there always is."""
        _, value, key, headers, _, timestamp_ms, null = message
        if type(headers) is not list:
            headers = list(headers)
        written = None if null else value
        return self._append(timestamp=timestamp_ms, key=key, value=written, headers=headers) is not None


class Producer:
    """One producer of the library, and how many batches it has on their way."""

    def __init__(self, client: AIOKafkaProducer) -> None:
        self.client = client
        self.under_way = 0
        self.retired = False

    def batch(self) -> Batch:
        """An empty batch."""
        return Batch(self.client)

    async def send(self, batch: Batch, topic: str, partition: int) -> None:
        """Returns when the brokers have acknowledged the batch. Raises KafkaError."""
        batch.builder.close()  # an open one would collect other messages
        self.under_way += 1
        try:
            await (await self.client.send_batch(batch.builder, topic, partition=partition))
        finally:
            self.under_way -= 1


class Producers:
    """Makes producers, and replaces those that failed.

    partitions: how many each topic had at the start. attempt_s: for one start of a producer, in seconds.
    meter: counts those that were replaced.
    """

    def __init__(
        self,
        make: Callable[[], AIOKafkaProducer],
        partitions: Mapping[str, int],
        *,
        attempt_s: float,
        meter: BusMeter | None = None,
    ) -> None:
        self._meter = meter or BusMeter()
        self._make = make
        self._attempt_s = attempt_s
        self._partitions = {topic: list(range(count)) for topic, count in partitions.items()}
        self._current: Producer | None = None
        self._building: asyncio.Task[None] | None = None
        self._ending = set[asyncio.Task[bool]]()

    async def start(self) -> None:
        """The first producer. Raises KafkaError or TimeoutError where it cannot be had."""
        self._current = await self._attempt()

    async def get(self) -> Producer:
        """The producer in use; waits while another one is made."""
        while self._current is None:
            if self._building is None or self._building.done():
                self._building = asyncio.create_task(self._build(), name="onex-producer")
            await asyncio.shield(self._building)
        return self._current

    def retire(self, producer: Producer) -> None:
        """Nothing more goes through this one; it ends when nothing of it is on its way."""
        producer.retired = True
        if self._current is producer:
            self._current = None
        self.released(producer)

    def released(self, producer: Producer) -> None:
        """A batch of this producer is over."""
        if producer.retired and not producer.under_way:
            task = asyncio.create_task(end_client(producer.client, _END_S), name="onex-producer-end")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def connect_with(self, security: SecurityArguments) -> None:
        """Has the producer in use make its further connections with these."""
        if self._current is not None:
            connect_with(self._current.client.client, security)

    def partitions_of(self, topic: str) -> Sequence[int]:
        """The partitions of a topic, as far as they are known."""
        known = self._partitions[topic]
        if self._current is not None:
            found = self._current.client.client.cluster.partitions_for_topic(topic)
            if found is not None and len(found) != len(known):
                known = self._partitions[topic] = sorted(found)
        return known

    async def close(self) -> None:
        """Ends every producer, within bounds."""
        if self._building is not None:
            self._building.cancel()
            await asyncio.wait([self._building])
        if self._current is not None:
            await end_client(self._current.client, _END_S)
            self._current = None
        if self._ending:
            await asyncio.wait(self._ending, timeout=_END_S)

    async def _build(self) -> None:
        delay = _FIRST_DELAY_S
        while True:
            try:
                self._current = await self._attempt()
                self._meter.rebuilt["producer"] += 1
                return
            except (KafkaError, TimeoutError, OSError) as error:
                _log.warning(
                    "no producer yet, the next attempt comes in %.1f s: %s",
                    delay,
                    in_words(error),
                    extra={"event": events.BUS_PRODUCER_FAILED},
                )
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads clients, guards nothing
            delay = min(delay * 2, _LONGEST_DELAY_S)

    async def _attempt(self) -> Producer:
        client = self._make()
        try:
            async with asyncio.timeout(self._attempt_s):
                await client.start()
                for topic in self._partitions:
                    await client.partitions_for(topic)
        except BaseException:
            await end_client(client, _END_S)
            raise
        return Producer(client)
