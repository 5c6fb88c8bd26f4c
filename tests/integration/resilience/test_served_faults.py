"""The vault and consul handlers, with a fault between them and their real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from omnibase_core.contracts.handler_config import ModelConsulConfig, ModelHandlerConfig
from omnibase_core.enums import EnumErrorCode, EnumHealth
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import IndeterminateTimeoutError
from omnibase_infra.handlers.consul_handler import ConsulHandler
from omnibase_infra.host.clock import utc_now
from omnibase_infra.transports.consul import ConsulClient
from omnibase_spi.handler import ProtocolHandler

from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.integration.resilience.line import (
    FAULTS,
    Line,
    breaks_and_heals,
    holds_the_deadline,
    opened,
    settles_at,
)
from tests.integration.vault.around import by_root, handler
from tools.services.consul import Consul
from tools.services.vault import Vault

_OPEN = ("01", "08")  # established, and closed by the client alone


def connections_to(port: int) -> int:
    """How many connections the system has open at the server's end."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] in _OPEN for row in rows)


@asynccontextmanager
async def line_to(
    address: str, made: ProtocolHandler, config: ModelHandlerConfig, asking: tuple[str, JsonObject]
) -> AsyncIterator[Line]:
    """A line to the server at `address`. The connections are those that the system has for its port."""
    port = urlsplit(address).port
    assert port is not None

    async def connections() -> int:
        return connections_to(port)

    await settles_at(connections, 0)
    async with FaultProxy(partial(asyncio.open_connection, "127.0.0.1", port)) as proxy:
        through = config.model_copy(update={"address": f"http://127.0.0.1:{proxy.port}"})
        async with opened(made, through) as guard:
            yield Line(guard, proxy, asking, connections)
        await settles_at(connections, 0)


def vault_line(vault: Vault, operation: str = "get_secret") -> AbstractAsyncContextManager[Line]:
    """To Vault, asked for a secret; or another one is written."""
    vault.ask("POST", "secret/data/faults/read", {"data": {"value": "one"}})
    asking: dict[str, JsonObject] = {
        "get_secret": {"path": "faults/read"},
        "set_secret": {"path": "faults/written", "data": {}},
    }
    return line_to(vault.address, handler(), by_root(vault), (f"vault.{operation}", asking[operation]))


def consul_line(consul: Consul) -> AbstractAsyncContextManager[Line]:
    """To Consul, asked for its own service."""
    made = ConsulHandler(ConsulClient, utc_now)
    config = ModelConsulConfig(address=consul.address)
    return line_to(consul.address, made, config, ("consul.get_service", {"name": "consul"}))


@pytest.mark.asyncio
@pytest.mark.parametrize(("fault", "code"), FAULTS)
async def test_vault_fails_in_time_with_the_right_code_and_heals(
    vault: Vault, fault: Fault | None, code: EnumErrorCode
) -> None:
    async with vault_line(vault) as line:
        await breaks_and_heals(line, fault, code)


@pytest.mark.asyncio
@pytest.mark.parametrize(("fault", "code"), FAULTS)
async def test_consul_fails_in_time_with_the_right_code_and_heals(
    consul: Consul, fault: Fault | None, code: EnumErrorCode
) -> None:
    async with consul_line(consul) as line:
        await breaks_and_heals(line, fault, code)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["vault", "consul"])
async def test_the_deadline_of_the_envelope_is_held_when_nothing_comes(
    kind: str, vault: Vault, consul: Consul
) -> None:
    async with vault_line(vault) if kind == "vault" else consul_line(consul) as line:
        await holds_the_deadline(line, Fault("freeze"))


@pytest.mark.asyncio
async def test_a_write_that_is_not_answered_says_that_its_effect_is_not_known(vault: Vault) -> None:
    async with vault_line(vault, "set_secret") as line:
        await line.guard.execute(line.request)
        await line.break_down(Fault("half_open"))
        with pytest.raises(IndeterminateTimeoutError):
            await line.guard.execute(line.request)
        await line.heal()
        assert (await line.guard.execute(line.request)).success


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["vault", "consul"])
async def test_health_says_in_a_second_that_the_server_does_not_answer(
    kind: str, vault: Vault, consul: Consul
) -> None:
    async with vault_line(vault) if kind == "vault" else consul_line(consul) as line:
        assert (await line.guard.health_check()).status is EnumHealth.HEALTHY
        await line.break_down(Fault("freeze"))
        found = await line.guard.health_check()
        assert found.status is EnumHealth.UNHEALTHY
        assert "answer" in found.message
        await line.heal()
        assert (await line.guard.health_check()).status is EnumHealth.HEALTHY
