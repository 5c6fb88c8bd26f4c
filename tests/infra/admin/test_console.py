"""The console's pages: what they show of a host, and that nothing which comes from outside is read as HTML."""

import json
from collections.abc import Mapping

import pytest
from omnibase_core.enums import EnumErrorCode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import HandlerConnectionError
from omnibase_infra.admin.console import Console, page_files
from omnibase_infra.admin.door import Door
from omnibase_infra.admin.hints import HINTS
from omnibase_infra.admin.pages import pages_of
from omnibase_infra.admin.server import Answer, Page, Request
from omnibase_infra.host.process import BaseRuntimeHostProcess
from pydantic import JsonValue

from tests.docs.tables import section
from tests.fakes.handlers import ScriptedHandler, handler_binding
from tests.fakes.hosts import asking, parts

page_files()
HOSTILE = "<img src=x onerror=alert(1)>"


async def unreachable(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
    """A server that is down."""
    raise HandlerConnectionError(f"No connection to shop.example; {HOSTILE}", operation=envelope.operation)


def host(**policies: object) -> BaseRuntimeHostProcess:
    """A host whose one handler fails."""
    binding = handler_binding(name="http", policies={"retry_policy": {"max_retries": 0}, **policies})
    return BaseRuntimeHostProcess(parts([(ScriptedHandler(perform=unreachable, name="http"), binding)]))


def pages(its: BaseRuntimeHostProcess) -> Mapping[str, Page]:
    """What it serves."""
    return pages_of(its, Console(Door("127.0.0.1")))


async def got(its: Mapping[str, Page], path: str) -> Answer:
    """The page at this path."""
    return await its[path](Request(path, headers={"host": "localhost"}))


async def state(its: BaseRuntimeHostProcess) -> dict[str, JsonValue]:
    """What the page is told."""
    found: dict[str, JsonValue] = json.loads((await got(pages(its), "/console/state.json")).body)
    return found


@pytest.mark.asyncio
async def test_a_failure_is_shown_with_what_to_do_and_nothing_of_its_payload() -> None:
    async with host() as its:
        await its.client.request(asking(7))
        told = await state(its)
    [failure] = json.loads(json.dumps(told["failures"]))
    assert failure["code"] == "HANDLER_CONNECTION_ERROR"
    assert (failure["node"], failure["operation"]) == ("pages", "http.get")
    assert failure["correlation_id"] == str(asking(7).correlation_id)
    assert failure["hint"] == HINTS[EnumErrorCode.HANDLER_CONNECTION_ERROR]
    assert "a.example" not in json.dumps(told)


@pytest.mark.asyncio
async def test_an_open_breaker_needs_attention() -> None:
    async with host(circuit_breaker={"failure_threshold": 1}) as its:
        await its.client.request(asking(1))
        told = json.loads(json.dumps(await state(its)))
    assert told["handlers"][0]["breakers"][0]["state"] == "open"
    assert [one["what"].partition(";")[0] for one in told["attention"]] == [
        "The circuit breaker of handler http is open"
    ]


@pytest.mark.asyncio
async def test_the_snapshot_escapes_whatever_it_shows() -> None:
    async with host() as its:
        await its.client.request(asking(1))
        page = (await got(pages(its), "/")).body.decode()
    assert HOSTILE not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


@pytest.mark.asyncio
async def test_no_answer_of_the_console_lets_a_script_in() -> None:
    async with host() as its:
        for path in pages(its):
            if path == "/" or path.startswith("/console/"):
                policy = dict((await got(pages(its), path)).headers)["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy


@pytest.mark.asyncio
async def test_every_page_of_the_console_is_behind_the_door_and_no_probe_is() -> None:
    async with host() as its:
        found = pages_of(its, Console(Door("10.0.0.1")))
        shut = {path for path in found if (await found[path](Request(path))).status == 403}
    assert shut == {path for path in found if path == "/" or path.startswith("/console/")}
    assert "/metrics" in found


def test_hints_are_how_the_page_of_errors_begins_to_say_what_to_do() -> None:
    for code, hint in HINTS.items():
        do = " ".join(section("errors.md", code.value).partition("- Do: ")[2].split())
        assert do.replace("`", "").startswith(hint.rstrip(".")), code
    assert set(HINTS) == set(EnumErrorCode)
