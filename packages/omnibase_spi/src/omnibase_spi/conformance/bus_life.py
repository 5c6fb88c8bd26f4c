"""The life of a bus: created -> initialize -> subscribe -> start_consuming -> stop_consuming -> shutdown."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumHealth, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError, ProtocolConfigurationError

from omnibase_spi.conformance.promise import in_time, promised, quiet, refused
from omnibase_spi.conformance.stand import BusMaker, Receipts, Subscriber, running
from omnibase_spi.event_bus import Message, ProtocolEventBus

ENVELOPE = ModelOnexEnvelope(
    envelope_id=UUID(int=1), target_node="node", payload={"n": 1}, timestamp=datetime(2026, 1, 1, tzinfo=UTC)
)


async def check_publishing_before_initialize_is_refused(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """A bus that is not initialised acknowledges every message with an error."""
    bus = make()
    await _publishes_nothing(bus, binding)
    await in_time(bus.shutdown(), "shutdown")


async def check_publishing_after_shutdown_is_refused(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """A bus that was shut down acknowledges every message with an error."""
    async with running(make, binding) as stand:
        await in_time(stand.bus.shutdown(), "shutdown")
        await _publishes_nothing(stand.bus, binding)


async def check_initialize_happens_once(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """A second `initialize` is refused, after `shutdown` too, which is final."""
    bus = make()
    await in_time(bus.initialize(binding), "initialize")
    await refused(bus.initialize(binding), ProtocolConfigurationError, "a second initialize")
    await in_time(bus.shutdown(), "shutdown")
    await refused(bus.initialize(binding), ProtocolConfigurationError, "initialize after shutdown")


async def check_shutdown_is_safe_and_idempotent(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """`shutdown` is safe before `initialize`, and does nothing when called again, at the same time too."""
    unused = make()
    await in_time(unused.shutdown(), "shutdown before initialize")
    async with running(make, binding) as stand:
        await stand.delivered(1)
        both = asyncio.gather(stand.bus.shutdown(), stand.bus.shutdown())
        await in_time(both, "shutdown, called twice at the same time,")
        await in_time(stand.bus.shutdown(), "a further shutdown")
    revoked = [source for call in stand.subscriber.revocations for source in call.sources]
    promised(len(revoked) == len(set(revoked)), "shutdown must revoke each stream once, though called again")


async def check_a_topic_is_subscribed_once(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """A second subscriber of a topic is refused, and so is one that comes while the bus consumes."""
    topics = binding.topics
    bus = make()
    await in_time(bus.initialize(binding), "initialize")
    await in_time(bus.subscribe(topics.input, Subscriber()), "subscribe")
    second = bus.subscribe(topics.input, Subscriber())
    await refused(second, ProtocolConfigurationError, "a second subscribe to a topic")
    await in_time(bus.shutdown(), "shutdown")
    async with running(make, binding) as stand:
        await stand.delivered(1)
        late = stand.bus.subscribe(topics.output, Subscriber())
        await refused(late, ProtocolConfigurationError, "subscribe while the bus consumes")


async def check_shutdown_ends_start_consuming(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """`start_consuming` runs as long as the bus is wanted, and returns when it is shut down."""
    async with running(make, binding) as stand:
        await stand.delivered(1)
        await quiet()
        promised(not stand.consuming.done(), "start_consuming must go on until stop_consuming or shutdown")
        await in_time(stand.bus.shutdown(), "shutdown")
        await in_time(asyncio.wait([stand.consuming]), "start_consuming, after shutdown,")
        error = None if stand.consuming.cancelled() else stand.consuming.exception()
        promised(error is None, "start_consuming must return when the bus is shut down; it raised")


async def check_health_never_raises(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """`health_check` answers at any time, and tells a bus that runs from one that does not."""
    bus = make()
    promised(await _health(bus) is not EnumHealth.HEALTHY, "a bus that is not initialised must not be healthy")
    await in_time(bus.shutdown(), "shutdown")
    async with running(make, binding) as stand:
        await stand.delivered(1)
        promised(await _health(stand.bus) is not EnumHealth.UNHEALTHY, "a bus that delivers must not be unhealthy")
        await in_time(stand.bus.shutdown(), "shutdown")
        promised(await _health(stand.bus) is not EnumHealth.HEALTHY, "a bus must not be healthy after shutdown")


async def check_shutdown_revokes_first(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """Before it ends, `shutdown` revokes every stream; until that is done, publishing and settling go on."""
    async with running(make, binding) as stand:
        (delivery,) = await stand.delivered(1)
        settled = list[bool]()

        async def finish() -> None:
            await stand.receipts.safe([stand.message(1)])
            settled.append(stand.bus.settle(delivery, EnumSettlement.DONE))

        stand.subscriber.on_revoked = finish
        await in_time(stand.bus.shutdown(), "shutdown")
    calls = stand.subscriber.revocations
    promised(bool(calls), "shutdown must revoke the streams that are still assigned")
    revoked = frozenset(source for call in calls for source in call.sources)
    promised(delivery.source in revoked, "shutdown must revoke each stream that was delivered")
    promised(all(call.budget_s > 0 for call in calls), "a revoke must come with a budget of more than 0 seconds")
    promised(settled == [True], "what is settled within a revoke must count")


async def check_shutdown_is_the_end(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """After `shutdown` nothing is delivered, and settling changes nothing."""
    async with running(make, binding) as stand:
        (delivery,) = await stand.delivered(1)
        await in_time(stand.bus.shutdown(), "shutdown")
        stand.receipts.publish([stand.message(1)])
        await stand.receipts.all_told(2)
        await quiet()
        promised(len(stand.subscriber.deliveries) == 1, "a bus that was shut down must deliver nothing")
        changed = stand.bus.settle(delivery, EnumSettlement.DONE)
        promised(not changed, "settle after shutdown changes nothing, and must say so with False")


async def _publishes_nothing(bus: ProtocolEventBus, binding: ModelEventBusBinding) -> None:
    receipts = Receipts(bus)
    receipts.publish([Message(binding.topics.input, b"1", b"key", ())])
    await receipts.all_told(1)
    promised(len(receipts.errors) == 1, "a bus that does not run must acknowledge a message with an error")
    publishing = bus.publish_envelope(ENVELOPE, binding.topics.input)
    await refused(publishing, EventBusError, "publish_envelope of a bus that does not run")


async def _health(bus: ProtocolEventBus) -> EnumHealth:
    health = await in_time(bus.health_check(), "health_check")
    promised(isinstance(health, ModelHealth), "health_check must answer a ModelHealth")
    return health.status
