"""Guard, handler, a real server and a fault between them: in time, with the right code, and well after it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

import pytest
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHttpConfig
from omnibase_core.enums import EnumErrorCode, EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import RuntimeHostError
from omnibase_core.secret import Secret
from omnibase_infra.guard import DEADLINE, Guard
from omnibase_infra.handlers.db_handler import DbHandler
from omnibase_infra.handlers.http_handler import HttpHandler
from omnibase_infra.host.clock import utc_now
from omnibase_infra.transports.http import HttpTransport
from omnibase_infra.transports.postgres.address import read_dsn

from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.handlers import NOW
from tests.fakes.http_server import HttpServer, replying

TIMEOUT_S = 0.6
SLACK_S = 1.5  # of the guard, of a rollback that is not answered, and of a machine that is busy
UNREACHABLE, LATE = EnumErrorCode.HANDLER_CONNECTION_ERROR, EnumErrorCode.HANDLER_TIMEOUT
FAULTS = [
    pytest.param(Fault("latency", seconds=30), LATE, id="latency"),
    pytest.param(Fault("freeze"), LATE, id="freeze"),
    pytest.param(Fault("reset"), UNREACHABLE, id="reset"),
    pytest.param(Fault("cut", size=5), UNREACHABLE, id="cut"),
    pytest.param(None, UNREACHABLE, id="refuse"),
]
ONCE = {"retry_policy": {"max_retries": 0}, "circuit_breaker": {"failure_threshold": 100}}

Call = Callable[[], Awaitable[ModelOnexEnvelope]]


class Line:
    """A handler behind its guard, on the way through a proxy to its server."""

    def __init__(self, guard: Guard, proxy: FaultProxy, operation: str, payload: JsonObject) -> None:
        self.guard = guard
        self.proxy = proxy
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
        """The fault ends."""
        await self.proxy.refuse()
        self.proxy.set(Fault("pass"))
        await self.proxy.accept()

    async def fail(self) -> tuple[EnumErrorCode, float]:
        """The code that a call fails with, and after how many seconds."""
        started = asyncio.get_running_loop().time()
        with pytest.raises(RuntimeHostError) as failed:
            await self.guard.execute(self.request)
        return failed.value.code, asyncio.get_running_loop().time() - started


@asynccontextmanager
async def opened(binding: ModelHandlerBinding) -> AsyncIterator[Guard]:
    """The handler of this binding behind its guard, shut down afterwards."""
    kind = binding.type
    handler = HttpHandler(HttpTransport, utc_now) if kind is EnumHandlerType.HTTP else DbHandler(clock=utc_now)
    await handler.initialize(binding)
    try:
        yield Guard(handler, binding)
    finally:
        await handler.shutdown()


def binding_of(kind: EnumHandlerType, config: ModelHttpConfig | ModelDbConfig) -> ModelHandlerBinding:
    """Its timeout is `TIMEOUT_S`, and it tries once."""
    fields = {"type": kind, "name": kind.value, "timeout_ms": int(TIMEOUT_S * 1_000), "config": config, **ONCE}
    return ModelHandlerBinding.model_validate(fields)


@asynccontextmanager
async def http_line() -> AsyncIterator[Line]:
    """To a server of our own."""
    async with (
        HttpServer(replying(200, {"id": 7})) as server,
        FaultProxy(partial(asyncio.open_connection, "127.0.0.1", server.port)) as proxy,
    ):
        config = ModelHttpConfig(base_url=f"http://127.0.0.1:{proxy.port}", allow_private=("127.0.0.0/8",))
        async with opened(binding_of(EnumHandlerType.HTTP, config)) as guard:
            yield Line(guard, proxy, "http.get", {"url": "/users/7"})
        await server.wait_for(lambda: server.open_connections == 0)


@asynccontextmanager
async def db_line(dsn: str, operation: str) -> AsyncIterator[Line]:
    """To the shared PostgreSQL, whose socket of the file system the proxy connects to."""
    address = read_dsn(Secret(dsn))
    path = f"{address.hosts[0]}/.s.PGSQL.{address.ports[0]}"
    async with FaultProxy(partial(asyncio.open_unix_connection, path)) as proxy:
        password = address.password.reveal()
        through = f"postgresql://{address.user}:{password}@127.0.0.1:{proxy.port}/{address.database}"
        config = ModelDbConfig(dsn=Secret(through), pool_size=2)
        async with opened(binding_of(EnumHandlerType.DB, config)) as guard:
            yield Line(guard, proxy, operation, {"sql": "SELECT 1 AS one"})
        await proxy.emptied()


async def breaks_and_heals(line: Line, fault: Fault | None, code: EnumErrorCode) -> None:
    """What holds for every handler and every fault."""
    before = asyncio.all_tasks()
    assert (await line.guard.execute(line.request)).success
    await line.break_down(fault)
    found, seconds = await line.fail()
    assert found is code
    assert (TIMEOUT_S if code is LATE else 0) <= seconds < TIMEOUT_S + SLACK_S
    found, seconds = await line.fail()  # on a new connection, which PostgreSQL has to answer before it is one
    assert found is (UNREACHABLE if line.guard.handler_type is EnumHandlerType.DB else code)
    assert seconds < TIMEOUT_S + SLACK_S
    await line.heal()
    assert (await line.guard.execute(line.request)).success
    ours = {
        task for task in asyncio.all_tasks() - before if "_pump" not in repr(task) and "_serve" not in repr(task)
    }
    assert ours == set()


@pytest.mark.asyncio
@pytest.mark.parametrize(("fault", "code"), FAULTS)
async def test_http_fails_in_time_with_the_right_code_and_heals(fault: Fault | None, code: EnumErrorCode) -> None:
    async with http_line() as line:
        await breaks_and_heals(line, fault, code)


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", ["db.query", "db.execute"])
@pytest.mark.parametrize(("fault", "code"), FAULTS)
async def test_db_fails_in_time_with_the_right_code_and_heals(
    postgres_dsn: str, fault: Fault | None, code: EnumErrorCode, operation: str
) -> None:
    async with db_line(postgres_dsn, operation) as line:
        await breaks_and_heals(line, fault, code)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["http", "db"])
async def test_the_deadline_of_the_envelope_is_held_when_nothing_comes(kind: str, postgres_dsn: str) -> None:
    async with http_line() if kind == "http" else db_line(postgres_dsn, "db.query") as line:
        await line.guard.execute(line.request)
        await line.break_down(Fault("freeze"))
        token = DEADLINE.set(asyncio.get_running_loop().time() + 0.1)
        code, seconds = await line.fail()
        DEADLINE.reset(token)
        assert code is LATE
        assert 0.1 <= seconds < 0.1 + SLACK_S
        await line.heal()
        assert (await line.guard.execute(line.request)).success
