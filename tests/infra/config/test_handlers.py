"""Bindings with their secrets in place."""

import pickle
from collections.abc import Mapping, Sequence

import pytest
from omnibase_core.contracts.bindings import (
    ModelEventBusBinding,
    ModelHandlerBinding,
    ModelHandlerPolicies,
    ModelTopics,
)
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHandlerConfig, ModelHttpConfig, SecretField
from omnibase_core.contracts.kafka_config import ModelKafkaOptions, ModelKafkaSasl, ModelKafkaSecurity
from omnibase_core.enums import EnumHandlerType
from omnibase_core.errors import SecretResolutionError
from omnibase_core.secret import ModelSecretRef, Secret
from omnibase_infra.config.handlers import find_secrets, resolve_bus, with_secrets
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver
from pydantic import BaseModel

CANARY = "c4n4ry-s3cr3t"


async def resolve_bindings(
    bindings: Sequence[ModelHandlerBinding], resolver: SecretResolver
) -> tuple[ModelHandlerBinding, ...]:
    """The bindings as a host opens its handlers with them."""
    secrets = await find_secrets(bindings, resolver)
    return tuple(with_secrets(binding, secrets) for binding in bindings)


async def resolve_binding(binding: ModelHandlerBinding, resolver: SecretResolver) -> ModelHandlerBinding:
    """One of them."""
    return (await resolve_bindings([binding], resolver))[0]


def resolver(environment: Mapping[str, str]) -> SecretResolver:
    return SecretResolver([EnvironmentSecrets(environment)])


def ref(text: str, prefix: str = "") -> ModelSecretRef:
    return ModelSecretRef(secret_ref=text, prefix=prefix)


def db(name: str = "db", dsn: str = "orders/dsn") -> ModelHandlerBinding:
    config = ModelDbConfig(dsn=ref(dsn), pool_size=3)
    return ModelHandlerBinding(type=EnumHandlerType.DB, name=name, priority=7, timeout_ms=1_500, config=config)


def revealed(secret: object) -> str:
    assert isinstance(secret, Secret)
    return secret.reveal()


@pytest.mark.asyncio
async def test_a_reference_becomes_its_secret_and_everything_else_stays() -> None:
    bound = await resolve_binding(db(), resolver({"ONEX_SECRET_ORDERS_DSN": "postgresql://u:p@h/d"}))
    assert isinstance(bound.config, ModelDbConfig)
    assert revealed(bound.config.dsn) == "postgresql://u:p@h/d"
    assert bound.config.pool_size == 3
    policies = set(ModelHandlerPolicies.model_fields) | {"type", "name", "priority"}
    assert bound.model_dump(include=policies) == db().model_dump(include=policies)


@pytest.mark.asyncio
async def test_the_binding_of_the_contract_keeps_its_reference() -> None:
    binding = db()
    await resolve_binding(binding, resolver({"ONEX_SECRET_ORDERS_DSN": CANARY}))
    assert binding == db()


@pytest.mark.asyncio
async def test_a_secret_in_a_map_gets_its_prefix_and_literal_neighbours_stay() -> None:
    config = ModelHttpConfig(headers={"Authorization": ref("api/token", "Bearer "), "Accept": "text/plain"})
    binding = ModelHandlerBinding(type=EnumHandlerType.HTTP, name="http", config=config)
    bound = await resolve_binding(binding, resolver({"ONEX_SECRET_API_TOKEN": "t0k3n"}))
    assert isinstance(bound.config, ModelHttpConfig)
    assert revealed(bound.config.headers["Authorization"]) == "Bearer t0k3n"
    assert bound.config.headers["Accept"] == "text/plain"


class ModelLogin(BaseModel, arbitrary_types_allowed=True):
    password: SecretField


class ModelDeepConfig(ModelHandlerConfig):
    logins: tuple[ModelLogin, ...]
    lists: list[dict[str, SecretField]]


@pytest.mark.asyncio
async def test_references_are_found_at_any_depth_and_named_by_their_path() -> None:
    config = ModelDeepConfig(logins=(ModelLogin(password=ref("a")),), lists=[{"x": ref("b")}, {"y": ref("c")}])
    binding = ModelHandlerBinding(type=EnumHandlerType.VAULT, name="deep", config=config)
    bound = (
        await resolve_binding(
            binding, resolver({"ONEX_SECRET_A": "1", "ONEX_SECRET_B": "2", "ONEX_SECRET_C": "3"})
        )
    ).config
    assert isinstance(bound, ModelDeepConfig)
    assert [revealed(bound.logins[0].password), revealed(bound.lists[1]["y"])] == ["1", "3"]
    with pytest.raises(SecretResolutionError) as caught:
        await resolve_binding(binding, resolver({}))
    fields = ["config.logins[0].password", "config.lists[0].x", "config.lists[1].y"]
    assert [f"handler 'deep', {field}: no secret" in caught.value.message for field in fields] == [True] * 3


