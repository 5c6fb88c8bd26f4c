"""How the bus is, with figures."""

from collections.abc import Sequence

from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumHealth
from omnibase_core.frontier import ModelFrontier
from pydantic import JsonValue

from omnibase_infra.event_bus.kafka.breaker import BusBreaker
from omnibase_infra.event_bus.kafka.consumption import Consumption
from omnibase_infra.event_bus.kafka.producer import Publisher
from omnibase_infra.event_bus.kafka.stalls import SUSPECT_S


def health_of(
    consumption: Consumption, breaker: BusBreaker, publisher: Publisher, frontiers: Sequence[ModelFrontier]
) -> ModelHealth:
    """The health of a bus that runs."""
    details: dict[str, JsonValue] = {
        "partitions": len(consumption.progress.streams),
        "outstanding": sum(frontier.outstanding for frontier in frontiers),
        "waiting_to_publish": publisher.waiting,
        "failures_in_a_row": breaker.failures,
        "consumer_restarts": consumption.restarts,
        "silence_s": round(consumption.silence_s, 1),
    }
    status, message = EnumHealth.HEALTHY, "consuming"
    if (reason := breaker.reason()) is not None:
        status, message = EnumHealth.UNHEALTHY, f"consumption stands still: {reason}"
    elif not consumption.is_member:
        last = breaker.last_failure or "none"
        status, message = EnumHealth.UNHEALTHY, f"joining the group; last failure: {last}"
    elif consumption.silence_s > SUSPECT_S:
        silence = f"no answer to a fetch for {consumption.silence_s:.0f} s"
        status, message = EnumHealth.UNHEALTHY, f"{silence}; look whether the brokers answer"
    elif breaker.failures:
        status, message = EnumHealth.DEGRADED, str(breaker.last_failure)
    return ModelHealth(status=status, message=message, details=details)
