"""Every check of a bus.

What needs a broker that fails is in `bus_failing`. That a redelivery follows a release, and that commits survive a
restart, needs one that keeps records, and is not here.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from omnibase_core.contracts.bindings import ModelEventBusBinding

from omnibase_spi.conformance import bus_delivery, bus_life, bus_publishing
from omnibase_spi.conformance.stand import BusMaker

BusCheck = Callable[[BusMaker, ModelEventBusBinding], Awaitable[None]]
"""Gets what makes a bus, and a binding whose topics nobody else uses; raises AssertionError."""

BUS_CHECKS: Final[tuple[BusCheck, ...]] = (
    bus_life.check_publishing_before_initialize_is_refused,
    bus_life.check_publishing_after_shutdown_is_refused,
    bus_life.check_initialize_happens_once,
    bus_life.check_shutdown_is_safe_and_idempotent,
    bus_life.check_a_topic_is_subscribed_once,
    bus_life.check_shutdown_ends_start_consuming,
    bus_life.check_health_never_raises,
    bus_life.check_shutdown_revokes_first,
    bus_life.check_shutdown_is_the_end,
    bus_publishing.check_every_message_is_acknowledged_once,
    bus_publishing.check_what_is_too_large_fails_alone_and_for_good,
    bus_publishing.check_publish_envelope_returns_when_it_is_safe,
    bus_publishing.check_records_arrive_byte_for_byte,
    bus_publishing.check_records_arrive_in_order_and_once,
    bus_delivery.check_pause_holds_and_resume_lets_go,
    bus_delivery.check_settle_counts_once,
    bus_delivery.check_released_holds_the_frontier,
    bus_delivery.check_the_frontier_is_contiguous,
    bus_delivery.check_another_epoch_changes_nothing,
    bus_delivery.check_stop_consuming_stops_deliveries_alone,
)


async def check_bus(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """All of it, for a bus that keeps no records beyond its life; others run BUS_CHECKS one by one."""
    for check in BUS_CHECKS:
        await check(make, binding)
