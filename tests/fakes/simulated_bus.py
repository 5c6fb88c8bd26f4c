"""A bus whose every step a test decides: what arrives, what is acknowledged, what fails, what is revoked.

It keeps the protocol's promises and checks the engine's: nothing is settled twice, nothing of an old epoch
moves the frontier, and behind a failed message everything of its output partition fails too.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence

from omnibase_core.codec import encode
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumHealth, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError, MessageTooLargeError
from omnibase_core.frontier import Frontier, ModelFrontier
from omnibase_spi.event_bus import Acknowledged, Delivery, Message, ProtocolDeliverySink, Source

INPUT = "onex.acme.orders.cmd.v1"
OUTPUT_PARTITIONS = 2


class SimulatedBus:
    """One input partition with a log that restarts at its frontier, and output partitions by key."""

    def __init__(self, limit_bytes: int = 1_048_576) -> None:
        self.limit_bytes = limit_bytes
        self.log: list[tuple[bytes | None, bytes]] = []
        self.epoch = 0
        self.delivered = 0
        self.frontier_of: dict[Source, Frontier] = {}
        self.committed = 0
        self.settled: list[tuple[Source, int, EnumSettlement]] = []
        self.refused_settlements = 0
        self.queued: dict[int, deque[tuple[Message, Acknowledged]]] = defaultdict(deque)
        self.published: list[Message] = []
        self.paused: set[Source] = set()
        self.pauses: list[Source] = []
        self.sink: ProtocolDeliverySink | None = None

    @property
    def source(self) -> Source:
        """The input stream of the present assignment."""
        return Source(INPUT, 0, self.epoch)

    def append(self, key: bytes | None, value: bytes) -> int:
        """A record arrives at the broker; its position."""
        self.log.append((key, value))
        return len(self.log) - 1

    def assign(self) -> None:
        """A new epoch, from the committed position."""
        assert self.sink is not None
        self.epoch += 1
        self.delivered = self.committed
        self.frontier_of = {self.source: Frontier(self.committed)}
        self.sink.assigned(frozenset((self.source,)))

    def poll(self, most: int) -> int:
        """Delivers what has not been delivered in this epoch; nothing while paused."""
        assert self.sink is not None
        if self.source in self.paused:
            return 0
        batch = [
            Delivery(self.source, position, value, key, (), 1_700_000_000_000 + position)
            for position, (key, value) in list(enumerate(self.log))[self.delivered : self.delivered + most]
        ]
        for delivery in batch:
            assert self.frontier_of[self.source].deliver(delivery.position)
        self.delivered += len(batch)
        if batch:
            self.sink.deliver(batch)
        return len(batch)

    async def revoke(self, budget_s: float) -> None:
        """The stream goes away; its settled progress is what the next epoch starts from."""
        assert self.sink is not None
        await self.sink.revoked(frozenset((self.source,)), budget_s)
        self.committed = self.frontier_of[self.source].next_position
        self.frontier_of = {}
        self.paused.clear()

    def acknowledge(self, partition: int, most: int = 1_000_000) -> int:
        """The broker takes the first messages of an output partition."""
        taken = 0
        queue = self.queued[partition]
        while queue and taken < most:
            message, acknowledged = queue.popleft()
            self.published.append(message)
            acknowledged(message, None)
            taken += 1
        return taken

    def fail(self, partition: int) -> int:
        """The first message of an output partition fails, and everything behind it too, in one step."""
        failed, self.queued[partition] = list(self.queued[partition]), deque()
        for message, acknowledged in failed:
            acknowledged(message, EventBusError("simulated"))
        return len(failed)

    @property
    def in_queue(self) -> int:
        """Messages that wait for their acknowledgement."""
        return sum(map(len, self.queued.values()))

    async def initialize(self, config: ModelEventBusBinding) -> None:
        """Nothing to connect to."""

    async def shutdown(self) -> None:
        """Nothing to end."""

    async def publish_envelope(self, envelope: ModelOnexEnvelope, topic: str, *, key: bytes | None = None) -> None:
        """Into the input log, whatever the topic."""
        self.append(key, encode(envelope))

    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Queues each message for the output partition of its key."""
        for message in messages:
            if len(message.value) > self.limit_bytes:
                self._refuse(message, acknowledged)
                continue
            self.queued[self.partition_of(message.key)].append((message, acknowledged))

    def partition_of(self, key: bytes | None) -> int:
        """The output partition of a key."""
        return sum(key or b"") % OUTPUT_PARTITIONS

    def _refuse(self, message: Message, acknowledged: Acknowledged) -> None:
        error = MessageTooLargeError(len(message.value), self.limit_bytes)
        asyncio.get_running_loop().call_soon(acknowledged, message, error)

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """Who is told."""
        self.sink = handler

    async def start_consuming(self) -> None:
        """A test polls by itself."""

    def stop_consuming(self) -> None:
        """A test stops by itself."""

    def pause(self, sources: frozenset[Source]) -> None:
        """Leaves the stream out of `poll`."""
        self.paused |= sources
        self.pauses.extend(sources)

    def resume(self, sources: frozenset[Source]) -> None:
        """Takes it in again."""
        self.paused -= sources

    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        """Records an outcome; twice in one epoch is a defect of the engine."""
        frontier = self.frontier_of.get(delivery.source)
        entry = (delivery.source, delivery.position)
        assert entry not in [(source, position) for source, position, _ in self.settled], f"settled twice: {entry}"
        self.settled.append((*entry, settlement))
        if frontier is None:
            self.refused_settlements += 1
            return False
        if settlement is EnumSettlement.RELEASED:
            return False
        return frontier.settle(delivery.position)

    async def flush(self) -> None:
        """Progress is durable here as soon as it is settled."""

    async def renew(self, config: ModelEventBusBinding) -> None:
        """It connects to nobody."""

    def frontier(self) -> Sequence[ModelFrontier]:
        """The present stream's."""
        return [
            ModelFrontier(
                topic=source.topic,
                partition=source.partition,
                epoch=source.epoch,
                next_position=frontier.next_position,
                outstanding=frontier.outstanding,
                holes=frontier.holes,
                oldest_outstanding=frontier.oldest_outstanding,
            )
            for source, frontier in self.frontier_of.items()
        ]

    async def health_check(self) -> ModelHealth:
        """Always well."""
        return ModelHealth(status=EnumHealth.HEALTHY)
