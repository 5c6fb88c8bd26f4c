"""The consul handler against a real agent."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from omnibase_core.contracts.handler_config import ModelConsulConfig
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerConnectionError,
    HandlerExecutionError,
    InvalidParameterError,
    RuntimeHostError,
    TransientHandlerError,
)
from omnibase_core.secret import Secret
from omnibase_infra.handlers.consul_handler import ConsulHandler
from omnibase_infra.host.clock import utc_now
from omnibase_infra.transports.consul import ConsulClient
from omnibase_spi.conformance import HANDLER_CHECKS, HandlerCheck
from pydantic import JsonValue

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded, replying
from tests.integration.serving import Served, binding_of, request, served
from tests.services import require
from tools.services.consul import Consul

_NAMES = itertools.count(1)


def handler() -> ConsulHandler:
    """A handler that is not initialised."""
    return ConsulHandler(ConsulClient, utc_now)


def config_of(address: str, token: str | None = None, datacenter: str | None = None) -> ModelConsulConfig:
    """A config."""
    return ModelConsulConfig(
        address=address, token=None if token is None else Secret(token), datacenter=datacenter
    )


@pytest_asyncio.fixture
async def call(consul: Consul) -> AsyncIterator[Served]:
    """A handler at the shared agent."""
    async with served(handler, binding_of(EnumHandlerType.CONSUL, config_of(consul.address))) as ready:
        yield ready


@pytest.fixture
def name(consul: Consul) -> Iterator[str]:
    """The name of a service that no other test has, gone afterwards."""
    chosen = f"orders-{next(_NAMES)}"
    yield chosen
    found = consul.ask("GET", "agent/services")
    assert isinstance(found, dict)
    for service_id, service in found.items():
        if service["Service"] == chosen:
            consul.ask("PUT", f"agent/service/deregister/{service_id}")


async def until_status(call: Served, name: str, wanted: str) -> None:
    """Returns when the service has this status."""
    async with asyncio.timeout(20):
        while (await call("health_check_service", name=name))["status"] != wanted:  # noqa: ASYNC110 - Consul has no event
            await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_a_service_is_registered_found_and_deregistered(call: Served, name: str) -> None:
    registered = await call(
        "register_service",
        name=name,
        service_id=f"{name}:1",
        address="10.0.0.7",
        port=8080,
        tags=["v1", "größe"],
        meta={"zone": "a"},
    )
    assert registered == {"service_id": f"{name}:1"}
    (instance,) = await instances(call, name)
    assert {key: instance[key] for key in ("service_id", "address", "port", "tags", "meta", "status")} == {
        "service_id": f"{name}:1",
        "address": "10.0.0.7",
        "port": 8080,
        "tags": ["v1", "größe"],
        "meta": {"zone": "a"},
        "status": "passing",
    }
    services = (await call("list_services"))["services"]
    assert isinstance(services, dict)
    assert services[name] == ["größe", "v1"]
    assert await call("deregister_service", service_id=f"{name}:1") == {"deregistered": True}
    assert await call("deregister_service", service_id=f"{name}:1") == {"deregistered": False}
    assert await instances(call, name) == []
    assert await call("health_check_service", name=name) == {"status": "absent", "checks": []}


async def instances(call: Served, name: str, **more: JsonValue) -> list[dict[str, JsonValue]]:
    """The instances of a service."""
    found = (await call("get_service", name=name, **more))["instances"]
    assert isinstance(found, list)
    return [instance for instance in found if isinstance(instance, dict)]


@pytest.mark.asyncio
async def test_the_name_is_the_id_of_a_service_without_one_and_registering_again_changes_it(
    call: Served, name: str
) -> None:
    assert await call("register_service", name=name, port=1) == {"service_id": name}
    await call("register_service", name=name, port=2, tags=["new"])
    (instance,) = await instances(call, name)
    assert (instance["port"], instance["tags"], instance["address"]) == (2, ["new"], "127.0.0.1")


@pytest.mark.asyncio
async def test_instances_are_chosen_by_tag_and_by_passing_checks(call: Served, name: str) -> None:
    await call("register_service", name=name, service_id=f"{name}-a", tags=["blue"])
    await call("register_service", name=name, service_id=f"{name}-b", tags=["green"], check={"ttl": "60s"})
    assert len(await instances(call, name)) == 2
    assert [one["service_id"] for one in await instances(call, name, tag="green")] == [f"{name}-b"]
    assert [one["service_id"] for one in await instances(call, name, passing_only=True)] == [f"{name}-a"]
    health = await call("health_check_service", name=name)
    assert health["status"] == "critical"


@pytest.mark.asyncio
async def test_a_check_by_http_passes_and_turns_critical(call: Served, name: str) -> None:
    async with HttpServer(replying(200, {"ok": True})) as server:
        check: JsonValue = {"http": f"{server.url}/health", "interval": "50ms", "timeout": "2s"}
        await call("register_service", name=name, port=server.port, check=check)
        await until_status(call, name, "passing")
        server.behave = replying(500, {"ok": False})
        await until_status(call, name, "critical")


@pytest.mark.asyncio
async def test_a_check_by_tcp_passes(call: Served, name: str) -> None:
    async with HttpServer(replying(200, {})) as server:
        check: JsonValue = {"tcp": f"127.0.0.1:{server.port}", "interval": "50ms"}
        await call("register_service", name=name, check=check)
        await until_status(call, name, "passing")


@pytest.mark.asyncio
async def test_a_check_by_ttl_passes_as_long_as_somebody_says_so(call: Served, consul: Consul, name: str) -> None:
    client = ConsulClient(config_of(consul.address), 5.0)
    try:
        assert await client.pass_ttl(name) is False
        await call("register_service", name=name, check={"ttl": "500ms"})
        assert await client.pass_ttl(name) is True
        await until_status(call, name, "passing")
        await until_status(call, name, "critical")
        assert await client.pass_ttl(name) is True
        await until_status(call, name, "passing")
    finally:
        await client.aclose()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("operation", "payload", "field"),
    [
        ("get_service", {"name": "../../kv/secret"}, "payload.name"),
        ("get_service", {"name": ".."}, "payload.name"),
        ("get_service", {"name": "a/b"}, "payload.name"),
        ("get_service", {"name": "a%2Fb"}, "payload.name"),
        ("get_service", {"name": ""}, "payload.name"),
        ("deregister_service", {"service_id": "../../maintenance"}, "payload.service_id"),
        ("deregister_service", {"service_id": "a\nb"}, "payload.service_id"),
        ("register_service", {"name": "a", "port": 70_000}, "payload.port"),
        ("register_service", {"name": "a", "port": "80"}, "payload.port"),
        ("register_service", {"name": "a", "check": {}}, "payload.check"),
        ("register_service", {"name": "a", "check": {"ttl": "soon"}}, "payload.check.ttl"),
        ("register_service", {"name": "a", "check": {"ttl": "10s", "interval": "5s"}}, "payload.check"),
        ("register_service", {"name": "a", "check": {"http": "http://a"}}, "payload.check"),
        ("register_service", {"name": "a", "check": {"script": "rm"}}, "payload.check.script"),
    ],
)
async def test_what_a_payload_cannot_say(
    call: Served, operation: str, payload: dict[str, JsonValue], field: str
) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        await call(operation, **payload)
    assert refused.value.details["fields"] == [field]


@pytest.mark.asyncio
@pytest.mark.parametrize("check", HANDLER_CHECKS, ids=lambda check: check.__name__)
async def test_it_conforms(check: HandlerCheck, consul: Consul) -> None:
    binding = binding_of(EnumHandlerType.CONSUL, config_of(consul.address))
    await check(handler, binding, request("consul.get_service", {"name": "consul"}))


@pytest.fixture(scope="module")
def guarded_consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consul]:
    """An agent that denies what no token permits."""
    service = Consul(tmp_path_factory.mktemp("acl") / "consul", acl=True)
    require(service)
    service.start(leashed=True)
    yield service
    service.stop()


@pytest.mark.asyncio
async def test_an_acl_is_satisfied_by_the_token_of_the_config_alone(
    guarded_consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = str(guarded_consul.plan["token"])
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", token)
    for given, error in ((None, HandlerAuthenticationError), ("canary-of-the-token", HandlerAuthenticationError)):
        binding = binding_of(EnumHandlerType.CONSUL, config_of(guarded_consul.address, given))
        async with served(handler, binding) as call:
            with pytest.raises(error) as refused:
                await call("register_service", name="orders")
            assert "canary" not in refused.value.message
    binding = binding_of(EnumHandlerType.CONSUL, config_of(guarded_consul.address, token))
    async with served(handler, binding) as call:
        assert await call("register_service", name="orders") == {"service_id": "orders"}
        assert len(await instances(call, "orders")) == 1


@pytest.mark.asyncio
async def test_nothing_ambient_is_used(
    consul: Consul, monkeypatch: pytest.MonkeyPatch, name: str, recwarn: pytest.WarningsRecorder
) -> None:
    """The library takes the first four over what it is told, and cannot even be made with the first one."""
    for variable, value in {
        "CONSUL_HTTP_ADDR": "unix:///run/consul:canary",
        "CONSUL_HTTP_TOKEN": "canary",
        "CONSUL_HTTP_SSL": "true",
        "CONSUL_HTTP_SSL_VERIFY": "1",
        "HTTP_PROXY": "http://canary.invalid:1",
    }.items():
        monkeypatch.setenv(variable, value)
    async with HttpServer(replying(200, [], {"x-consul-index": "1"})) as server:
        async with served(
            handler, binding_of(EnumHandlerType.CONSUL, config_of(server.url, datacenter="dc2"))
        ) as call:
            assert await call("get_service", name=name) == {"instances": []}
        assert server.requests[-1].target == f"/v1/health/service/{name}?dc=dc2"
        assert "canary" not in repr([each.raw_headers for each in server.requests])
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "error", "outage"),
    [
        (encoded(500, b"No cluster leader"), TransientHandlerError, True),
        (encoded(503, b""), TransientHandlerError, True),
        (encoded(429, b"rate limit"), TransientHandlerError, False),
        (encoded(400, b"canary"), HandlerExecutionError, None),
        (encoded(301, b"", {"location": "http://canary.invalid/"}), HandlerExecutionError, None),
        (encoded(403, b"canary"), HandlerAuthenticationError, None),
        (encoded(200, b"canary", {"x-consul-index": "1"}), HandlerConnectionError, True),
        (encoded(200, b"[]"), HandlerConnectionError, True),
        (encoded(200, b'{"canary": 1}', {"x-consul-index": "1"}), HandlerConnectionError, True),
        (encoded(200, b"[7]", {"x-consul-index": "1"}), HandlerConnectionError, True),
        (encoded(404, b"canary"), HandlerConnectionError, True),
    ],
)
async def test_each_answer_that_is_no_result_has_its_error(
    answer: bytes, error: type[RuntimeHostError], outage: bool | None
) -> None:
    async def behave(asked: RecordedRequest, connection: Connection) -> None:
        await connection.send(encoded(200, b'"a"') if asked.target == "/v1/status/leader" else answer)

    async with (
        HttpServer(behave) as server,
        served(handler, binding_of(EnumHandlerType.CONSUL, config_of(server.url))) as call,
    ):
        with pytest.raises(RuntimeHostError) as failed:
            await call("get_service", name="orders")
    assert type(failed.value) is error
    assert failed.value.outage is outage
    assert "canary" not in f"{failed.value} {failed.value.details}"


@pytest.mark.asyncio
async def test_a_dead_agent_is_an_outage_and_the_handler_recovers_by_itself(tmp_path: Path) -> None:
    agent = Consul(tmp_path / "consul")
    require(agent)
    agent.start(leashed=True)
    try:
        binding = binding_of(EnumHandlerType.CONSUL, config_of(agent.address), timeout_ms=2_000)
        async with served(handler, binding) as call:
            assert (await call.handler.health_check()).status is EnumHealth.HEALTHY
            agent.kill()
            with pytest.raises(HandlerConnectionError):
                await call("list_services")
            assert (await call.handler.health_check()).status is EnumHealth.UNHEALTHY
            agent.start(leashed=True)
            assert "consul" in str(await call("list_services"))
            assert (await call.handler.health_check()).status is EnumHealth.HEALTHY
    finally:
        agent.stop()


@pytest.mark.asyncio
async def test_a_handler_starts_without_its_agent_and_says_so() -> None:
    async with served(handler, binding_of(EnumHandlerType.CONSUL, config_of("http://127.0.0.1:9"))) as call:
        health = await call.handler.health_check()
        assert health.status is EnumHealth.UNHEALTHY
        assert "connection" in health.message
