"""The life of a token, on a clock that the test moves: login, renewal at two thirds, login anew."""

import asyncio
from math import inf
from pathlib import Path

import pytest
from omnibase_core.contracts.handler_config import ModelVaultConfig, ModelVaultKubernetes
from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerConnectionError,
    RuntimeHostError,
    TransientHandlerError,
)

from tests.fakes.http_server import HttpServer
from tests.infra.transports.vault.around import SECRET, FakeVault, Time, by_approle, by_token, lease, vault

_LOGIN = "POST auth/approle/login"
_RENEW = "POST auth/token/renew-self"
_LOOKUP = "GET auth/token/lookup-self"
_READ = "GET secret/data/a"


def asked(server: HttpServer, target: str) -> int:
    """How often something was asked for, by method and path."""
    return sum(f"{r.method} {r.target.removeprefix('/v1/')}" == target for r in server.requests)


def last_token(server: HttpServer) -> str:
    """The token of the last request."""
    return server.requests[-1].headers["x-vault-token"]


@pytest.mark.asyncio
async def test_a_lease_is_renewed_at_two_thirds_and_not_before() -> None:
    time = Time()
    fake = FakeVault({_LOGIN: lease("one", 90), _RENEW: lease("one", 90), _READ: (200, SECRET)})
    async with vault(fake, by_approle, now=time) as (client, server):
        assert await client.keep() == 60
        time.now += 59
        await client.read_secret("secret", "a")
        assert asked(server, _RENEW) == 0
        time.now += 1
        assert await client.keep() == 60
        assert (asked(server, _LOGIN), asked(server, _RENEW)) == (1, 1)
        assert client.figures()["token_ends_in_s"] == 90


@pytest.mark.asyncio
async def test_calls_at_once_log_in_once() -> None:
    fake = FakeVault({_LOGIN: lease("one", 90), _READ: (200, SECRET)})
    async with vault(fake, by_approle) as (client, server):
        await asyncio.gather(*(client.read_secret("secret", "a") for _ in range(8)))
        assert asked(server, _LOGIN) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("renewed", [lease("one", 40), (403, {}), (400, {})], ids=["capped", "403", "400"])
async def test_where_renewal_ends_the_host_logs_in_anew(renewed: tuple[int, object]) -> None:
    time = Time()
    fake = FakeVault({_LOGIN: [lease("one", 90), lease("two", 90)], _RENEW: renewed, _READ: (200, SECRET)})
    async with vault(fake, by_approle, now=time) as (client, server):
        await client.open()
        time.now += 60
        await client.read_secret("secret", "a")
        assert last_token(server) == "two"


@pytest.mark.asyncio
async def test_a_token_that_cannot_be_renewed_is_replaced_in_time() -> None:
    time = Time()
    fake = FakeVault({_LOGIN: [lease("one", 90, renewable=False), lease("two", 90)]})
    async with vault(fake, by_approle, now=time) as (client, server):
        await client.open()
        time.now += 60
        await client.keep()
        assert (asked(server, _LOGIN), asked(server, _RENEW)) == (2, 0)


@pytest.mark.asyncio
async def test_a_renewal_that_fails_is_put_off_while_the_token_holds_and_then_raises() -> None:
    time = Time()
    fake = FakeVault({_LOGIN: [lease("one", 90), (503, {})], _RENEW: (503, {}), _READ: (200, SECRET)})
    async with vault(fake, by_approle, now=time) as (client, server):
        await client.open()
        time.now += 60
        await client.read_secret("secret", "a")
        assert last_token(server) == "one"
        assert await client.keep() == 10  # a third of what is left
        time.now += 30
        with pytest.raises(TransientHandlerError):
            await client.read_secret("secret", "a")


@pytest.mark.asyncio
async def test_a_token_that_ended_under_way_is_replaced_and_the_call_made_again() -> None:
    fake = FakeVault(
        {
            _LOGIN: [lease("one", 90), lease("two", 90)],
            _LOOKUP: (403, {}),
            _READ: [(403, {}), (200, SECRET)],
        }
    )
    async with vault(fake, by_approle) as (client, server):
        assert (await client.read_secret("secret", "a")).version == 3
        assert last_token(server) == "two"


@pytest.mark.asyncio
async def test_a_request_that_is_not_permitted_logs_in_no_more_than_before() -> None:
    fake = FakeVault({_LOGIN: lease("one", 90), _READ: (403, {})})
    async with vault(fake, by_approle) as (client, server):
        for _ in range(3):
            with pytest.raises(HandlerAuthenticationError, match="permission denied"):
                await client.read_secret("secret", "a")
        assert asked(server, _LOGIN) == 1


@pytest.mark.asyncio
async def test_a_token_of_the_contract_is_renewed_as_long_as_vault_does_and_then_kept() -> None:
    time = Time()
    looked_up = (200, {"data": {"ttl": 90, "renewable": True}})
    fake = FakeVault({_LOOKUP: looked_up, _RENEW: [lease("x", 90), (400, {})]})
    async with vault(fake, by_token, now=time) as (client, server):
        assert await client.keep() == 60
        time.now += 60
        assert await client.keep() == 60
        time.now += 60
        assert await client.keep() == inf
        assert asked(server, _RENEW) == 2


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [(403, {}), (200, {"data": {"ttl": 0}})], ids=["may not look", "has no end"])
async def test_a_token_about_which_there_is_nothing_to_do_is_taken_as_it_is(answer: tuple[int, object]) -> None:
    async with vault(FakeVault({_LOOKUP: answer})) as (client, _):
        assert await client.keep() == inf
        assert client.figures()["token_ends_in_s"] is None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, {"errors": ["invalid role or secret ID"]}), HandlerAuthenticationError),
        ((403, {}), HandlerAuthenticationError),
        ((503, {}), TransientHandlerError),
        ((200, {"auth": {}}), HandlerConnectionError),
        ((200, {}), HandlerConnectionError),
    ],
)
async def test_a_login_that_fails_has_its_error_and_the_next_call_tries_again(
    answer: tuple[int, object], error: type[RuntimeHostError]
) -> None:
    fake = FakeVault({_LOGIN: [answer, lease("one", 90)], _READ: (200, SECRET)})
    async with vault(fake, by_approle) as (client, _):
        with pytest.raises(error) as failed:
            await client.open()
        assert "canary" not in failed.value.message
        assert (await client.read_secret("secret", "a")).version == 3


def by_kubernetes(file: Path, url: str) -> ModelVaultConfig:
    """A config with a service account."""
    return ModelVaultConfig(address=url, kubernetes=ModelVaultKubernetes(role="orders", jwt_file=str(file)))


@pytest.mark.asyncio
async def test_the_service_accounts_token_is_read_anew_for_each_login(tmp_path: Path) -> None:
    file, time = tmp_path / "token", Time()
    login = "POST auth/kubernetes/login"
    fake = FakeVault({login: [lease("one", 90, renewable=False), lease("two", 90)]})
    async with vault(fake, lambda url: by_kubernetes(file, url), now=time) as (client, server):
        with pytest.raises(HandlerAuthenticationError, match=r"file .*token \(no such file\)"):
            await client.open()
        for seconds, jwt in ((0, "first"), (60, "second")):
            time.now += seconds
            file.write_text(f"{jwt}\n")
            await client.keep()
            assert server.requests[-1].body == f'{{"role": "orders", "jwt": "{jwt}"}}'.encode()
