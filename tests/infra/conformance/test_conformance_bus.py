"""The buses of this repository keep what the protocol promises."""

import pytest
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_spi.conformance import BUS_CHECKS, BusCheck, check_bus

from tests.fakes.runtimes import bus_binding


@pytest.mark.asyncio
@pytest.mark.parametrize("capacity", [1, 8, 1_000])
@pytest.mark.parametrize("check", BUS_CHECKS, ids=lambda check: check.__name__)
async def test_the_in_memory_bus_conforms(check: BusCheck, capacity: int) -> None:
    await check(lambda: InMemoryEventBus(capacity), bus_binding(max_envelope_bytes=8_192))


@pytest.mark.asyncio
async def test_all_checks_run_one_after_the_other() -> None:
    await check_bus(InMemoryEventBus, bus_binding(max_envelope_bytes=8_192))