@pytest.mark.asyncio
async def test_the_missing_secrets_of_all_handlers_are_one_error_that_names_handler_field_and_reference() -> None:
    with pytest.raises(SecretResolutionError) as caught:
        await resolve_bindings(
            [db("first", "a/dsn"), db("fine", "b/dsn"), db("second", "a/dsn")],
            resolver({"ONEX_SECRET_B_DSN": CANARY}),
        )
    assert caught.value.message == (
        "2 secrets are missing; put it into a place that is named here:\n"
        "  handler 'first', config.dsn: no secret 'a/dsn'; "
        "looked at: environment variable ONEX_SECRET_A_DSN (not set)\n"
        "  handler 'second', config.dsn: no secret 'a/dsn'; "
        "looked at: environment variable ONEX_SECRET_A_DSN (not set)"
    )
    missing = caught.value.details["missing"]
    assert isinstance(missing, list)
    assert missing[0] == {
        "field": "handler 'first', config.dsn",
        "reference": "a/dsn",
        "places": ["environment variable ONEX_SECRET_A_DSN (not set)"],
    }
    assert CANARY not in repr(caught.value)


@pytest.mark.asyncio
async def test_a_secret_that_cannot_stand_in_its_header_is_named_and_not_shown() -> None:
    config = ModelHttpConfig(base_url="http://a", headers={"Authorization": ref("api/token", "Bearer ")})
    binding = ModelHandlerBinding(type=EnumHandlerType.HTTP, name="api", config=config)
    with pytest.raises(SecretResolutionError) as caught:
        await resolve_binding(binding, resolver({"ONEX_SECRET_API_TOKEN": f"{CANARY}\nx"}))
    assert caught.value.message.startswith(
        "handler 'api', config.headers.Authorization has a value with a line break"
    )
    assert caught.value.message.endswith(": correct the secret api/token")
    assert CANARY not in repr(caught.value) + repr(caught.value.details)


def kafka() -> ModelEventBusBinding:
    """A Kafka bus with a password."""
    sasl = ModelKafkaSasl(mechanism="PLAIN", username="u", password=ref("kafka/password"))
    options = ModelKafkaOptions(
        bootstrap_servers="k:1", consumer_group="g", security=ModelKafkaSecurity(protocol="SASL_SSL", sasl=sasl)
    )
    topics = ModelTopics(input="i", output="o")
    return ModelEventBusBinding(kind="kafka", topics=topics, options=options)


@pytest.mark.asyncio
async def test_the_secrets_of_a_bus_are_resolved_the_same_way_and_shown_in_no_form() -> None:
    bound = await resolve_bus(kafka(), resolver({"ONEX_SECRET_KAFKA_PASSWORD": CANARY}))
    assert isinstance(bound.options, ModelKafkaOptions)
    assert bound.options.security.sasl is not None
    assert revealed(bound.options.security.sasl.password) == CANARY
    assert CANARY not in f"{bound!r} {bound.model_dump()} {bound.model_dump_json()}"


@pytest.mark.asyncio
async def test_a_missing_secret_of_a_bus_is_named_with_its_field() -> None:
    with pytest.raises(SecretResolutionError) as raised:
        await resolve_bus(kafka(), resolver({}))
    assert "event_bus, config.security.sasl.password: no secret 'kafka/password'" in raised.value.message


@pytest.mark.asyncio
async def test_handlers_without_secrets_need_no_source() -> None:
    binding = ModelHandlerBinding(type=EnumHandlerType.HTTP, name="http", config=ModelHttpConfig())
    assert await resolve_bindings([binding], SecretResolver([])) == (binding,)


@pytest.mark.asyncio
async def test_a_bound_configuration_shows_its_secrets_in_no_form() -> None:
    bound = await resolve_binding(db(), resolver({"ONEX_SECRET_ORDERS_DSN": CANARY}))
    shown = [repr(bound), str(bound), f"{bound}", bound.model_dump_json(), str(bound.model_dump())]
    assert not any(CANARY in text for text in shown)
    with pytest.raises(TypeError):
        pickle.dumps(bound)
