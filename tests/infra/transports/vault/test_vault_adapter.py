"""hvac's API over our client: what hvac does that must not reach a user, each pinned down."""

import ast
from pathlib import Path

import omnibase_infra.transports.vault as package
import pytest
import requests
from omnibase_core.contracts.handler_config import ModelVaultConfig
from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerConnectionError,
    HandlerExecutionError,
    IndeterminateEffectError,
    RuntimeHostError,
    TransientHandlerError,
    UnexpectedResultError,
)
from omnibase_core.secret import Secret
from omnibase_infra.transports.vault import VaultClient

from tests.fakes.http_server import HttpServer, encoded, replying
from tests.infra.transports.vault.around import SECRET, TOKEN, FakeVault, by_token, vault

_READ = "GET secret/data/orders/db"
_WRITE = "POST secret/data/orders/db"


async def read_failing(status: int, body: object) -> RuntimeHostError:
    """The error of a read that is answered so."""
    async with vault(FakeVault({_READ: (status, body)})) as (client, _):
        with pytest.raises(RuntimeHostError) as failed:
            await client.read_secret("secret", "orders/db")
    return failed.value


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "error", "outage"),
    [
        (307, TransientHandlerError, True),
        (308, TransientHandlerError, True),
        (400, HandlerExecutionError, None),
        (403, HandlerAuthenticationError, None),
        (404, UnexpectedResultError, False),
        (405, HandlerExecutionError, None),
        (412, TransientHandlerError, False),
        (429, TransientHandlerError, False),
        (472, TransientHandlerError, True),
        (473, TransientHandlerError, True),
        (500, TransientHandlerError, True),
        (502, TransientHandlerError, True),
        (503, TransientHandlerError, True),
    ],
)
async def test_each_status_of_a_read_has_its_error(
    status: int, error: type[RuntimeHostError], outage: bool | None
) -> None:
    failed = await read_failing(status, {"errors": ["canary"]})
    assert type(failed) is error
    assert failed.details["status"] == status
    assert failed.outage is outage


@pytest.mark.asyncio
async def test_a_write_that_failed_unknown_how_is_indeterminate_and_one_that_was_sent_away_is_not() -> None:
    fake = FakeVault({_WRITE: [(500, {}), (503, {"errors": ["Vault is sealed"]})]})
    async with vault(fake) as (client, _):
        with pytest.raises(IndeterminateEffectError):
            await client.write_secret("secret", "orders/db", {"a": "b"})
        with pytest.raises(TransientHandlerError, match="Vault is sealed: unseal it"):
            await client.write_secret("secret", "orders/db", {"a": "b"})


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
async def test_an_error_shows_neither_path_nor_body_nor_token(status: int) -> None:
    failed = await read_failing(status, {"errors": ["canary of the body"]})
    shown = f"{failed} {failed!r} {failed.message} {failed.details} {failed.__cause__}"
    assert not any(word in shown for word in ("orders", "canary", "secret/data", TOKEN))
    assert failed.__suppress_context__


@pytest.mark.asyncio
async def test_json_is_read_whatever_its_content_type_says_and_whatever_it_is() -> None:
    for_charset = encoded(200, b'{"data": {"keys": ["a"]}}', {"content-type": "application/json; charset=utf-8"})
    fake = FakeVault({"GET secret/metadata/a": for_charset, _READ: (500, ["no", "object"])})
    async with vault(fake) as (client, _):
        assert await client.list_secrets("secret", "a") == ["a"]
        with pytest.raises(TransientHandlerError):
            await client.read_secret("secret", "orders/db")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"data": []}', b'{"data": {"data": {}, "metadata": {}}}']
)
async def test_what_is_no_answer_of_vault_is_a_connection_error(body: bytes) -> None:
    async with vault(FakeVault({_READ: encoded(200, body)})) as (client, _):
        with pytest.raises(HandlerConnectionError, match="no answer of Vault"):
            await client.read_secret("secret", "orders/db")


@pytest.mark.asyncio
async def test_a_list_goes_by_get_and_none_is_an_empty_one() -> None:
    async with vault(FakeVault()) as (client, server):
        assert await client.list_secrets("secret", "orders") == []
        asked = server.requests[-1]
        assert (asked.method, asked.target) == ("GET", "/v1/secret/metadata/orders?list=true")


