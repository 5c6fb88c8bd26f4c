"""A whole host whose nodes use a real Vault: an outage is a pause, an idle login stays, and nothing is told."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from omnibase_core.codec import encode
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver
from omnibase_infra.handlers.vault_handler import VaultHandler
from omnibase_infra.host.condition import Condition
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts
from omnibase_infra.wiring import build_host

from tests.services import require
from tools.services.vault import Vault

RUNTIME = """\
runtime:
  name: keys_host
  version: "1.0.0"
  event_bus: {{kind: inmemory}}
  handlers:
    - type: vault
      timeout_ms: 2000
      retry_policy: {{max_retries: 3, base_delay_ms: 5, max_delay_ms: 50}}
      circuit_breaker: {{failure_threshold: 3, open_ms: 200}}
      on_open: pause
      config:
        address: "{address}"
        allow: [keys]
        approle: {{role_id: "{role_id}", secret_id: {{secret_ref: secret-id}}}}
  nodes: [{{slug: keys}}]
"""
NODE = """\
node_version: "1.0.0"
name: keys
node_type: EFFECT
input_model:
  name: ModelIn
  fields:
    - {name: path, type: string}
    - {name: data, type: any, required: false}
    - {name: cas, type: any, required: false}
output_model:
  name: ModelOut
  fields:
    - {name: data, type: any, required: false}
    - {name: version, type: any, required: false}
    - {name: created_time, type: any, required: false}
io_operations: [{type: vault, operations: [vault.get_secret, vault.set_secret]}]
"""
POLICY = 'path "secret/data/keys/*" { capabilities = ["create", "read", "update"] }'


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Vault]:
    """A Vault that the test may seal."""
    vault = Vault(tmp_path / "vault")
    require(vault)
    vault.start(leashed=True)
    yield vault
    vault.stop()


class Host(BaseRuntimeHostProcess):
    """A host that gives its vault handler to the test."""

    def __init__(self, parts: HostParts) -> None:
        super().__init__(parts)
        handler = parts.handlers[0][0].handler
        assert isinstance(handler, VaultHandler)
        self.vault = handler


def host_at(vault: Vault, folder: Path, **settings: object) -> Host:
    """A host with an AppRole at this Vault, not started."""
    given = vault.approle("keys", POLICY, **settings)
    (folder / "runtime.yaml").write_text(RUNTIME.format(address=vault.address, role_id=given["role_id"]))
    (folder / "keys.yaml").write_text(NODE)
    secrets = EnvironmentSecrets({"ONEX_SECRET_SECRET_ID": given["secret_id"]})
    loaded = load_contract_file(str(folder / "runtime.yaml"), {})
    host = build_host(loaded, SecretResolver([secrets]), host=Host)
    assert isinstance(host, Host)
    return host


def asking(operation: str, payload: JsonObject, number: int = 1) -> ModelOnexEnvelope:
    """A request to the node."""
    return ModelOnexEnvelope(
        envelope_id=UUID(int=number),
        correlation_id=UUID(int=number),
        target_node="keys",
        operation=f"vault.{operation}",
        payload=payload,
        timestamp=datetime.now(UTC),
    )


async def until(host: BaseRuntimeHostProcess, is_so: Callable[[Condition], bool]) -> None:
    """Returns when the host's condition is so."""

    async def look() -> bool:
        return is_so(await host.condition())

    await _until(look)


async def _until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await look():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_requests_wait_while_vault_is_sealed_and_are_answered_when_it_is_not(
    own: Vault, tmp_path: Path
) -> None:
    host = await asyncio.to_thread(host_at, own, tmp_path)
    own.ask("POST", "secret/data/keys/a", {"data": {"value": "one"}})
    async with host:
        assert (await host.client.request(asking("get_secret", {"path": "keys/a"}))).success
        own.seal()
        requests = [asking("get_secret", {"path": "keys/a"}, number) for number in range(2, 8)]
        answers = asyncio.gather(*(host.client.request(each) for each in requests))
        await until(host, lambda now: any("sealed" in reason for reason in now.reasons))
        await asyncio.to_thread(own.unseal)
        assert [answer.success for answer in await answers] == [True] * 6
        await until(host, lambda now: now.reasons == ())


@pytest.mark.asyncio
async def test_the_login_of_a_host_without_requests_is_renewed(vault: Vault, tmp_path: Path) -> None:
    host = await asyncio.to_thread(host_at, vault, tmp_path, token_ttl="2s")

    async def is_renewed() -> bool:
        renewals = host.vault.client.figures()["renewals"]
        return isinstance(renewals, int) and renewals > 1

    async with host:
        await _until(is_renewed)


@pytest.mark.asyncio
async def test_neither_logs_nor_errors_nor_health_tell_a_secret(
    vault: Vault, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    host = await asyncio.to_thread(host_at, vault, tmp_path)
    written: JsonObject = {"path": "keys/canary-path", "data": {"key": "canary-value"}}
    async with host:
        assert (await host.client.request(asking("set_secret", written))).success
        read = await host.client.request(asking("get_secret", {"path": "keys/canary-path"}, 2))
        assert (read.payload or {})["data"] == {"key": "canary-value"}
        failed = [
            await host.client.request(asking("set_secret", {**written, "cas": 9}, 3)),
            await host.client.request(asking("get_secret", {"path": "keys/canary-none"}, 4)),
            await host.client.request(asking("get_secret", {"path": "other/canary-path"}, 5)),
        ]
        health = await host.condition()
    told = caplog.text + repr(health) + "".join(encode(answer).decode() for answer in failed)
    assert [answer.success for answer in failed] == [False] * 3
    assert "canary" not in told
    assert "hvs." not in told
