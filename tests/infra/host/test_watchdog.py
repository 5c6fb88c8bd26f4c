"""The watchdog: work that gets no outcome and waits for nothing known is a stall, and is explained."""

import asyncio
import logging

import pytest
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.host.watchdog import Watchdog

from tests.fakes.handlers import Gate, ScriptedHandler
from tests.fakes.hosts import asking, parts
from tests.fakes.runtimes import settled_loop


def stalled_s(dog: Watchdog) -> float | None:
    """As it says now."""
    return dog.stalled_s


@pytest.mark.asyncio
async def test_a_host_without_work_is_never_stalled() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler()])) as host:
        dog = Watchdog(host.engine, 10.0)
        for now in range(0, 1000, 10):
            dog.look(float(now))
            assert stalled_s(dog) is None


@pytest.mark.asyncio
async def test_work_without_an_outcome_is_a_stall_whose_log_line_says_where_it_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate()
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(perform=gate.perform, name="http")])) as host:
        dog = Watchdog(host.engine, 10.0)
        request = asyncio.create_task(host.client.request(asking(1)))
        await settled_loop(20)
        dog.look(0.0)
        dog.look(9.9)
        assert stalled_s(dog) is None
        with caplog.at_level(logging.INFO):
            dog.look(10.5)
            dog.look(11.0)
            assert stalled_s(dog) == 11.0
            [line] = [vars(record) for record in caplog.records if vars(record).get("event") == "host.stalled"]
            assert any("perform" in place for lane in line["lanes"] for place in lane)
            gate.opened.set()
            await asyncio.wait_for(request, 5)
            dog.look(12.0)
            assert stalled_s(dog) is None
        assert "host.stall_over" in {vars(record).get("event") for record in caplog.records}


@pytest.mark.asyncio
async def test_an_outcome_now_and_then_is_no_stall() -> None:
    gate = Gate()
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(perform=gate.perform, name="http")])) as host:
        dog = Watchdog(host.engine, 10.0)
        waiting = asyncio.create_task(host.client.request(asking(1)))
        await settled_loop(20)
        dog.look(0.0)
        await host.client.request(asking(2, "nobody"))
        dog.look(9.0)
        dog.look(15.0)
        assert stalled_s(dog) is None
        gate.opened.set()
        await waiting


@pytest.mark.asyncio
async def test_a_wait_that_is_known_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(perform=gate.perform, name="http")])) as host:
        dog = Watchdog(host.engine, 10.0)
        waiting = asyncio.create_task(host.client.request(asking(1)))
        await settled_loop(20)
        monkeypatch.setattr(type(host.engine), "waits_for", lambda _: "1 wait for a server that is out of order")
        dog.look(0.0)
        dog.look(100.0)
        assert stalled_s(dog) is None
        gate.opened.set()
        await waiting
