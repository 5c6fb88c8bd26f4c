"""A secret of the bus that changes while the host runs: the bus is told, and may refuse it."""

import logging

import pytest
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.contracts.kafka_config import ModelKafkaOptions, ModelKafkaSasl, ModelKafkaSecurity
from omnibase_core.errors import EventBusError
from omnibase_core.secret import ModelSecretRef, Secret
from omnibase_infra.config.handlers import find_bus_secrets
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver
from omnibase_infra.host.rotation import BusSecrets, Rotation

from tests.fakes.handlers import ScriptedHandler
from tests.fakes.runtimes import bus_binding
from tests.fakes.simulated_bus import SimulatedBus


class RenewedBus(SimulatedBus):
    """A bus that has been given tokens, and refuses the wrong one."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []

    async def renew(self, config: ModelEventBusBinding) -> None:
        """Notes the token."""
        assert isinstance(config.options, ModelKafkaOptions)
        assert config.options.security.sasl is not None
        token = config.options.security.sasl.token
        assert isinstance(token, Secret)
        if token.reveal() == "wrong":
            raise EventBusError("the token is refused")
        self.tokens.append(token.reveal())


@pytest.mark.asyncio
async def test_a_bus_gets_its_changed_secret_and_one_that_it_refuses_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="onex.host")
    bus, environment = RenewedBus(), {"ONEX_SECRET_KAFKA_TOKEN": "one"}
    resolver = SecretResolver([EnvironmentSecrets(environment)])
    sasl = ModelKafkaSasl(mechanism="OAUTHBEARER", token=ModelSecretRef(secret_ref="kafka/token"))
    options = ModelKafkaOptions(
        bootstrap_servers="b:1",
        consumer_group="g",
        security=ModelKafkaSecurity(protocol="SASL_PLAINTEXT", sasl=sasl),
    )
    binding = bus_binding().model_copy(update={"options": options})
    secrets = await find_bus_secrets(binding, resolver)
    rotation = Rotation([], {}, resolver, lambda _: ScriptedHandler(), BusSecrets(bus, binding, secrets))
    for token in ("one", "wrong", "two"):
        environment["ONEX_SECRET_KAFKA_TOKEN"] = token
        await rotation.look()
    assert bus.tokens == ["two"]
    said = [vars(record)["event"] for record in caplog.records]
    assert said == ["rotation.seen", "rotation.failed", "rotation.seen", "rotation.done"]
