"""In-memory buses that each break one promise, so that the conformance checks are seen to fail."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumHealth, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError, MessageTooLargeError
from omnibase_core.frontier import ModelFrontier
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_spi.event_bus import Acknowledged, Delivery, Message, ProtocolDeliverySink, Source


class BrokenBus(InMemoryEventBus):
    """A bus that still keeps every promise, and notes what a mutant needs."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = 0
        self.shut = False
        self.sinks: dict[str, ProtocolDeliverySink] = {}
        self.seen: list[Delivery] = []

    async def initialize(self, config: ModelEventBusBinding) -> None:
        """Notes the limit."""
        await super().initialize(config)
        self.limit = config.max_envelope_bytes

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """Puts itself between, so that a mutant can change what is delivered."""
        self.sinks[topic] = handler
        await super().subscribe(topic, Between(self, handler))

    async def shutdown(self) -> None:
        """Notes it."""
        await super().shutdown()
        self.shut = True

    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        """What is delivered instead of a batch."""
        return batch


class Between:
    """Hands everything on, but for what its bus changes."""

    def __init__(self, bus: BrokenBus, sink: ProtocolDeliverySink) -> None:
        self._bus = bus
        self._sink = sink

    def deliver(self, batch: Sequence[Delivery]) -> None:
        """The batch, as its bus changes it."""
        self._bus.seen.extend(batch)
        if changed := self._bus.changed(batch):
            self._sink.deliver(changed)

    def assigned(self, sources: frozenset[Source]) -> None:
        """The sources."""
        self._sink.assigned(sources)

    async def revoked(self, sources: frozenset[Source], budget_s: float) -> None:
        """The same."""
        await self._sink.revoked(sources, budget_s)


class TakesBeforeInitialize(BrokenBus):
    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        if self.limit:
            super().publish_batch(messages, acknowledged)
            return
        for message in messages:
            asyncio.get_running_loop().call_soon(acknowledged, message, None)


class TakesAfterShutdown(BrokenBus):
    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        if not self.shut:
            super().publish_batch(messages, acknowledged)
            return
        for message in messages:
            asyncio.get_running_loop().call_soon(acknowledged, message, None)


class InitializesTwice(BrokenBus):
    async def initialize(self, config: ModelEventBusBinding) -> None:
        if not self.limit or self.shut:
            await super().initialize(config)


class RisesFromTheDead(BrokenBus):
    async def initialize(self, config: ModelEventBusBinding) -> None:
        if not self.shut:
            await super().initialize(config)


class NeedsInitializeBeforeShutdown(BrokenBus):
    async def shutdown(self) -> None:
        if not self.limit:
            raise RuntimeError("not connected")
        await super().shutdown()


class RevokesAgainAndAgain(BrokenBus):
    async def shutdown(self) -> None:
        for topic, sink in self.sinks.items():
            await sink.revoked(frozenset((Source(topic, 0, 0),)), 1.0)
        await super().shutdown()


class ForgetsItsFirstSubscriber(BrokenBus):
    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        if topic in self.sinks:
            self.sinks[topic] = handler
        else:
            await super().subscribe(topic, handler)


class TakesLateSubscribers(BrokenBus):
    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        if not self.seen:
            await super().subscribe(topic, handler)


class ConsumesForEver(BrokenBus):
    async def start_consuming(self) -> None:
        await super().start_consuming()
        await asyncio.Event().wait()


class ConsumesInTheBackground(BrokenBus):
    async def start_consuming(self) -> None:
        self.background = asyncio.create_task(super().start_consuming())


class BreaksWhenShutDown(BrokenBus):
    async def start_consuming(self) -> None:
        await super().start_consuming()
        raise ConnectionError("the consumer is closed")


class HealthRaises(BrokenBus):
    async def health_check(self) -> ModelHealth:
        if not self.limit:
            raise RuntimeError("not connected")
        return await super().health_check()


class AlwaysHealthy(BrokenBus):
    async def health_check(self) -> ModelHealth:
        return ModelHealth(status=EnumHealth.HEALTHY)