@pytest.mark.asyncio
async def test_a_redirect_is_not_followed_and_its_target_never_sees_the_token() -> None:
    async with HttpServer(replying(200, SECRET)) as elsewhere:
        away = encoded(307, b"", {"location": f"{elsewhere.url}/v1/secret/data/orders/db"})
        async with vault(FakeVault({_READ: away})) as (client, _):
            with pytest.raises(TransientHandlerError, match="standby"):
                await client.read_secret("secret", "orders/db")
        assert elsewhere.requests == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, "active"),
        (429, "standby"),
        (472, "standby"),
        (473, "performance_standby"),
        (474, "standby"),
        (501, "not_initialized"),
        (503, "sealed"),
        (530, "removed"),
        (418, "strange"),
    ],
)
async def test_health_is_asked_by_get_without_a_token_and_each_status_is_a_state(status: int, state: str) -> None:
    async with vault(FakeVault({"GET sys/health": (status, {"version": "1.21.4"})})) as (client, server):
        assert await client.health() == (state, "1.21.4")
        assert "x-vault-token" not in server.requests[-1].headers


@pytest.mark.asyncio
async def test_nothing_ambient_reaches_the_wire(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    poison = "canary-of-the-environment"
    for name in (
        "VAULT_TOKEN",
        "VAULT_ADDR",
        "VAULT_NAMESPACE",
        "VAULT_CACERT",
        "VAULT_CLIENT_CERT",
        "VAULT_SKIP_VERIFY",
    ):
        monkeypatch.setenv(name, poison)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://{poison}.invalid:1")
    (tmp_path / ".vault-token").write_text(poison)
    (tmp_path / ".netrc").write_text(f"default login {poison} password {poison}")
    monkeypatch.setenv("HOME", str(tmp_path))
    async with vault(FakeVault({_READ: (200, SECRET)})) as (client, server):
        await client.read_secret("secret", "orders/db")
        assert poison not in repr([(r.target, r.raw_headers, r.body) for r in server.requests])
        assert server.requests[-1].headers["x-vault-token"] == TOKEN
        assert server.requests[-1].headers["x-vault-request"] == "true"


@pytest.mark.asyncio
async def test_the_namespace_of_the_config_is_sent() -> None:
    def config(url: str) -> ModelVaultConfig:
        return by_token(url).model_copy(update={"namespace": "team-a"})

    async with vault(FakeVault({_READ: (200, SECRET)}), config) as (client, server):
        await client.read_secret("secret", "orders/db")
        assert {request.headers["x-vault-namespace"] for request in server.requests} == {"team-a"}


@pytest.mark.asyncio
async def test_no_session_of_requests_is_ever_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a session of requests was made")

    monkeypatch.setattr(requests.Session, "__init__", refuse)
    async with vault(FakeVault({_READ: (200, SECRET)})) as (client, _):
        assert (await client.read_secret("secret", "orders/db")).version == 3


def test_only_parts_of_hvac_that_work_over_coroutines_are_used() -> None:
    """Its Client, its exceptions and its helpers look at what they think is an answer."""
    used = set[str]()
    for file in Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hvac"):
                used.update(f"{node.module}.{name.name}" for name in node.names)
    assert used == {
        "hvac.adapters",
        "hvac.api.auth_methods.AppRole",
        "hvac.api.auth_methods.Kubernetes",
        "hvac.api.auth_methods.Token",
        "hvac.api.secrets_engines.KvV2",
        "hvac.api.system_backend.Health",
    }


@pytest.mark.asyncio
async def test_a_secret_is_not_shown_by_what_holds_it() -> None:
    async with vault(FakeVault({_READ: (200, SECRET)})) as (client, _):
        secret = await client.read_secret("secret", "orders/db")
    assert repr(secret) == "KvSecret(version=3, created_time='2026-01-02T03:04:05Z')"
    assert TOKEN not in f"{client!r} {client.figures()}"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (ModelVaultConfig(address="nonsense", token=Secret("t")), "address is not of the form"),
        (ModelVaultConfig(address="https://vault.example.com"), "no way to log in"),
        (ModelVaultConfig(address="https://v.example.com", token=Secret("t"), ca_file="/none"), "ca_file /none"),
    ],
)
def test_a_config_that_cannot_be_is_refused(config: ModelVaultConfig, reason: str) -> None:
    with pytest.raises(RuntimeHostError, match=reason):
        VaultClient(config, 1.0)


@pytest.mark.asyncio
async def test_a_token_that_cannot_stand_in_a_header_is_named_and_not_shown() -> None:
    def config(url: str) -> ModelVaultConfig:
        return ModelVaultConfig(address=url, token=Secret("canary\r\nX-Other: 1"))

    async with vault(FakeVault(), config) as (client, server):
        with pytest.raises(HandlerAuthenticationError) as failed:
            await client.open()
        assert server.requests == []
    assert "canary" not in failed.value.message
