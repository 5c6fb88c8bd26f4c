"""Secrets from a real Vault: paths, keys, versions, names, and what is said where there is none."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from omnibase_core.contracts.secrets_config import ModelSecrets
from omnibase_core.errors import SecretResolutionError
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.transports.vault.source import VaultSecrets

from tests.fakes.http_server import HttpServer, replying
from tests.integration.secrets.keepers import VaultKeeper
from tests.integration.secrets.load import Events, host_of, under_load
from tests.services import require
from tools.services.vault import Vault

CANARY = "c4n4ry-s3cr3t"
Login = Mapping[str, str]


@pytest.fixture
def login(vault: Vault, own_path: str) -> Login:
    """An AppRole that may read what is below `own_path`, where one secret with three versions is."""
    for version in range(1, 4):
        data = {"password": f"{CANARY}-{version}", "user": "orders", "port": 5432}
        vault.ask("POST", f"secret/data/{own_path}/db", {"data": data})
    vault.ask("POST", f"secret/data/{own_path}/alone", {"data": {"anything": f"{CANARY}-alone"}})
    return vault.approle(own_path, f'path "secret/data/{own_path}/*" {{ capabilities = ["read"] }}')


@asynccontextmanager
async def resolving(
    vault: Vault,
    login: Login,
    environment: Mapping[str, str] | None = None,
    *,
    allow: Sequence[str] = (),
    names: Sequence[Mapping[str, str | None]] = (),
) -> AsyncIterator[SecretResolver]:
    """The resolver of a contract with this Vault."""
    approle = {"role_id": login["role_id"], "secret_id": {"secret_ref": "vault#secret_id"}}
    config = {"address": vault.address, "approle": approle, "allow": tuple(allow)}
    model = ModelSecrets.model_validate({"names": tuple(names), "vault": config})
    given = {"ONEX_SECRET_VAULT_SECRET_ID": login["secret_id"], "ONEX_SECRETS_DIR": "", **(environment or {})}
    own = SecretResolver.of_environment(given, ModelSecrets())
    assert model.vault is not None
    source = VaultSecrets(model.vault, own, model.names_in("vault"))
    async with SecretResolver.of_environment(given, model, source) as resolver:
        yield resolver


async def said(resolver: SecretResolver, reference: str) -> str:
    """The error for a secret that is not found, which shows none."""
    with pytest.raises(SecretResolutionError) as caught:
        await resolver.get_secret(reference)
    assert CANARY not in str(caught.value) + str(caught.value.details)
    return caught.value.message


@pytest.mark.asyncio
async def test_a_reference_is_a_field_of_a_version(vault: Vault, login: Login, own_path: str) -> None:
    async with resolving(vault, login) as resolver:
        wanted = [f"{own_path}/db#password", f"{own_path}/db#password@2", f"{own_path}/alone"]
        found = await resolver.get_secrets(wanted)
    assert [found[reference].reveal() for reference in wanted] == [
        f"{CANARY}-{end}" for end in ("3", "2", "alone")
    ]


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("db#passwort", "version 3 has no such field"),
        ("db#port", "the field is empty, or no text"),
        ("db", "it has several fields; name one as path#key"),
        ("nowhere#password", "no such secret"),
        ("db#password@9", "no such secret"),
    ],
)
@pytest.mark.asyncio
async def test_what_is_missing_is_told_with_its_place_and_looked_for_further_on(
    vault: Vault, login: Login, own_path: str, reference: str, reason: str
) -> None:
    async with resolving(vault, login) as resolver:
        message = await said(resolver, f"{own_path}/{reference}")
    assert f"vault {vault.address}, secret/{own_path}/{reference} ({reason}); environment variable" in message


@pytest.mark.asyncio
async def test_a_name_in_vault_may_be_another_one_or_none(vault: Vault, login: Login, own_path: str) -> None:
    names: Sequence[Mapping[str, str | None]] = [
        {"reference": "orders/dsn", "vault": f"{own_path}/db#password"},
        {"reference": "token", "vault": None},
    ]
    environment = {"ONEX_SECRET_TOKEN": "from-environment"}
    async with resolving(vault, login, environment, names=names) as resolver:
        assert (await resolver.get_secret("orders/dsn@1")).reveal() == f"{CANARY}-1"
        assert (await resolver.get_secret("token")).reveal() == "from-environment"


@pytest.mark.asyncio
async def test_what_the_policy_does_not_allow_ends_the_search_unless_it_is_not_vaults_to_have(
    vault: Vault, login: Login, own_path: str
) -> None:
    environment = {"ONEX_SECRET_OTHER_TOKEN": "from-environment"}
    async with resolving(vault, login, environment) as resolver:
        assert "ONEX_SECRET_OTHER_TOKEN" not in await said(resolver, "other/token")
    async with resolving(vault, login, environment, allow=[own_path]) as resolver:
        assert (await resolver.get_secret("other/token")).reveal() == "from-environment"


@pytest.mark.asyncio
async def test_vaults_own_credentials_are_looked_for_outside_of_it(vault: Vault, login: Login) -> None:
    async with resolving(vault, login, {"ONEX_SECRET_VAULT_SECRET_ID": ""}) as resolver:
        message = await said(resolver, "a/b")
    assert "secrets.vault, config.approle.secret_id: no secret 'vault#secret_id'" in message
    assert "environment variable ONEX_SECRET_VAULT_SECRET_ID (empty)" in message


@pytest.mark.asyncio
async def test_credentials_that_vault_refuses_are_read_anew_the_next_time(
    vault: Vault, login: Login, own_path: str, tmp_path: Path
) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "secret_id").write_text(f"{CANARY}-wrong")
    given = {"ONEX_SECRET_VAULT_SECRET_ID": "", "ONEX_SECRETS_DIR": str(tmp_path)}
    async with resolving(vault, login, given) as resolver:
        assert "Vault refused the login" in await said(resolver, f"{own_path}/alone")
        (tmp_path / "vault" / "secret_id").write_text(login["secret_id"])
        assert (await resolver.get_secret(f"{own_path}/alone")).reveal() == f"{CANARY}-alone"


@pytest.fixture
def own_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """A Vault that the test may seal."""
    vault = Vault(tmp_path_factory.mktemp("own") / "vault")
    require(vault)
    try:
        vault.start(leashed=True)
        yield vault
    finally:
        vault.stop()


@pytest.mark.asyncio
async def test_a_vault_that_is_sealed_is_one_warning_and_changes_nothing_for_a_host_at_work(
    own_vault: Vault, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    events = Events(caplog)
    keeper = await asyncio.to_thread(VaultKeeper, own_vault, "sealed")
    await keeper.put("sealed/api", f"{CANARY}-one")
    handler = (
        '{type: "http", config: {base_url: "URL", allow_private: ["127.0.0.0/8"], '
        'headers: {X-Api-Key: {secret_ref: "sealed/api#value"}}}}'
    )
    async with HttpServer(replying(200, {"x": 1})) as server:
        host = await host_of(tmp_path, keeper, "users", handler.replace("URL", server.url))
        async with under_load(host, "users", {"url": "/users"}) as load:
            await load.grown(20)
            await asyncio.to_thread(own_vault.seal)
            await events.after("rotation.unreadable")
            await load.grown(20)
            await asyncio.to_thread(own_vault.unseal)
            await keeper.put("sealed/api", f"{CANARY}-two")
            await events.after("rotation.done")
            await load.grown(20)
    assert load.failures == []
    assert events.count("rotation.unreadable") == 1
    assert server.requests[-1].headers["x-api-key"] == f"{CANARY}-two"
    assert CANARY not in caplog.text