class NeverHealthy(BrokenBus):
    async def health_check(self) -> ModelHealth:
        return ModelHealth(status=EnumHealth.UNHEALTHY)


class NeverRevokes(BrokenBus):
    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        await super().subscribe(topic, Unrevoked(handler))


class Unrevoked:
    """Swallows the revoke."""

    def __init__(self, sink: ProtocolDeliverySink) -> None:
        self.deliver = sink.deliver
        self.assigned = sink.assigned

    async def revoked(self, sources: frozenset[Source], budget_s: float) -> None:
        pass


class RevokesWhenItIsOver(BrokenBus):
    async def shutdown(self) -> None:
        sinks, self.sinks = self.sinks, {}
        for topic in sinks:
            self._topics[topic].sink = None
        await super().shutdown()
        for topic, sink in sinks.items():
            await sink.revoked(frozenset((Source(topic, 0, 0),)), 1.0)


class RevokesWithoutBudget(BrokenBus):
    async def shutdown(self) -> None:
        sinks, self.sinks = self.sinks, {}
        for topic, sink in sinks.items():
            await sink.revoked(frozenset((Source(topic, 0, 0),)), 0.0)
            self._topics[topic].sink = None
        await super().shutdown()


class SettlesAfterItsEnd(BrokenBus):
    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        return super().settle(delivery, settlement) or self.shut


class AcknowledgesEarly(BrokenBus):
    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        super().publish_batch(messages, lambda *_: None)
        for message in messages:
            acknowledged(message, None)


class AcknowledgesTwice(BrokenBus):
    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        def twice(message: Message, error: EventBusError | None) -> None:
            acknowledged(message, error)
            acknowledged(message, error)

        super().publish_batch(messages, twice)


class LosesTheContext(BrokenBus):
    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        super().publish_batch(messages, lambda message, error: acknowledged(message._replace(context=None), error))


class ForgetsTheLastOnes(BrokenBus):
    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        super().publish_batch(
            messages, lambda message, error: None if self._ending else acknowledged(message, error)
        )


class TakesAnySize(BrokenBus):
    async def initialize(self, config: ModelEventBusBinding) -> None:
        await super().initialize(config.model_copy(update={"max_envelope_bytes": 2**30}))


class RetriesWhatIsTooLarge(BrokenBus):
    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        def told(message: Message, error: EventBusError | None) -> None:
            acknowledged(message, EventBusError("too large") if error is not None else None)

        super().publish_batch(messages, told)


class RefusesTheWholeBatch(BrokenBus):
    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        sizes = [len(message.value) for message in messages]
        if not self.limit or max(sizes, default=0) <= self.limit:
            super().publish_batch(messages, acknowledged)
            return
        error = MessageTooLargeError(max(sizes), self.limit)
        for message in messages:
            asyncio.get_running_loop().call_soon(acknowledged, message, error)


class PublishesIntoTheVoid(BrokenBus):
    async def publish_envelope(self, envelope: ModelOnexEnvelope, topic: str, *, key: bytes | None = None) -> None:
        pass


class DropsTheEnvelopesKey(BrokenBus):
    async def publish_envelope(self, envelope: ModelOnexEnvelope, topic: str, *, key: bytes | None = None) -> None:
        await super().publish_envelope(envelope, topic)


class SwallowsErrors(BrokenBus):
    async def publish_envelope(self, envelope: ModelOnexEnvelope, topic: str, *, key: bytes | None = None) -> None:
        with suppress(MessageTooLargeError):
            await super().publish_envelope(envelope, topic, key=key)


class StripsValues(BrokenBus):
    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        return [delivery._replace(value=delivery.value.strip(b"\x00")) for delivery in batch]


class HasNoEmptyKeys(BrokenBus):
    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        return [delivery._replace(key=delivery.key or None) for delivery in batch]


class HasEachHeaderOnce(BrokenBus):
    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        return [delivery._replace(headers=tuple(dict(delivery.headers).items())) for delivery in batch]


class StampsByItself(BrokenBus):
    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        return [delivery._replace(timestamp_ms=1) for delivery in batch]


