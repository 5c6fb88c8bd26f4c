"""A host as a service: registered when it is ready, alive while it runs, gone when it begins to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.wiring import build_host

from tests.services import require
from tools.services.consul import Consul

RUNTIME = """\
runtime:
  name: orders_host
  version: "1.0.0"
  event_bus: {{kind: inmemory}}
  handlers: [{{type: consul, timeout_ms: 1000, config: {{address: "{address}"}}}}]
  registration: {{service_id: "orders:1", port: 8080, tags: [v1], meta: {{zone: a}}, ttl_ms: 900}}
  nodes: [{{slug: echo}}]
"""
NODE = """\
node_version: "1.0.0"
name: echo
node_type: COMPUTE
input_model: {name: ModelIn, fields: [{name: number, type: integer}]}
output_model: {name: ModelOut, fields: [{name: number, type: integer}]}
transform: {number: "${{ input.number }}"}
"""


def built(folder: Path, address: str) -> BaseRuntimeHostProcess:
    """A host that registers itself at the agent with this address, not started."""
    (folder / "runtime.yaml").write_text(RUNTIME.format(address=address))
    (folder / "echo.yaml").write_text(NODE)
    return build_host(load_contract_file(str(folder / "runtime.yaml"), {}), SecretResolver([]))


@pytest.fixture
def host(consul: Consul, tmp_path: Path) -> BaseRuntimeHostProcess:
    """At the shared agent."""
    return built(tmp_path, consul.address)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[tuple[Consul, BaseRuntimeHostProcess]]:
    """At an agent that may be killed."""
    agent = Consul(tmp_path / "consul")
    require(agent)
    agent.start(leashed=True)
    yield agent, built(tmp_path, agent.address)
    agent.stop()


async def statuses(agent: Consul) -> list[str]:
    """The status of each check of the host's instances, as the catalog has them."""
    found = await asyncio.to_thread(agent.ask, "GET", "health/checks/orders_host")
    return [check["Status"] for check in found] if isinstance(found, list) else []


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Returns when it is so."""
    async with asyncio.timeout(20):
        while not await look():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_a_host_is_registered_while_it_runs_and_no_longer(
    consul: Consul, host: BaseRuntimeHostProcess
) -> None:
    async def is_passing() -> bool:
        return await statuses(consul) == ["passing"]

    async with host as opened:
        await until(is_passing)
        service = (await asyncio.to_thread(consul.ask, "GET", "agent/services"))["orders:1"]  # type: ignore[index]  # JSON
        assert (service["Service"], service["Port"], service["Tags"], service["Meta"]) == (
            "orders_host",
            8080,
            ["v1"],
            {"zone": "a"},
        )
        consul.ask("PUT", "agent/check/fail/service:orders:1")
        await until(is_passing)  # by the next sign of life
        await opened.close(grace_s=5)
        assert await statuses(consul) == []


@pytest.mark.asyncio
async def test_a_host_whose_agent_has_forgotten_it_is_registered_again(
    consul: Consul, host: BaseRuntimeHostProcess
) -> None:
    async def is_passing() -> bool:
        return await statuses(consul) == ["passing"]

    async with host:
        await until(is_passing)
        consul.ask("PUT", "agent/service/deregister/orders:1")
        await until(is_passing)


@pytest.mark.asyncio
async def test_an_agent_that_is_gone_ends_neither_the_host_nor_its_stop(
    mortal: tuple[Consul, BaseRuntimeHostProcess], caplog: pytest.LogCaptureFixture
) -> None:
    agent, host = mortal

    async def is_told() -> bool:
        return "registration: " in caplog.text

    async with host as opened:
        agent.kill()
        await until(is_told)
        started = asyncio.get_running_loop().time()
        await opened.close(grace_s=3)
    assert "end of registration was cut off" in caplog.text
    assert asyncio.get_running_loop().time() - started < 15
