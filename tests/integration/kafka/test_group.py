"""Membership on a real broker: rebalances, static members, a strict start, a topic that is written again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from omnibase_core.enums import EnumHealth
from omnibase_core.errors import EventBusError

from tests.fakes.runtimes import ImmediateRuntime, StepwiseRuntime
from tests.fakes.waiting import until
from tests.integration.kafka.ground import Running, committed, fresh_binding, produce, requests, running
from tools.services.kafka import Kafka

QUICK: dict[str, Any] = {"session_timeout_ms": 2_000, "heartbeat_interval_ms": 200, "rebalance_timeout_ms": 4_000}


@asynccontextmanager
async def finishing(*runtimes: StepwiseRuntime) -> AsyncIterator[None]:
    """Whatever runs is finished from now on."""

    async def finish() -> None:
        while True:
            for runtime in runtimes:
                for number in list(runtime.running):
                    runtime.finish(number)
            await asyncio.sleep(0.005)

    work = asyncio.ensure_future(finish())
    try:
        yield
    finally:
        work.cancel()


@pytest.mark.asyncio
async def test_what_is_in_flight_at_a_rebalance_is_finished_committed_and_not_done_again(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers, partitions=2, **QUICK)
    for partition in (0, 1):
        await produce(binding, requests(3, start=partition * 3), keys=[b"%d" % partition], partition=partition)
    first, second = StepwiseRuntime(), StepwiseRuntime()
    async with running(binding, first) as one:
        await until(lambda: first.started == [0, 3] or first.started == [3, 0], 30)
        async with running(binding, second) as other:
            await until(lambda: one.engine.progress.in_flight == 2, 30)  # the others are released: it is revoked
            async with finishing(first, second):
                await asyncio.gather(one.owns(1), other.owns(1))
                await until(lambda: one.settled + other.settled == 6, 30)
        assert sorted(first.started + second.started) == [0, 1, 2, 3, 4, 5]
    assert [await committed(binding, partition) for partition in (0, 1)] == [3, 3]


@pytest.mark.asyncio
async def test_the_window_is_right_again_after_a_rebalance(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers, window=4, **QUICK)
    await produce(binding, requests(40), keys=[str(number).encode() for number in range(40)])
    first, second = StepwiseRuntime(), StepwiseRuntime()
    async with running(binding, first) as one:
        await until(lambda: len(first.running) == 4, 30)
        (frontier,) = one.bus.frontier()
        assert (frontier.outstanding, frontier.paused_because) == (4, "its window of records in flight is full")
        async with running(binding, second) as other, finishing(first, second):
            await until(lambda: {0, 1, 2, 3} < {*first.started, *second.started}, 30)
            await until(lambda: len({*first.started, *second.started}) == 40, 30)
            await until(lambda: one.engine.progress.in_flight + other.engine.progress.in_flight == 0, 30)
    assert await committed(binding) == 40


@pytest.mark.asyncio
async def test_a_static_member_comes_back_to_its_partitions(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers, group_instance_id="pod-0", **QUICK)
    runtime = ImmediateRuntime(lambda _: {"a": 1})
    for start in (0, 5):
        await produce(binding, requests(5, start=start))
        async with running(binding, runtime) as host:
            await host.has_settled(5)
    assert runtime.started == list(range(10))


@pytest.mark.asyncio
async def test_a_strict_group_without_an_offset_refuses_to_begin(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers, offset_reset="none")
    await produce(binding, requests(1))
    host = Running(binding, ImmediateRuntime(lambda _: {"a": 1}))
    try:
        await host.open()
        assert host.consuming is not None
        with pytest.raises(EventBusError, match="has no committed offset, and offset_reset is none"):
            await asyncio.wait_for(asyncio.shield(host.consuming), 30)
    finally:
        await host.close()


@pytest.mark.asyncio
async def test_health_has_figures(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers)
    await produce(binding, requests(3))
    async with running(binding, ImmediateRuntime(lambda _: {"a": 1})) as host:
        await host.has_settled(3)
        health = await host.bus.health_check()
    assert health.status is EnumHealth.HEALTHY
    assert health.details == {
        "partitions": 1,
        "outstanding": 0,
        "waiting_to_publish": 0,
        "failures_in_a_row": 0,
        "consumer_restarts": 0,
        "silence_s": 0.0,
    } | {"silence_s": health.details["silence_s"]}
