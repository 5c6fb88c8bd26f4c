"""The vault handler against a real Vault: its operations, its paths, what it refuses."""

import itertools
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from omnibase_core.enums import EnumHandlerType
from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerExecutionError,
    InvalidParameterError,
    ProtocolConfigurationError,
    UnexpectedResultError,
)
from omnibase_spi.conformance import HANDLER_CHECKS, HandlerCheck
from pydantic import JsonValue

from tests.integration.serving import Served, binding_of, request, served
from tests.integration.vault.around import by_role, by_root, handler
from tools.services.vault import Vault

_FOLDERS = itertools.count(1)


@pytest_asyncio.fixture
async def call(vault: Vault) -> AsyncIterator[Served]:
    """A handler at the shared Vault that may do anything."""
    async with served(handler, binding_of(EnumHandlerType.VAULT, by_root(vault))) as ready:
        yield ready


@pytest.fixture
def folder() -> str:
    """A path that no other test has."""
    return f"handler-{next(_FOLDERS)}"


@pytest.mark.asyncio
async def test_a_secret_is_written_read_by_version_listed_and_deleted(call: Served, folder: str) -> None:
    path = f"{folder}/db größe"
    assert await call("set_secret", path=path, data={"password": "one", "n": 7, "deep": {"a": [1, None]}}) == {
        "version": 1
    }
    assert await call("set_secret", path=path, data={"password": "two"}) == {"version": 2}
    newest = await call("get_secret", path=path)
    assert (newest["data"], newest["version"]) == ({"password": "two"}, 2)
    assert str(newest["created_time"]).endswith("Z")
    first = await call("get_secret", path=path, version=1)
    assert first["data"] == {"password": "one", "n": 7, "deep": {"a": [1, None]}}
    await call("set_secret", path=f"{folder}/more/a", data={})
    assert await call("list_secrets", path=folder) == {"keys": ["db größe", "more/"]}
    assert f"{folder}/" in str(await call("list_secrets", path=""))
    assert await call("delete_secret", path=path) == {"deleted": True}
    assert await call("list_secrets", path=folder) == {"keys": ["more/"]}


@pytest.mark.asyncio
async def test_a_version_that_is_deleted_says_so_and_the_others_stay(call: Served, folder: str) -> None:
    path = f"{folder}/a"
    for value in ("one", "two"):
        await call("set_secret", path=path, data={"value": value})
    await call("delete_secret", path=path, versions=[2])
    with pytest.raises(UnexpectedResultError, match="This version of the secret was deleted"):
        await call("get_secret", path=path)
    assert (await call("get_secret", path=path, version=1))["data"] == {"value": "one"}


@pytest.mark.asyncio
async def test_cas_writes_only_over_the_version_that_it_names(call: Served, folder: str) -> None:
    path = f"{folder}/a"
    assert await call("set_secret", path=path, data={}, cas=0) == {"version": 1}
    for wrong in (0, 2):
        with pytest.raises(UnexpectedResultError, match="nothing was written"):
            await call("set_secret", path=path, data={}, cas=wrong)
    assert await call("set_secret", path=path, data={}, cas=1) == {"version": 2}


@pytest.mark.asyncio
async def test_what_is_not_there_is_no_secret_and_an_empty_list(call: Served, folder: str) -> None:
    with pytest.raises(UnexpectedResultError, match="no such secret or version"):
        await call("get_secret", path=f"{folder}/none")
    assert await call("list_secrets", path=folder) == {"keys": []}
    assert await call("delete_secret", path=f"{folder}/none") == {"deleted": True}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    [
        "..",
        "a/../../../sys/health",
        "a//b",
        "/a",
        "a/",
        "",
        ".",
        "a/./b",
        "a%2f..",
        "a\x00",
        "a?b",
        "a#b",
        "a\\b",
        "a/..;x/b",
    ],
)
async def test_a_path_that_could_lead_elsewhere_is_refused(call: Served, path: str) -> None:
    for asked in (call("get_secret", path=path), call("set_secret", path=path, data={})):
        with pytest.raises(InvalidParameterError, match=r"payload\.path"):
            await asked


