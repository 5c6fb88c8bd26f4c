"""Hosts that lose: each breaks one rule of delivery, and the kill loop has to see it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from omnibase_core.enums import EnumSettlement
from omnibase_core.errors import EventBusError
from omnibase_infra.transports.postgres import Check, Result, Statement, client
from omnibase_infra.transports.postgres.inbox import recorded
from omnibase_infra.transports.postgres.transaction import Transaction
from omnibase_spi.event_bus import Acknowledged, Delivery, Message, ProtocolDeliverySink, ProtocolEventBus

from tests.chaos.around import BusAround, SinkAround

_LATE_S: Final = 0.05


class CommitsOnReceipt(BusAround):
    """Takes the receipt of a record for its outcome."""

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """With a sink that settles what comes."""
        await self.inner.subscribe(topic, _SettlesOnReceipt(handler, self.inner))


class _SettlesOnReceipt(SinkAround):
    def __init__(self, inner: ProtocolDeliverySink, bus: ProtocolEventBus) -> None:
        super().__init__(inner)
        self._bus = bus

    def deliver(self, batch: Sequence[Delivery]) -> None:
        for delivery in batch:
            self._bus.settle(delivery, EnumSettlement.DONE)
        super().deliver(batch)


class SettlesBeforeAcknowledgement(BusAround):
    """Takes a message that was handed over for one that is safe."""

    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Acknowledges at once."""
        self.inner.publish_batch(messages, _ignore)
        for message in messages:
            asyncio.get_running_loop().call_soon(acknowledged, message, None)


class IgnoresEpochs(BusAround):
    """Remembers across assignments which records it has handed out, and takes these for dealt with."""

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """With a sink that does not hand out again."""
        await self.inner.subscribe(topic, _HandsOutOnce(handler, self.inner))


class _HandsOutOnce(SinkAround):
    def __init__(self, inner: ProtocolDeliverySink, bus: ProtocolEventBus) -> None:
        super().__init__(inner)
        self._bus = bus
        self._handed_out: set[tuple[str, int, int]] = set()

    def deliver(self, batch: Sequence[Delivery]) -> None:
        fresh = []
        for delivery in batch:
            place = (delivery.source.topic, delivery.source.partition, delivery.position)
            if place in self._handed_out:
                self._bus.settle(delivery, EnumSettlement.DONE)
            else:
                self._handed_out.add(place)
                fresh.append(delivery)
        super().deliver(fresh)


def commits_bare(inner: ProtocolEventBus) -> ProtocolEventBus:
    """Commits without saying which offsets: that is the position of the consumer, beyond all that is in flight."""
    explicit: Callable[..., Any] = AIOKafkaConsumer.commit

    async def bare(consumer: AIOKafkaConsumer, offsets: object) -> None:
        await explicit(consumer)

    setattr(AIOKafkaConsumer, "commit", bare)  # noqa: B010 - of this process, which is the mutant
    return inner


def notes_after_the_effect(inner: ProtocolEventBus) -> ProtocolEventBus:
    """Writes the row of the inbox when the transaction of the effect has committed."""
    setattr(client, "Transaction", _NotesLate)  # noqa: B010 - of this process, which is the mutant
    return inner


class _NotesLate(Transaction):
    async def perform(
        self, begin: str, statements: Sequence[Statement], places: Sequence[str], check: Check | None
    ) -> list[Result]:
        claim, self._claim = self._claim, None
        if claim is None:
            return await super().perform(begin, statements, places, check)
        before = recorded(await self._alone(claim.take()))
        if before is not None:
            return before
        results = await super().perform(begin, statements, places, check)
        await asyncio.sleep(_LATE_S)
        await self._alone(claim.record(results))
        return results

    async def _alone(self, statement: Statement) -> Result:
        await self._session.execute("BEGIN READ WRITE")
        result = await self._noted(statement)
        await self._session.execute("COMMIT")
        return result


def _ignore(message: Message, error: EventBusError | None) -> None:
    """Nobody waits for it."""


MUTANTS: Final[dict[str, Callable[[ProtocolEventBus], ProtocolEventBus]]] = {
    "commits on receipt": CommitsOnReceipt,
    "settles before the acknowledgement": SettlesBeforeAcknowledgement,
    "ignores epochs": IgnoresEpochs,
    "commits bare": commits_bare,
}
INBOX_MUTANTS: Final[dict[str, Callable[[ProtocolEventBus], ProtocolEventBus]]] = {
    "notes after the effect": notes_after_the_effect,
}
