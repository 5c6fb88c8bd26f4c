"""A bus around a bus: what a test changes about the host's bus, and nothing else, is in a subclass."""

from collections.abc import Sequence

from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.frontier import ModelFrontier
from omnibase_spi.event_bus import Acknowledged, Delivery, Message, ProtocolDeliverySink, ProtocolEventBus, Source


class BusAround:
    """A ProtocolEventBus that passes everything on."""

    def __init__(self, inner: ProtocolEventBus) -> None:
        self.inner = inner

    async def initialize(self, config: ModelEventBusBinding) -> None:
        """Passed on."""
        await self.inner.initialize(config)

    async def shutdown(self) -> None:
        """Passed on."""
        await self.inner.shutdown()

    async def publish_envelope(self, envelope: ModelOnexEnvelope, topic: str, *, key: bytes | None = None) -> None:
        """Passed on."""
        await self.inner.publish_envelope(envelope, topic, key=key)

    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Passed on."""
        self.inner.publish_batch(messages, acknowledged)

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """Passed on."""
        await self.inner.subscribe(topic, handler)

    async def start_consuming(self) -> None:
        """Passed on."""
        await self.inner.start_consuming()

    def stop_consuming(self) -> None:
        """Passed on."""
        self.inner.stop_consuming()

    def pause(self, sources: frozenset[Source]) -> None:
        """Passed on."""
        self.inner.pause(sources)

    def resume(self, sources: frozenset[Source]) -> None:
        """Passed on."""
        self.inner.resume(sources)

    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        """Passed on."""
        return self.inner.settle(delivery, settlement)

    async def flush(self) -> None:
        """Passed on."""
        await self.inner.flush()

    async def renew(self, config: ModelEventBusBinding) -> None:
        """Passed on."""
        await self.inner.renew(config)

    def frontier(self) -> Sequence[ModelFrontier]:
        """Passed on."""
        return self.inner.frontier()

    async def health_check(self) -> ModelHealth:
        """Passed on."""
        return await self.inner.health_check()


class SinkAround:
    """A ProtocolDeliverySink that passes everything on."""

    def __init__(self, inner: ProtocolDeliverySink) -> None:
        self.inner = inner

    def deliver(self, batch: Sequence[Delivery]) -> None:
        """Passed on."""
        self.inner.deliver(batch)

    def assigned(self, sources: frozenset[Source]) -> None:
        """Passed on."""
        self.inner.assigned(sources)

    async def revoked(self, sources: frozenset[Source], budget_s: float) -> None:
        """Passed on."""
        await self.inner.revoked(sources, budget_s)
