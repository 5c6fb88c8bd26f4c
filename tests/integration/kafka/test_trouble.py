"""A broker that does not answer: what is bounded, what is kept, and what a bus that fails still promises."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from omnibase_infra.event_bus.kafka.bus import KafkaEventBus
from omnibase_spi.conformance import FAILURE_CHECKS, PATIENCE_S, FailureCheck

from tests.fakes.runtimes import ImmediateRuntime
from tests.fakes.waiting import until
from tests.integration.kafka.ground import committed, fresh_binding, produce, records_of, requests, running
from tests.services import require
from tools.services.kafka import Kafka

QUICK: dict[str, Any] = {"session_timeout_ms": 3_000, "heartbeat_interval_ms": 300, "rebalance_timeout_ms": 6_000}


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker of this module's own, which may be frozen."""
    service = Kafka(tmp_path_factory.mktemp("kafka"))
    require(service)
    service.start(leashed=True)
    try:
        yield service
    finally:
        service.stop()


Freeze = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def frozen(own_kafka: Kafka) -> Freeze:
    """What makes the broker stand still for a while; its process is looked up before a loop runs."""
    pid = own_kafka.brokers[0].pid

    @asynccontextmanager
    async def standing_still() -> AsyncIterator[None]:
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    return standing_still


@pytest.mark.asyncio
@pytest.mark.parametrize("check", FAILURE_CHECKS, ids=lambda check: check.__name__)
async def test_the_kafka_bus_conforms_when_it_fails(check: FailureCheck, own_kafka: Kafka, frozen: Freeze) -> None:
    PATIENCE_S.set(40.0)
    binding = await fresh_binding(own_kafka.bootstrap_servers, size=8_192, publish_timeout_ms=500, **QUICK)
    await check(KafkaEventBus, binding, frozen)


@pytest.mark.asyncio
async def test_what_is_not_acknowledged_is_published_again_alone(own_kafka: Kafka, frozen: Freeze) -> None:
    binding = await fresh_binding(own_kafka.bootstrap_servers, publish_timeout_ms=500, **QUICK)
    runtime = ImmediateRuntime(lambda envelope: {"number": envelope.envelope_id.int - 1})
    async with running(binding, runtime) as host:
        await host.owns(1)
        await produce(binding, requests(20))
        await until(lambda: len(runtime.started) > 0, 30)
        async with frozen():
            await until(lambda: host.engine.progress.republished > 0 or host.settled == 20, 30)
        await host.has_settled(20)
        assert sorted(runtime.started) == list(range(20))
    found = {record.value for record in await records_of(binding, binding.topics.output, 20)}
    assert len(found) == 20
    assert await committed(binding) == 20


@pytest.mark.asyncio
async def test_a_shutdown_with_a_frozen_broker_is_within_the_hosts_bound(own_kafka: Kafka, frozen: Freeze) -> None:
    binding = await fresh_binding(own_kafka.bootstrap_servers, **QUICK)
    await produce(binding, requests(5))
    async with running(binding, ImmediateRuntime(lambda _: {"a": 1})) as host:
        await host.has_settled(5)
        async with frozen():
            begun = monotonic()
            await host.bus.shutdown()
            took = monotonic() - begun
    assert took < 6.0
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not [task for task in left if "aiokafka" in repr(task)]


@pytest.mark.asyncio
async def test_a_broker_that_is_killed_and_restarted_needs_no_restart_of_the_host(own_kafka: Kafka) -> None:
    binding = await fresh_binding(own_kafka.bootstrap_servers, publish_timeout_ms=2_000, **QUICK)
    runtime = ImmediateRuntime(lambda _: {"a": 1})
    async with running(binding, runtime) as host:
        await host.owns(1)
        (broker,) = own_kafka.brokers
        broker.kill()
        broker.restart()
        await produce(binding, requests(5))
        await host.has_settled(5)
        await until(lambda: [one.committed_position for one in host.bus.frontier()] == [5], 30)
