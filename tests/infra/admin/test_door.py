"""Who may see the console: by address, name and token."""

import base64
import logging
from collections.abc import Mapping

import pytest
from omnibase_core.contracts.observability import ModelAdminListener
from omnibase_core.secret import ModelSecretRef
from omnibase_infra.admin.door import Door, token_finder
from omnibase_infra.admin.server import Answer, Request
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver

TOKEN = "a token of sixteen or more"
IN_CONTRACT = ModelAdminListener(console_token=ModelSecretRef(secret_ref="console#token"))


async def inside(_: Request) -> Answer:
    """What is behind the door."""
    return Answer(200, b"inside")


def door(address: str, environment: Mapping[str, str], http: ModelAdminListener | None = None) -> Door:
    """A door whose token is looked for in this environment."""
    resolver = SecretResolver([EnvironmentSecrets(environment)])
    return Door(address, token_finder(http or ModelAdminListener(), environment, resolver))


async def answer(its: Door, **headers: str) -> Answer:
    """What it answers to a request with these headers."""
    return await its(inside)(Request("/", headers=headers))


def basic(password: str) -> str:
    """As browsers send it."""
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.asyncio
@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST"])
async def test_at_loopback_whoever_names_it_so_needs_no_token(host: str) -> None:
    assert (await answer(door("127.0.0.1", {}), host=host)).status == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8080", "10.0.0.1", "[::2]", ""])
async def test_at_loopback_another_name_is_refused(host: str) -> None:
    refusal = await answer(door("::1", {}), host=host)
    assert (refusal.status, b"localhost" in refusal.body) == (421, True)


@pytest.mark.asyncio
@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.1", "::", "host.example"])  # noqa: S104 - what it is about
async def test_beyond_loopback_it_is_off_without_a_token_and_says_what_to_set(address: str) -> None:
    refusal = await answer(door(address, {}), host="localhost")
    assert (refusal.status, b"ONEX_CONSOLE_TOKEN" in refusal.body) == (403, True)


@pytest.mark.asyncio
@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1"])
@pytest.mark.parametrize("given", [basic(TOKEN), f"Bearer {TOKEN}", f"bearer {TOKEN}"])
async def test_with_the_token_it_opens_under_any_name(address: str, given: str) -> None:
    its = door(address, {"ONEX_CONSOLE_TOKEN": TOKEN})
    assert (await answer(its, host="ops.example", authorization=given)).status == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "given", ["", "Basic", "Basic ***", "Bearer", f"Bearer {TOKEN}x", basic("ä"), f"Digest {TOKEN}"]
)
async def test_without_the_token_it_asks_for_it(given: str) -> None:
    refusal = await answer(door("127.0.0.1", {"ONEX_CONSOLE_TOKEN": TOKEN}), host="localhost", authorization=given)
    assert (refusal.status, dict(refusal.headers)["www-authenticate"].split()[0]) == (401, "Basic")
    assert TOKEN.encode() not in refusal.body


@pytest.mark.asyncio
async def test_the_contracts_token_is_looked_up_and_a_changed_one_takes_over() -> None:
    environment = {"ONEX_SECRET_CONSOLE_TOKEN": TOKEN}
    its = door("10.0.0.1", environment, IN_CONTRACT)
    assert (await answer(its, authorization=f"Bearer {TOKEN}")).status == 200
    environment["ONEX_SECRET_CONSOLE_TOKEN"] = TOKEN[::-1]
    assert (await answer(its, authorization=f"Bearer {TOKEN}")).status == 401
    assert (await answer(its, authorization=f"Bearer {TOKEN[::-1]}")).status == 200


@pytest.mark.asyncio
async def test_a_token_that_cannot_be_looked_up_any_more_stays_what_it_was() -> None:
    environment = {"ONEX_SECRET_CONSOLE_TOKEN": TOKEN}
    its = door("10.0.0.1", environment, IN_CONTRACT)
    assert (await answer(its, authorization=f"Bearer {TOKEN}")).status == 200
    environment.clear()
    assert (await answer(its, authorization=f"Bearer {TOKEN}")).status == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("environment", [{}, {"ONEX_SECRET_CONSOLE_TOKEN": "short"}])
async def test_a_token_that_is_missing_or_short_leaves_it_shut_and_is_logged_once(
    environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    its = door("127.0.0.1", environment, IN_CONTRACT)
    with caplog.at_level(logging.WARNING, "onex.admin"):
        refusals = [await answer(its, host="localhost", authorization="Bearer short") for _ in range(3)]
    assert [refusal.status for refusal in refusals] == [503, 503, 503]
    assert [getattr(record, "event", None) for record in caplog.records] == ["admin.console_shut"]
