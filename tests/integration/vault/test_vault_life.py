"""What happens to a real Vault and to tokens while a handler is at work: leases, seal, standby, restart, TLS."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from omnibase_core.contracts.handler_config import ModelVaultConfig, ModelVaultKubernetes
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.errors import HandlerConnectionError, HandlerExecutionError, TransientHandlerError

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded
from tests.integration.serving import Served, binding_of, served
from tests.integration.vault.around import by_role, by_root, handler
from tests.services import require
from tools.services.vault import Vault


def started(vault: Vault) -> Vault:
    """The server, started."""
    require(vault)
    vault.start(leashed=True)
    return vault


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """A Vault that speaks TLS, for what a test does to it; every test unseals it first."""
    vault = started(Vault(tmp_path_factory.mktemp("own") / "vault", tls=True))
    yield vault
    vault.stop()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Vault]:
    """A Vault with a standby."""
    vault = started(Vault(tmp_path / "vault", standby=True))
    yield vault
    vault.stop()


def own_config(own: Vault) -> ModelVaultConfig:
    """A config for it."""
    return by_root(own, ca_file=str(own.plan["ca_file"]))


async def until_figure(call: Served, path: str, figure: str, least: int) -> None:
    """Reads a secret until a figure of the handler is that large."""
    async with asyncio.timeout(20):
        while True:
            await call("get_secret", path=path)
            found = (await call.handler.health_check()).details[figure]
            if isinstance(found, int) and found >= least:
                return
            await asyncio.sleep(0.05)


@pytest.mark.asyncio
async def test_a_lease_is_renewed_and_at_its_end_the_handler_logs_in_anew(vault: Vault) -> None:
    vault.ask("POST", "secret/data/life/a", {"data": {}})
    config = by_role(vault, "life", token_ttl="2s", token_max_ttl="5s")
    async with served(handler, binding_of(EnumHandlerType.VAULT, config)) as call:
        await until_figure(call, "life/a", "renewals", 1)
        await until_figure(call, "life/a", "logins", 2)


@pytest.mark.asyncio
async def test_a_token_that_is_revoked_while_the_handler_works_is_replaced_without_a_failure(vault: Vault) -> None:
    vault.ask("POST", "secret/data/revoked/a", {"data": {}})
    config = by_role(vault, "revoked", token_ttl="10m")
    async with served(handler, binding_of(EnumHandlerType.VAULT, config)) as call:
        await call("get_secret", path="revoked/a")
        vault.ask("PUT", "sys/leases/revoke-prefix/auth/approle/login")
        await asyncio.gather(*(call("get_secret", path="revoked/a") for _ in range(5)))
        assert (await call.handler.health_check()).details["logins"] == 2


@pytest.mark.asyncio
async def test_a_service_account_logs_in_with_the_token_of_its_file(vault: Vault, tmp_path: Path) -> None:
    async def review(_: RecordedRequest, connection: Connection) -> None:
        user = {"username": "system:serviceaccount:shop:orders", "uid": "u1", "groups": ["system:serviceaccounts"]}
        await connection.send(encoded(201, {"status": {"authenticated": True, "user": user}}))

    file = tmp_path / "token"
    file.write_text(_jwt())
    async with HttpServer(review) as api_server:
        settings = {
            "kubernetes_host": api_server.url,
            "disable_local_ca_jwt": True,
            "token_reviewer_jwt": "reviewer",
        }
        await asyncio.to_thread(vault.ask, "POST", "auth/kubernetes/config", settings)
        vault.ask(
            "PUT", "sys/policies/acl/pods", {"policy": 'path "secret/data/pods/*" { capabilities = ["read"] }'}
        )
        role = {
            "bound_service_account_names": "orders",
            "bound_service_account_namespaces": "shop",
            "token_policies": "pods",
        }
        await asyncio.to_thread(vault.ask, "POST", "auth/kubernetes/role/orders", role)
        vault.ask("POST", "secret/data/pods/a", {"data": {"value": "one"}})
        kubernetes = ModelVaultKubernetes(role="orders", jwt_file=str(file))
        config = ModelVaultConfig(address=vault.address, kubernetes=kubernetes)
        async with served(handler, binding_of(EnumHandlerType.VAULT, config)) as call:
            assert (await call("get_secret", path="pods/a"))["data"] == {"value": "one"}
        assert api_server.requests[-1].target == "/apis/authentication.k8s.io/v1/tokenreviews"


def _jwt() -> str:
    """A token of a service account, whose signature the API server judges."""
    account = {"namespace": "shop", "serviceaccount": {"name": "orders", "uid": "u1"}}
    claims = {"iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 4_102_444_800, "kubernetes.io": account}
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    encoded_parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded_parts, base64.urlsafe_b64encode(b"signature" * 28).decode().rstrip("=")])


@pytest.mark.asyncio
async def test_a_sealed_vault_is_an_outage_and_an_unsealed_one_is_used_again(own: Vault) -> None:
    own.unseal()
    own.ask("POST", "secret/data/sealed", {"data": {"value": "one"}})
    async with served(handler, binding_of(EnumHandlerType.VAULT, own_config(own))) as call:
        await call("get_secret", path="sealed")
        own.seal()
        for asked in (call("get_secret", path="sealed"), call("set_secret", path="sealed", data={})):
            with pytest.raises(TransientHandlerError) as failed:
                await asked
            assert failed.value.outage
        health = await call.handler.health_check()
        assert health.status is EnumHealth.UNHEALTHY
        own.unseal()
        assert (await call("get_secret", path="sealed"))["data"] == {"value": "one"}
        assert (await call.handler.health_check()).status is EnumHealth.HEALTHY


@pytest.mark.asyncio
async def test_a_handler_starts_while_vault_is_sealed_and_works_when_it_is_not(own: Vault) -> None:
    own.unseal()
    own.ask("POST", "secret/data/later", {"data": {}})
    own.kill()
    own.start(leashed=True, unseal=False)
    async with served(handler, binding_of(EnumHandlerType.VAULT, own_config(own))) as call:
        health = await call.handler.health_check()
        assert (health.status, health.message) == (EnumHealth.UNHEALTHY, "Vault is sealed: unseal it")
        with pytest.raises(TransientHandlerError, match="Vault is sealed"):
            await call("get_secret", path="later")
        own.unseal()
        assert (await call("get_secret", path="later"))["version"] == 1


@pytest.mark.asyncio
async def test_a_standby_sends_away_and_health_says_so(pair: Vault) -> None:
    config = by_root(pair, address=str(pair.plan["standby"]))
    async with served(handler, binding_of(EnumHandlerType.VAULT, config)) as call:
        with pytest.raises(TransientHandlerError, match=r"standby \(status 307\)"):
            await call("get_secret", path="a")
        health = await call.handler.health_check()
        assert (health.status, "standby" in health.message) == (EnumHealth.UNHEALTHY, True)


@pytest.mark.asyncio
async def test_a_vault_that_is_gone_and_back_needs_no_restart_of_the_host(own: Vault) -> None:
    own.unseal()
    own.ask("POST", "secret/data/kept", {"data": {"value": "one"}})
    async with served(handler, binding_of(EnumHandlerType.VAULT, own_config(own))) as call:
        await call("get_secret", path="kept")
        own.kill()
        with pytest.raises(HandlerConnectionError):
            await call("get_secret", path="kept")
        assert (await call.handler.health_check()).status is EnumHealth.UNHEALTHY
        own.start(leashed=True)
        assert (await call("get_secret", path="kept"))["data"] == {"value": "one"}


@pytest.mark.asyncio
async def test_a_certificate_of_another_authority_is_refused(own: Vault) -> None:
    own.unseal()
    other = str(own.folder / "certificates" / "other-ca.pem")
    config = own_config(own).model_copy(update={"ca_file": other})
    with pytest.raises(HandlerExecutionError, match="certificate is refused"):
        async with served(handler, binding_of(EnumHandlerType.VAULT, config)):
            pass
