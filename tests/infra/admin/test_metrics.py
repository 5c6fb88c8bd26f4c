"""The metrics page of hosts that did something, read with Prometheus' own parser."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from omnibase_core.description import ModelHealth
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import HandlerConnectionError
from omnibase_infra.admin.metrics import CONTENT_TYPE, metrics_page
from omnibase_infra.admin.server import Request
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.telemetry.meter import OK, Outcomes
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.handlers import Gate, ScriptedHandler, echo, handler_binding
from tests.fakes.hosts import asking, parts
from tests.fakes.runtimes import bus_binding
from tests.fakes.waiting import until
from tools.dashboard import FILE, PANELS, dashboard

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "packages/omnibase_infra/deploy"
_NAME = re.compile(r"\b(?:onex|process)_\w+")


async def figures(host: BaseRuntimeHostProcess) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a host's page."""
    answer = await metrics_page(host)(Request("/metrics"))
    assert (answer.status, answer.content_type) == (200, CONTENT_TYPE)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def at(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """A sample's name and labels."""
    return name, frozenset(labels.items())


@pytest.mark.asyncio
async def test_requests_are_counted_by_node_operation_and_code() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        for number in range(3):
            await host.client.request(asking(number))
        await host.client.request(asking(4).model_copy(update={"payload": {"url": 5}}))
        seen = await figures(host)
    its = {"node": "pages", "handler": "http", "operation": "http.get"}
    assert seen[at("onex_envelopes_total", **its, code="OK")] == 3
    refused = {"node": "pages", "handler": "", "operation": "", "code": "ENVELOPE_VALIDATION_ERROR"}
    assert seen[at("onex_envelopes_total", **refused)] == 1
    assert seen[at("onex_envelope_work_seconds_count", node="pages")] == 4
    assert seen[at("onex_envelope_seconds_count")] == 4
    assert seen[at("onex_records_total", settlement="done")] == 4


@pytest.mark.asyncio
async def test_requests_to_nodes_that_there_are_not_make_no_series_of_their_own() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        before = set(await figures(host))
        for number in range(5):
            await host.client.request(asking(number, f"stranger{number}"))
        seen = await figures(host)
    new = {name for name, _ in set(seen) - before}
    assert new == {"onex_envelopes_total"}
    strangers = {"node": "other", "handler": "", "operation": "", "code": "NODE_NOT_FOUND"}
    assert seen[at("onex_envelopes_total", **strangers)] == 5


@pytest.mark.asyncio
async def test_attempts_retries_and_the_breaker_are_counted() -> None:
    async def refuse(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        raise HandlerConnectionError("no connection")

    policies = {
        "retry_policy": {"max_retries": 1, "base_delay_ms": 1, "max_delay_ms": 1},
        "circuit_breaker": {"failure_threshold": 2, "open_ms": 60_000},
    }
    handler = ScriptedHandler(perform=refuse, name="http")
    async with BaseRuntimeHostProcess(parts([(handler, handler_binding(name="http", policies=policies))])) as host:
        await host.client.request(asking(1))
        await host.client.request(asking(2))
        seen = await figures(host)
    calls = {"handler": "http", "operation": "http.get", "code": "HANDLER_CONNECTION_ERROR"}
    assert seen[at("onex_handler_calls_total", **calls)] == 2
    assert seen[at("onex_handler_call_seconds_count", handler="http", operation="http.get")] == 2
    line = {"handler": "http", "node": ""}
    assert seen[at("onex_handler_retries_total", **line)] == 1
    assert seen[at("onex_breaker_state", **line, state="open")] == 1
    assert seen[at("onex_breaker_state", **line, state="closed")] == 0
    assert seen[at("onex_breaker_transitions_total", **line, to="open")] == 1
    assert seen[at("onex_breaker_refusals_total", **line)] == 1


@pytest.mark.asyncio
async def test_the_process_and_its_partitions_are_there() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        await host.client.request(asking(1))
        seen = await figures(host)
        partition = {"topic": bus_binding().topics.input, "partition": "0"}
    assert seen[at("onex_partition_next_offset", **partition)] == 1
    assert seen[at("onex_partition_outstanding", **partition)] == 0
    assert seen[at("onex_partition_lag", **partition)] == 0
    assert seen[at("onex_partition_paused", **partition, cause="window_full")] == 0
    assert seen[at("onex_records_received_total")] == 1
    assert seen[at("onex_bus_clients_rebuilt_total", client="consumer")] == 0
    assert seen[at("onex_ready")] == 1
    assert seen[at("onex_start_seconds")] > 0
    assert seen[at("process_resident_memory_bytes")] > 1_000_000


@pytest.mark.asyncio
async def test_what_waits_is_told_from_what_is_worked_on() -> None:
    gate = Gate()
    binding = bus_binding().model_copy(update={"max_inflight_envelopes": 2})
    its = parts([ScriptedHandler(perform=gate.perform, name="http")], binding=binding)
    async with BaseRuntimeHostProcess(its) as host:
        asked = [asyncio.create_task(host.client.request(asking(number))) for number in range(5)]
        await until(lambda: gate.waiting == 2)
        seen = await figures(host)
        gate.opened.set()
        await asyncio.gather(*asked)
    assert seen[at("onex_lanes", state="busy")] == 2
    assert seen[at("onex_queued")] == seen[at("onex_in_flight")] - 2
    partition = {"topic": bus_binding().topics.input, "partition": "0"}
    assert seen[at("onex_partition_paused", **partition, cause="window_full")] == 1


@pytest.mark.asyncio
async def test_a_response_that_is_too_large_is_no_success() -> None:
    async def large(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        return envelope.reply({"url": "x" * 3_000}, timestamp=envelope.timestamp)

    binding = bus_binding().model_copy(update={"max_envelope_bytes": 2_000})
    its = parts([ScriptedHandler(perform=large, name="http")], binding=binding)
    async with BaseRuntimeHostProcess(its) as host:
        response = await host.client.request(asking(1))
        seen = await figures(host)
    assert response.error is not None
    requests = {"node": "pages", "handler": "http", "operation": "http.get"}
    assert seen[at("onex_envelopes_total", **requests, code=response.error.code.value)] == 1
    assert seen[at("onex_envelopes_total", **requests, code="OK")] == 0


def test_a_success_that_is_taken_back_makes_no_counter_fall() -> None:
    outcomes = Outcomes(["http.get"])
    for _ in range(3):
        outcomes.note("http.get", OK, 0.0, 0.0)
    assert outcomes.told["http.get", OK] == 3
    outcomes.take_back("http.get", "PAYLOAD_TOO_LARGE")
    assert outcomes.told == {("http.get", OK): 3, ("http.get", "PAYLOAD_TOO_LARGE"): 1}
    for _ in range(2):
        outcomes.note("http.get", OK, 0.0, 0.0)
    assert outcomes.told == {("http.get", OK): 4, ("http.get", "PAYLOAD_TOO_LARGE"): 1}


@pytest.mark.asyncio
async def test_the_health_of_parts_is_there_once_somebody_has_asked() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        before = await figures(host)
        await host.condition()
        seen = await figures(host)
    assert not [name for name, _ in before if name == "onex_part_health"]
    assert seen[at("onex_part_health", part="http", status="healthy")] == 1
    assert seen[at("onex_part_health", part="event_bus", status="unhealthy")] == 0


@pytest.mark.asyncio
async def test_what_a_handler_counts_by_itself_is_there() -> None:
    class Counting(ScriptedHandler):
        def counts(self) -> dict[str, int]:
            return {"answered_from_inbox": 3}

    async with BaseRuntimeHostProcess(parts([Counting(name="http")])) as host:
        seen = await figures(host)
    assert seen[at("onex_handler_events_total", handler="http", event="answered_from_inbox")] == 3


@pytest.mark.asyncio
async def test_a_scrape_asks_no_handler() -> None:
    class Untouchable(ScriptedHandler):
        async def health_check(self) -> ModelHealth:
            raise AssertionError

    async with BaseRuntimeHostProcess(parts([Untouchable(perform=echo)])) as host:
        await figures(host)


def expressions() -> Iterator[tuple[str, str]]:
    """What the dashboard and the alerts look at, with where."""
    for panel in PANELS:
        yield panel.title, panel.expression
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("page", "ticket")
            yield rule["alert"], rule["expr"]


@pytest.mark.asyncio
async def test_dashboard_and_alerts_look_at_metrics_that_there_are() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        body = (await metrics_page(host)(Request("/metrics"))).body.decode()
    known = set(re.findall(r"^# TYPE (\w+)", body, re.MULTILINE))
    known |= {f"{name}_bucket" for name in known}
    assert [
        (where, name) for where, text in expressions() for name in _NAME.findall(text) if name not in known
    ] == []


@pytest.mark.asyncio
async def test_every_metric_is_on_the_page_of_metrics_and_no_other() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        body = (await metrics_page(host)(Request("/metrics"))).body.decode()
    there = set(re.findall(r"^# TYPE (onex_\w+)", body, re.MULTILINE))
    written = set(re.findall(r"^\| `(onex_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    assert written == there


def test_the_dashboard_is_what_its_table_says() -> None:
    assert FILE.read_text() == dashboard()
