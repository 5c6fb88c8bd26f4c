"""What the probes answer, of hosts that start, run, fail and stop."""

import asyncio
import json
from pathlib import Path
from typing import Final

import pytest
import yaml
from omnibase_core.contracts.observability import ModelAdminListener
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumHealth
from omnibase_infra.admin.health import health_pages, once_a_second
from omnibase_infra.admin.server import Request
from omnibase_infra.host.process import BaseRuntimeHostProcess
from pydantic import JsonValue

from tests.fakes.handlers import ScriptedHandler
from tests.fakes.hosts import parts

PAGE: Final = (Path(__file__).parents[3] / "docs/operating.md").read_text()


class Ailing(ScriptedHandler):
    """A handler whose health a test sets, and which counts who asks."""

    health = ModelHealth(status=EnumHealth.HEALTHY)
    asked = 0

    async def health_check(self) -> ModelHealth:
        """As set."""
        self.asked += 1
        return self.health


class Silent(ScriptedHandler):
    """A handler whose health check never ends."""

    async def health_check(self) -> ModelHealth:
        """Waits."""
        await asyncio.Event().wait()
        raise AssertionError


async def told(host: BaseRuntimeHostProcess, page: str) -> tuple[int, dict[str, JsonValue]]:
    """What a fresh page of this host says."""
    answer = await health_pages(host, once_a_second(host))[page](Request(page))
    return answer.status, json.loads(answer.body)


@pytest.mark.asyncio
async def test_a_host_is_ready_between_its_start_and_its_stop() -> None:
    host = BaseRuntimeHostProcess(parts([ScriptedHandler()]))
    pages = health_pages(host, once_a_second(host))
    status, body = await told(host, "/health/ready")
    assert (status, body["phase"]) == (503, "starting")
    async with host:
        assert (await pages["/health/ready"](Request("/health/ready"))).status == 200
        await host.close(grace_s=1.0)
        after = await pages["/health/ready"](Request("/health/ready"))
        assert (after.status, json.loads(after.body)["reasons"][0]) == (503, "the host is stopping")
        assert (await pages["/health/live"](Request("/health/live"))).status == 200


@pytest.mark.asyncio
async def test_an_unhealthy_handler_is_a_reason_and_a_degraded_one_a_remark() -> None:
    handler = Ailing(name="shop")
    async with BaseRuntimeHostProcess(parts([handler])) as host:
        handler.health = ModelHealth(status=EnumHealth.UNHEALTHY, message="no answer")
        assert await told(host, "/health/ready") == (
            503,
            {"status": "not ready", "phase": "ready", "reasons": ["shop is unhealthy: no answer"], "remarks": []},
        )
        handler.health = ModelHealth(status=EnumHealth.DEGRADED, message="slow")
        status, body = await told(host, "/health/ready")
        assert (status, body["remarks"]) == (200, ["shop is degraded: slow"])


@pytest.mark.asyncio
async def test_a_handler_that_does_not_answer_is_unhealthy_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("omnibase_infra.host.condition._LOOK_S", 0.01)
    async with BaseRuntimeHostProcess(parts([Silent(name="mute"), ScriptedHandler(name="http")])) as host:
        status, body = await told(host, "/health/handlers")
        assert status == 200
        assert {name: part["status"] for name, part in body.items() if isinstance(part, dict)} == {
            "event_bus": "healthy",
            "mute": "unhealthy",
            "http": "healthy",
        }


@pytest.mark.asyncio
async def test_parts_are_asked_once_a_second_however_many_probe_and_live_asks_none() -> None:
    handler = Ailing()
    async with BaseRuntimeHostProcess(parts([handler])) as host:
        pages = health_pages(host, once_a_second(host))
        await asyncio.gather(*(pages["/health/live"](Request("/health/live")) for _ in range(50)))
        assert handler.asked == 0
        await asyncio.gather(*(pages["/health/ready"](Request("/health/ready")) for _ in range(50)))
        await pages["/health/handlers"](Request("/health/handlers"))
        assert handler.asked == 1


@pytest.mark.asyncio
async def test_a_stalled_host_is_not_live() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler()])._replace(stall_s=0.0)) as host:
        host.watchdog.look(5.0)
        status, body = await told(host, "/health/live")
        assert (status, body["status"]) == (503, "stalled")


@pytest.mark.asyncio
async def test_the_probes_for_kubernetes_ask_for_pages_that_a_host_serves_where_it_serves_them() -> None:
    host = BaseRuntimeHostProcess(parts([ScriptedHandler()]))
    shown = PAGE.partition("# part of a container\n")[2].partition("```")[0]
    asked = [probe["httpGet"] for probe in yaml.safe_load(shown).values()]
    assert len(asked) == 3
    assert {each["path"] for each in asked} <= set(health_pages(host, once_a_second(host)))
    assert {each["port"] for each in asked} == {ModelAdminListener().port}
