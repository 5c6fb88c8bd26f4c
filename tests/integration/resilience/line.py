"""A handler behind its guard, on the way through a fault proxy to its real server: what holds for every one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import pytest
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHandlerConfig
from omnibase_core.enums import EnumErrorCode, EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import RuntimeHostError
from omnibase_infra.guard import DEADLINE, Guard
from omnibase_spi.handler import ProtocolHandler

from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.handlers import NOW

TIMEOUT_S: Final = 1.0  # so much that a machine that is busy answers within it
SLACK_S: Final = 1.5  # of the guard, of a rollback that is not answered, and of such a machine
UNREACHABLE, LATE = EnumErrorCode.HANDLER_CONNECTION_ERROR, EnumErrorCode.HANDLER_TIMEOUT
FAULTS = [
    pytest.param(Fault("latency", seconds=30), LATE, id="latency"),
    pytest.param(Fault("freeze"), LATE, id="freeze"),
    pytest.param(Fault("half_open"), LATE, id="half-open"),
    pytest.param(Fault("drip", seconds=0.1), LATE, id="drip"),
    pytest.param(Fault("reset"), UNREACHABLE, id="reset"),
    pytest.param(Fault("cut", size=5), UNREACHABLE, id="cut"),
    pytest.param(None, UNREACHABLE, id="refuse"),
]
ONCE: Final = {"retry_policy": {"max_retries": 0}, "circuit_breaker": {"failure_threshold": 100}}

Connections = Callable[[], Awaitable[int]]
"""How many connections of the handler the server itself has open."""


class Line:
    """asking: an operation and its payload. connections: the server's own count of them."""

    def __init__(
        self, guard: Guard, proxy: FaultProxy, asking: tuple[str, JsonObject], connections: Connections
    ) -> None:
        self.guard = guard
        self.proxy = proxy
        self.connections = connections
        operation, payload = asking
        self.request = ModelOnexEnvelope(
            envelope_id=UUID(int=1),
            correlation_id=UUID(int=1),
            target_node="node",
            handler_type=guard.handler_type,
            operation=operation,
            payload=payload,
            timestamp=NOW,
        )

    async def break_down(self, fault: Fault | None) -> None:
        """The fault begins; None refuses connections."""
        if fault is None:
            await self.proxy.refuse()
        else:
            self.proxy.set(fault)

    async def heal(self) -> None:
        """The fault ends; connections that it did not break stay."""
        self.proxy.set(Fault("pass"))
        await self.proxy.accept()

    async def fail(self) -> tuple[EnumErrorCode, float]:
        """The code that a call fails with, and after how many seconds."""
        started = asyncio.get_running_loop().time()
        with pytest.raises(RuntimeHostError) as failed:
            await self.guard.execute(self.request)
        return failed.value.code, asyncio.get_running_loop().time() - started


@asynccontextmanager
async def opened(handler: ProtocolHandler, config: ModelHandlerConfig) -> AsyncIterator[Guard]:
    """The handler behind its guard, shut down afterwards. Its timeout is `TIMEOUT_S`, and it tries once."""
    kind = handler.handler_type
    fields = {"type": kind, "name": kind.value, "timeout_ms": int(TIMEOUT_S * 1_000), "config": config, **ONCE}
    binding = ModelHandlerBinding.model_validate(fields)
    await handler.initialize(binding)
    try:
        yield Guard(handler, binding)
    finally:
        await handler.shutdown()


async def breaks_and_heals(line: Line, fault: Fault | None, code: EnumErrorCode) -> None:
    """In time and with the right code while it lasts, well after it, and nothing stays behind."""
    before = asyncio.all_tasks()
    assert (await line.guard.execute(line.request)).success
    usual = await line.connections()
    assert usual > 0
    await line.break_down(fault)
    found, seconds = await line.fail()
    assert found is code
    assert (TIMEOUT_S if code is LATE else 0) <= seconds < TIMEOUT_S + SLACK_S
    found, seconds = await line.fail()  # on a new connection, which PostgreSQL has to answer before it is one
    assert found is (UNREACHABLE if line.guard.handler_type is EnumHandlerType.DB else code)
    assert seconds < TIMEOUT_S + SLACK_S
    await line.heal()
    assert (await line.guard.execute(line.request)).success
    await settles_at(line.connections, usual)
    ours = {
        task for task in asyncio.all_tasks() - before if "_pump" not in repr(task) and "_serve" not in repr(task)
    }
    assert ours == set()


async def holds_the_deadline(line: Line, fault: Fault) -> None:
    """The envelope's own, which is sooner than the handler's timeout."""
    await line.guard.execute(line.request)
    await line.break_down(fault)
    token = DEADLINE.set(asyncio.get_running_loop().time() + 0.1)
    code, seconds = await line.fail()
    DEADLINE.reset(token)
    assert code is LATE
    assert 0.1 <= seconds < 0.1 + SLACK_S
    await line.heal()
    assert (await line.guard.execute(line.request)).success


async def settles_at(connections: Connections, count: int, within_s: float = 10.0) -> None:
    """Returns when the server has so many connections open."""
    deadline = asyncio.get_running_loop().time() + within_s
    while (found := await connections()) != count:
        assert asyncio.get_running_loop().time() < deadline, f"{found} connections are open, and not {count}"
        await asyncio.sleep(0.01)
