"""What the bus says of itself, and what it refuses before it is connected."""

import pytest
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.enums import EnumHealth
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_infra.event_bus.kafka.breaker import BusBreaker
from omnibase_infra.event_bus.kafka.bus import KafkaEventBus
from omnibase_infra.event_bus.kafka.cluster import is_reachable
from omnibase_infra.event_bus.kafka.connection import security_arguments
from omnibase_infra.event_bus.kafka.consumption import Consumption
from omnibase_infra.event_bus.kafka.health import health_of
from omnibase_infra.event_bus.kafka.producer import Publisher

from tests.fakes.kafka_clients import FakeConsumer, as_consumer, producers_of
from tests.fakes.runtimes import bus_binding


async def yes() -> bool:
    """The cluster answers."""
    return True


@pytest.mark.asyncio
async def test_health_follows_membership_failures_the_breaker_and_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = BusBreaker(2, lambda: 0.0, lambda: None)
    consumption = Consumption(
        lambda: as_consumer(FakeConsumer()), {}, breaker, is_reachable=yes, batch=1, revoke_budget_s=1.0
    )
    publisher = Publisher(producers_of([]), {}, max_value=1, timeout_s=1.0, told=breaker.note)

    def told() -> tuple[EnumHealth, str]:
        health = health_of(consumption, breaker, publisher, [])
        return health.status, health.message

    assert told() == (EnumHealth.UNHEALTHY, "joining the group; last failure: none")
    monkeypatch.setattr(Consumption, "is_member", True)
    assert told() == (EnumHealth.HEALTHY, "consuming")
    consumption.silence_s = 11.0
    silence = "no answer to a fetch for 11 s; look whether the brokers answer"
    assert told() == (EnumHealth.UNHEALTHY, silence)
    consumption.silence_s = 0.0
    breaker.note("committing: no answer in time")
    assert told() == (EnumHealth.DEGRADED, "committing: no answer in time")
    breaker.note("committing: no answer in time")
    assert told() == (
        EnumHealth.UNHEALTHY,
        "consumption stands still: the bus failed 2 times in a row: committing: no answer in time",
    )


@pytest.mark.asyncio
async def test_a_bus_that_is_not_connected_refuses_what_needs_a_cluster() -> None:
    bus = KafkaEventBus()
    with pytest.raises(ProtocolConfigurationError, match="initialize it first"):
        await bus.start_consuming()
    with pytest.raises(ProtocolConfigurationError, match="options of kind kafka"):
        await bus.initialize(bus_binding())
    assert bus.frontier() == []
    await bus.flush()


@pytest.mark.asyncio
async def test_a_cluster_that_does_not_answer_is_not_reachable() -> None:
    options = ModelKafkaOptions(bootstrap_servers="127.0.0.1:1", consumer_group="g", connect_timeout_ms=500)
    assert not await is_reachable(options, security_arguments(options), ["in"])


def test_a_secret_that_was_not_resolved_is_never_taken_for_one() -> None:
    options = ModelKafkaOptions.model_validate(
        {
            "bootstrap_servers": "127.0.0.1:1",
            "consumer_group": "g",
            "security": {
                "protocol": "SASL_PLAINTEXT",
                "sasl": {"mechanism": "PLAIN", "username": "u", "password": {"secret_ref": "k/p"}},
            },
        }
    )
    with pytest.raises(ProtocolConfigurationError, match="was not resolved"):
        security_arguments(options)