class LastInFirstOut(BrokenBus):
    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        return batch[::-1]


class SwapsValues(BrokenBus):
    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        back = list(reversed(batch))
        return [one._replace(value=two.value, key=two.key) for one, two in zip(batch, back, strict=True)]


class DeliversTwice(BrokenBus):
    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        return [*batch, *batch]


class DropsEveryTenth(BrokenBus):
    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        return [delivery for delivery in batch if delivery.position % 10 != 9]


class MixesTopics(BrokenBus):
    def changed(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        return [delivery._replace(source=delivery.source._replace(topic="another")) for delivery in batch]


class AnnouncesNothing(BrokenBus):
    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        handler.assigned = lambda sources: None  # type: ignore[method-assign]  # the defect
        await super().subscribe(topic, handler)


class NeverPauses(BrokenBus):
    def pause(self, sources: frozenset[Source]) -> None:
        pass


class NeverResumes(BrokenBus):
    def resume(self, sources: frozenset[Source]) -> None:
        pass


class HidesItsPauses(BrokenBus):
    def frontier(self) -> Sequence[ModelFrontier]:
        return [entry.model_copy(update={"paused": False}) for entry in super().frontier()]


class DropsWhatIsPaused(BrokenBus):
    def resume(self, sources: frozenset[Source]) -> None:
        for source in sources:
            self._topics[source.topic].queue.clear()
        super().resume(sources)


class AlwaysSettles(BrokenBus):
    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        return super().settle(delivery, settlement) or True


class SettlesTheDoneAlone(BrokenBus):
    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        return settlement is EnumSettlement.DONE and super().settle(delivery, settlement)


class CountsTheReleased(BrokenBus):
    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        return super().settle(delivery, EnumSettlement.DONE)


class Leaps(BrokenBus):
    """Its frontier stands behind the highest settled position."""

    def __init__(self) -> None:
        super().__init__()
        self.highest = 0

    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        self.highest = max(self.highest, delivery.position + 1)
        return super().settle(delivery, settlement)

    def frontier(self) -> Sequence[ModelFrontier]:
        return [entry.model_copy(update={"next_position": self.highest}) for entry in super().frontier()]


class CountsNothing(BrokenBus):
    def frontier(self) -> Sequence[ModelFrontier]:
        nothing = {"holes": 0, "outstanding": 0, "oldest_outstanding": None}
        return [entry.model_copy(update=nothing) for entry in super().frontier()]


class StandsStill(BrokenBus):
    def frontier(self) -> Sequence[ModelFrontier]:
        return [entry.model_copy(update={"next_position": 0}) for entry in super().frontier()]


class HasNoFrontier(BrokenBus):
    def frontier(self) -> Sequence[ModelFrontier]:
        return []


class IgnoresEpochs(BrokenBus):
    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        own = self._topics[next(iter(self.sinks))].source
        return super().settle(delivery._replace(source=own), settlement)


class NeverStops(BrokenBus):
    def stop_consuming(self) -> None:
        if self._ending:
            super().stop_consuming()


class StopsEverything(BrokenBus):
    """Publishing ends together with consuming."""

    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        if not self._stopped or self._ending:
            super().publish_batch(messages, acknowledged)


class SettlesNothingOnceStopped(BrokenBus):
    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        return not self._stopped and super().settle(delivery, settlement)


class FailingBus(BrokenBus):
    """A bus that keeps its promises while it fails: whatever is published then fails together, in order."""

    down = False

    def __init__(self) -> None:
        super().__init__()
        self.queued: list[tuple[Message, Acknowledged]] = []

    @classmethod
    @asynccontextmanager
    async def failing(cls) -> AsyncIterator[None]:
        """Nothing is taken meanwhile."""
        FailingBus.down = True
        try:
            yield
        finally:
            FailingBus.down = False

    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Takes them, or fails them a little later."""
        if not FailingBus.down:
            super().publish_batch(messages, acknowledged)
            return
        if not self.queued:
            asyncio.get_running_loop().call_later(0.02, self.fail)
        self.queued.extend((message, acknowledged) for message in messages)

    def fail(self) -> None:
        """Everything that is queued fails."""
        failed, self.queued = self.queued, []
        for message, acknowledged in failed:
            acknowledged(message, EventBusError("no broker"))


class FailsOneByOne(FailingBus):
    def fail(self) -> None:
        message, acknowledged = self.queued.pop(0)
        acknowledged(message, EventBusError("no broker"))
        if self.queued:
            asyncio.get_running_loop().call_later(0.001, self.fail)


class FailsTheFirstAlone(FailingBus):
    def fail(self) -> None:
        (message, acknowledged), *others = self.queued
        self.queued = []
        acknowledged(message, EventBusError("no broker"))
        for other, its in others:
            InMemoryEventBus.publish_batch(self, [other], its)


class FailsBackwards(FailingBus):
    def fail(self) -> None:
        self.queued.reverse()
        super().fail()


class FailsForGood(FailingBus):
    def fail(self) -> None:
        failed, self.queued = self.queued, []
        for message, acknowledged in failed:
            acknowledged(message, MessageTooLargeError(2, 1))


BROKEN_BUSES: Mapping[str, Sequence[type[BrokenBus]]] = {
    "check_publishing_before_initialize_is_refused": (TakesBeforeInitialize,),
    "check_publishing_after_shutdown_is_refused": (TakesAfterShutdown,),
    "check_initialize_happens_once": (InitializesTwice, RisesFromTheDead),
    "check_shutdown_is_safe_and_idempotent": (NeedsInitializeBeforeShutdown, RevokesAgainAndAgain),
    "check_a_topic_is_subscribed_once": (ForgetsItsFirstSubscriber, TakesLateSubscribers),
    "check_shutdown_ends_start_consuming": (ConsumesForEver, ConsumesInTheBackground, BreaksWhenShutDown),
    "check_health_never_raises": (HealthRaises, AlwaysHealthy, NeverHealthy),
    "check_shutdown_revokes_first": (NeverRevokes, RevokesWhenItIsOver, RevokesWithoutBudget),
    "check_shutdown_is_the_end": (SettlesAfterItsEnd,),
    "check_every_message_is_acknowledged_once": (
        AcknowledgesEarly,
        AcknowledgesTwice,
        LosesTheContext,
        ForgetsTheLastOnes,
    ),
    "check_what_is_too_large_fails_alone_and_for_good": (
        TakesAnySize,
        RetriesWhatIsTooLarge,
        RefusesTheWholeBatch,
    ),
    "check_publish_envelope_returns_when_it_is_safe": (PublishesIntoTheVoid, DropsTheEnvelopesKey, SwallowsErrors),
    "check_records_arrive_byte_for_byte": (StripsValues, HasNoEmptyKeys, HasEachHeaderOnce, StampsByItself),
    "check_records_arrive_in_order_and_once": (
        LastInFirstOut,
        SwapsValues,
        DeliversTwice,
        DropsEveryTenth,
        MixesTopics,
        AnnouncesNothing,
    ),
    "check_pause_holds_and_resume_lets_go": (NeverPauses, NeverResumes, HidesItsPauses, DropsWhatIsPaused),
    "check_settle_counts_once": (AlwaysSettles, SettlesTheDoneAlone, StandsStill),
    "check_released_holds_the_frontier": (CountsTheReleased, Leaps),
    "check_the_frontier_is_contiguous": (Leaps, CountsNothing, StandsStill, HasNoFrontier),
    "check_another_epoch_changes_nothing": (IgnoresEpochs,),
    "check_stop_consuming_stops_deliveries_alone": (NeverStops, StopsEverything, SettlesNothingOnceStopped),
}
"""What each check must see."""


BUSES_THAT_FAIL_WRONGLY: Mapping[str, Sequence[type[FailingBus]]] = {
    "check_behind_a_failed_message_everything_fails": (
        FailsOneByOne,
        FailsTheFirstAlone,
        FailsBackwards,
        FailsForGood,
    ),
}
"""The same for the checks of a bus that fails."""
