"""The console's pages: what they show of a host, and that nothing which comes from outside is read as HTML."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumErrorCode, EnumHealth
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import HandlerConnectionError
from omnibase_core.frontier import ModelFrontier
from omnibase_infra.admin.attention import findings
from omnibase_infra.admin.console import Console, page_files
from omnibase_infra.admin.door import Door
from omnibase_infra.admin.hints import HINTS
from omnibase_infra.admin.pages import pages_of
from omnibase_infra.admin.plain import configuration_html
from omnibase_infra.admin.server import Answer, Page, Request
from omnibase_infra.config.effective import effective_values
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_infra.host.condition import EnumPhase, condition_of
from omnibase_infra.host.process import BaseRuntimeHostProcess
from pydantic import JsonValue

from tests.docs.tables import section
from tests.fakes.handlers import ScriptedHandler, handler_binding
from tests.fakes.hosts import asking, parts

page_files()
HOSTILE = "<img src=x onerror=alert(1)>"


class Held(InMemoryEventBus):
    """A bus one partition of which does not get on."""

    def frontier(self) -> Sequence[ModelFrontier]:
        """As a bus over servers tells it."""
        where = {"topic": "orders", "partition": 3, "epoch": 1, "next_position": 7, "outstanding": 1, "holes": 0}
        return [ModelFrontier.model_validate({**where, "oldest_outstanding": 7, "oldest_age_s": 61.0})]


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
async def test_parts_that_are_not_well_need_attention_the_gravest_first() -> None:
    async with host() as its:
        healths = {"http": EnumHealth.DEGRADED, "event_bus": EnumHealth.UNHEALTHY}
        parts_seen = {name: ModelHealth(status=status, message="so it is") for name, status in healths.items()}
        found = list(findings(its, condition_of(its.phase, parts_seen), 0.0))
    told = [(one.grave, one.what) for one in found]
    assert told == [(True, "The bus is unhealthy: so it is"), (False, "Handler http is degraded: so it is")]


@pytest.mark.asyncio
async def test_a_record_that_holds_its_partition_for_long_needs_attention() -> None:
    its = BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")], bus=Held()))
    [found] = findings(its, condition_of(EnumPhase.READY, {}), 0.0)
    assert found.what == "orders-3 waits for its record at offset 7, in flight for 61 s"


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


CONTRACT = """
runtime:
  name: shop
  version: "1.0.0"
  event_bus: {kind: inmemory}
  handlers: [{type: http, config: {base_url: "https://shop.example"}}]
  nodes: [{slug: pages, max_inflight: 3, retry_policy: {max_retries: 1}}]
  observability: {stall_ms: 90000, http: {console_token: {secret_ref: shop/console}}}
  secrets: {order: [environment], refresh_ms: 5000}
"""
NODE = """
node_version: "1.0.0"
name: pages
node_type: EFFECT
input_model: {name: ModelUrl, fields: [{name: url, type: string}]}
output_model: {name: ModelPage, fields: [{name: body, type: any}]}
io_operations: [{type: http, operations: [http.get]}]
"""


def test_the_configuration_has_what_nodes_override_and_all_that_is_configured_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "pages.yaml").write_text(NODE)
    path = tmp_path / "runtime.yaml"
    path.write_text(CONTRACT)
    contract = load_contract_file(str(path), {}).require()
    page = configuration_html(contract.event_bus, effective_values(str(path), {}), contract)
    for caption, field, value in (
        ("handler http", "base_url", "https://shop.example"),
        ("node pages, its own", "retry_policy.max_retries", "1"),
        ("node pages, its own", "max_inflight", "3"),
        ("observability", "stall_ms", "90000"),
        ("observability", "http.console_token", "secret shop/console"),
        ("secrets", "refresh_ms", "5000"),
    ):
        table = page.partition(f"<caption>{caption}</caption>")[2].partition("</table>")[0]
        assert f'<th scope="row">{field}</th><td>{value}</td>' in table
    assert "retry_policy.base_delay" not in page.partition("its own</caption>")[2].partition("</table>")[0]