@pytest.mark.asyncio
async def test_only_allowed_paths_are_asked_for_whole_segments_compared(vault: Vault, folder: str) -> None:
    config = by_root(vault, allow=(f"{folder}/app", f"{folder}/shared"))
    async with served(handler, binding_of(EnumHandlerType.VAULT, config)) as call:
        await call("set_secret", path=f"{folder}/app/key", data={})
        await call("set_secret", path=f"{folder}/app", data={})
        for path in (folder, f"{folder}/apple", f"{folder}/application/key", "app/key"):
            with pytest.raises(InvalidParameterError, match="'allow'"):
                await call("set_secret", path=path, data={})
        with pytest.raises(InvalidParameterError, match="'allow'"):
            await call("list_secrets", path="")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        ("get_secret", {"path": "a", "version": 0}),
        ("set_secret", {"path": "a", "data": []}),
        ("set_secret", {"path": "a", "data": {}, "cas": -1}),
        ("delete_secret", {"path": "a", "versions": []}),
        ("delete_secret", {"path": "a", "versions": [True]}),
        ("list_secrets", {"path": "a", "version": 1}),
    ],
)
async def test_what_a_payload_cannot_say(call: Served, operation: str, payload: dict[str, JsonValue]) -> None:
    with pytest.raises(InvalidParameterError):
        await call(operation, **payload)


@pytest.mark.asyncio
async def test_what_the_policy_does_not_allow_is_refused_for_good(vault: Vault, folder: str) -> None:
    vault.ask("POST", f"secret/data/{folder}/a", {"data": {"value": "one"}})
    config = by_role(vault, folder)
    async with served(handler, binding_of(EnumHandlerType.VAULT, config)) as call:
        assert (await call("get_secret", path=f"{folder}/a"))["data"] == {"value": "one"}
        with pytest.raises(HandlerAuthenticationError, match="permission denied") as refused:
            await call("set_secret", path=f"{folder}/a", data={"value": "two"})
        assert folder not in refused.value.message
        health = await call.handler.health_check()
        assert (health.status, health.details["logins"]) == ("healthy", 1)


@pytest.mark.asyncio
async def test_a_mount_that_is_none_of_kv_says_so(vault: Vault) -> None:
    config = by_root(vault, mount="elsewhere")
    async with served(handler, binding_of(EnumHandlerType.VAULT, config)) as call:
        with pytest.raises(HandlerExecutionError):
            await call("get_secret", path="a")


@pytest.mark.asyncio
async def test_wrong_credentials_end_the_start(vault: Vault, folder: str) -> None:
    config = by_role(vault, folder)
    assert config.approle is not None
    wrong = config.model_copy(update={"approle": config.approle.model_copy(update={"role_id": "canary"})})
    with pytest.raises(HandlerAuthenticationError, match="Vault refused the login") as refused:
        async with served(handler, binding_of(EnumHandlerType.VAULT, wrong)):
            pass
    assert "canary" not in refused.value.message
    with pytest.raises(ProtocolConfigurationError, match="no way to log in"):
        async with served(handler, binding_of(EnumHandlerType.VAULT, by_root(vault, token=None))):
            pass


@pytest.mark.asyncio
async def test_no_log_line_has_a_secret_a_token_or_a_path(
    vault: Vault, folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config = by_role(vault, folder, '"create", "read", "update"')
    async with served(handler, binding_of(EnumHandlerType.VAULT, config)) as call:
        await call("set_secret", path=f"{folder}/canary-path", data={"key": "canary-value"})
        await call("get_secret", path=f"{folder}/canary-path")
        with pytest.raises(UnexpectedResultError):
            await call("set_secret", path=f"{folder}/canary-path", data={"key": "canary-value"}, cas=9)
        held = f"{call.handler!r} {vars(call.handler)!r} {config!r}"
    assert config.approle is not None
    for word in ("canary", "hvs."):
        assert word not in caplog.text + held


@pytest.mark.asyncio
@pytest.mark.parametrize("check", HANDLER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    ("operation", "payload"),
    [("set_secret", {"path": "conformance", "data": {}}), ("list_secrets", {"path": "a"})],
)
async def test_it_conforms(
    check: HandlerCheck, vault: Vault, operation: str, payload: dict[str, JsonValue]
) -> None:
    binding = binding_of(EnumHandlerType.VAULT, by_root(vault))
    await check(handler, binding, request(f"vault.{operation}", payload))
