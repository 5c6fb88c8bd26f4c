"""TLS, SASL and rights on real listeners: what connects, and what a refusal says."""

from collections.abc import Mapping
from typing import Any

import pytest
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.contracts.kafka_config import (
    ModelKafkaOptions,
    ModelKafkaSasl,
    ModelKafkaSecurity,
    ModelKafkaTls,
)
from omnibase_core.secret import Secret

from tests.fakes.runtimes import ImmediateRuntime
from tests.integration.kafka.ground import fresh_binding, produce, requests, running, unmade_binding
from tests.integration.kafka.rights import DESCRIBE, GROUP, READ, TOPIC, WRITE, grant
from tests.integration.kafka.test_start import refusal
from tools.services.kafka import Kafka
from tools.services.kafka_settings import USERS

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjo0MTAyNDQ0ODAwfQ."


def secured(binding: ModelEventBusBinding, servers: str, security: ModelKafkaSecurity) -> ModelEventBusBinding:
    """The binding at another listener."""
    options = binding.options.model_copy(update={"bootstrap_servers": servers, "security": security})
    return binding.model_copy(update={"options": options})


def tls(kafka: Kafka, ca: str = "ca.pem", **more: Any) -> ModelKafkaTls:
    """Trusts the authority of the tests."""
    return ModelKafkaTls(ca_file=str(kafka.certificates / ca), **more)


def sasl(mechanism: str, user: str = "admin", password: str | None = None) -> ModelKafkaSasl:
    """A user of the tests."""
    if mechanism == "OAUTHBEARER":
        return ModelKafkaSasl(mechanism="OAUTHBEARER", token=Secret(TOKEN))
    given: Mapping[str, Any] = {"mechanism": mechanism, "username": user}
    return ModelKafkaSasl(**given, password=Secret(password or USERS[user]))


async def answers(binding: ModelEventBusBinding, plain: ModelEventBusBinding) -> None:
    """A host with this binding answers what is asked over the plain listener."""
    await produce(plain, requests(3))
    async with running(binding, ImmediateRuntime(lambda _: {"a": 1})) as host:
        await host.has_settled(3)


@pytest.mark.asyncio
async def test_tls_with_the_authority_of_the_contract(kafka: Kafka) -> None:
    plain = await fresh_binding(kafka.bootstrap_servers)
    security = ModelKafkaSecurity(protocol="SSL", ssl=tls(kafka))
    await answers(secured(plain, kafka.listener("tls"), security), plain)


@pytest.mark.asyncio
async def test_a_client_certificate(kafka: Kafka) -> None:
    plain = await fresh_binding(kafka.bootstrap_servers)
    own = {
        "cert_file": str(kafka.certificates / "client-cert.pem"),
        "key_file": str(kafka.certificates / "client-key.pem"),
    }
    security = ModelKafkaSecurity(protocol="SSL", ssl=tls(kafka, **own))
    await answers(secured(plain, kafka.listener("mtls"), security), plain)


@pytest.mark.asyncio
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"])
async def test_every_mechanism(mechanism: str, kafka: Kafka) -> None:
    plain = await fresh_binding(kafka.bootstrap_servers)
    security = ModelKafkaSecurity(protocol="SASL_SSL", ssl=tls(kafka), sasl=sasl(mechanism))
    await answers(secured(plain, kafka.listener("sasl_tls"), security), plain)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("listener", "ca", "said"),
    [
        ("tls", "other-ca.pem", "TLS: the broker's certificate is not accepted"),
        ("expired", "ca.pem", "TLS: the broker's certificate is not accepted: certificate has expired"),
    ],
)
async def test_a_certificate_that_is_not_accepted_says_why(
    listener: str, ca: str, said: str, kafka: Kafka
) -> None:
    security = ModelKafkaSecurity(protocol="SSL", ssl=tls(kafka, ca))
    binding = secured(unmade_binding(kafka.bootstrap_servers), kafka.listener(listener), security)
    assert said in await refusal(binding)


@pytest.mark.asyncio
async def test_a_listener_that_wants_a_client_certificate_and_gets_none(kafka: Kafka) -> None:
    security = ModelKafkaSecurity(protocol="SSL", ssl=tls(kafka))
    said = await refusal(secured(unmade_binding(kafka.bootstrap_servers), kafka.listener("mtls"), security))
    assert "and does it want a client certificate?" in said


@pytest.mark.asyncio
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
async def test_a_wrong_password_is_said_and_never_shown(mechanism: str, kafka: Kafka) -> None:
    security = ModelKafkaSecurity(protocol="SASL_PLAINTEXT", sasl=sasl(mechanism, password="hunter2-canary"))
    said = await refusal(secured(unmade_binding(kafka.bootstrap_servers), kafka.listener("sasl"), security))
    assert "authentication failed: wrong user, password or token" in said
    assert "hunter2" not in said


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("field", "file"), [("ca_file", "nowhere.pem"), ("ca_file", "client-key.pem"), ("cert_file", "ca.pem")]
)
async def test_a_file_that_is_no_good_is_named(field: str, file: str, kafka: Kafka) -> None:
    given = {"ca_file": "ca.pem", field: file}
    paths = {name: str(kafka.certificates / each) for name, each in given.items()}
    security = ModelKafkaSecurity(protocol="SSL", ssl=ModelKafkaTls.model_validate(paths))
    said = await refusal(secured(unmade_binding(kafka.bootstrap_servers), kafka.listener("tls"), security))
    assert said.startswith(f"event_bus, security.ssl.{field}: '{paths[field]}' cannot be used: ")


@pytest.mark.asyncio
async def test_rights_that_are_missing_are_named_by_topic_and_operation(kafka: Kafka) -> None:
    plain = await fresh_binding(kafka.bootstrap_servers)
    security = ModelKafkaSecurity(protocol="SASL_PLAINTEXT", sasl=sasl("PLAIN", "restricted"))
    binding = secured(plain, kafka.listener("sasl"), security)
    topics, options = plain.topics, plain.options
    assert isinstance(options, ModelKafkaOptions)
    said = (await refusal(binding)).splitlines()
    assert [line.partition("; ")[0] for line in said] == [
        f"The cluster refuses DESCRIBE and READ on topic '{topics.input}' (input) to user 'restricted'",
        f"The cluster refuses DESCRIBE and WRITE on topic '{topics.output}' (output) to user 'restricted'",
        f"The cluster refuses DESCRIBE and WRITE on topic '{topics.dead_letter}' (dead_letter) "
        "to user 'restricted'",
        f"The cluster refuses READ on consumer group '{options.consumer_group}' to user 'restricted'",
    ]
    seen = [(TOPIC, topic, DESCRIBE) for topic in topics.model_dump().values()]
    rights = [(TOPIC, topics.input, READ), (GROUP, options.consumer_group, READ)]
    await grant(kafka.bootstrap_servers, "restricted", [*seen, *rights])
    said = (await refusal(binding)).splitlines()
    assert [line.partition("; ")[0] for line in said] == [
        f"The cluster refuses WRITE on topic '{topics.output}' (output) to user 'restricted'",
        f"The cluster refuses WRITE on topic '{topics.dead_letter}' (dead_letter) to user 'restricted'",
    ]
    await grant(
        kafka.bootstrap_servers,
        "restricted",
        [(TOPIC, topics.output, WRITE), (TOPIC, topics.dead_letter or "", WRITE)],
    )
    await answers(binding, plain)
