"""The http and db handlers against the libraries that they stand on: one request at a time, and many at once."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from time import perf_counter
from uuid import UUID

import asyncpg
import httpx
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHandlerConfig, ModelHttpConfig
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.secret import Secret
from omnibase_infra.embedded import EmbeddedPostgres
from omnibase_infra.host.clock import Clock
from omnibase_infra.wiring import HANDLERS as FACTORIES

from tools.bench.contracts import DB, HANDLERS, HTTP, contract, environment, host_of
from tools.bench.memory import percentile
from tools.bench.report import Goal, Row, compared, floor
from tools.bench.rounds import Effort, interleaved

_SQL = "SELECT id, customer, amount, created, paid FROM orders WHERE id = $1"
_TABLE = """
CREATE TABLE orders (id int PRIMARY KEY, customer text, amount numeric, created timestamptz, paid boolean);
INSERT INTO orders SELECT n, 'customer ' || n, n * 1.25, '2026-01-02T03:04:05Z', n % 2 = 0
FROM generate_series(1, 100) n
"""
_NODE = "asked"
_AT_ONCE = 100

Once = Callable[[], Awaitable[object]]


@contextmanager
def loopback() -> Iterator[str]:
    """The base URL of an HTTP server in a process of its own."""
    command = [sys.executable, "-m", "tools.bench.loopback"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.stdin.close()


def http(effort: Effort) -> list[Row]:
    """A small GET."""
    payload: JsonObject = {"url": "/users/u-123"}
    with loopback() as url, contract({_NODE: HTTP}, environment(url, ""), HANDLERS[:1]) as loaded:
        config = ModelHttpConfig(base_url=url, allow_private=("127.0.0.1/32",))

        async def raw(count: int) -> list[float]:
            async with httpx.AsyncClient(trust_env=False) as client:
                return await _timed(count, lambda: client.get(f"{url}/users/u-123"))

        rows = _rows(
            effort,
            "http",
            {"raw": raw},
            lambda count: _handler(count, EnumHandlerType.HTTP, config, "http.get", payload),
            lambda count: _host(count, loaded, environment(url, ""), payload),
            Goal(1.25, 1.10, "lower"),
            100.0,
        )
        return [*rows, _busy(effort, url, config, payload)]


def _busy(effort: Effort, url: str, config: ModelHttpConfig, payload: JsonObject) -> Row:
    """The same GET, as many at once as there may be connections."""
    count = effort.count(2_000)
    limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)

    async def raw() -> float:
        async with httpx.AsyncClient(trust_env=False, limits=limits) as client:
            return await _rate(count, lambda: client.get(f"{url}/users/u-123"))

    async def ours() -> float:
        async with _handling(EnumHandlerType.HTTP, config, "http.get", payload) as once:
            return await _rate(count, once)

    found = interleaved(effort, {"raw": lambda: asyncio.run(raw()), "handler": lambda: asyncio.run(ours())})
    return compared("http.busy", "/s", found["handler"], found["raw"], Goal(1.0, None, "higher"))


def db(effort: Effort) -> list[Row]:
    """A typed select of one row by its key."""
    payload: JsonObject = {"sql": _SQL, "parameters": [7]}
    with EmbeddedPostgres() as server:
        dsn = server.dsn
        asyncio.run(_create_table(dsn))
        with contract({_NODE: DB}, environment("", dsn), HANDLERS[1:]) as loaded:

            async def raw(count: int) -> list[float]:
                connection = await asyncpg.connect(dsn)
                try:
                    return await _timed(count, lambda: connection.fetch(_SQL, 7))
                finally:
                    await connection.close()

            async def pooled(count: int) -> list[float]:
                async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
                    return await _timed(count, lambda: pool.fetch(_SQL, 7))

            return _rows(
                effort,
                "db",
                {"raw": raw, "pool": pooled},
                lambda count: _handler(
                    count, EnumHandlerType.DB, ModelDbConfig(dsn=Secret(dsn)), "db.query", payload
                ),
                lambda count: _host(count, loaded, environment("", dsn), payload),
                Goal(1.4, 1.15, "lower"),
                50.0,
            )


Side = Callable[[int], Awaitable[list[float]]]


def _rows(
    effort: Effort, name: str, theirs: Mapping[str, Side], ours: Side, host: Side, goal: Goal, floor_ms: float
) -> list[Row]:
    count = effort.count(1_500)
    sides: Mapping[str, Side] = {**theirs, "handler": ours, "host": host}

    def measured(side: Side) -> Callable[[], list[float]]:
        async def run() -> list[float]:
            return await side(count)

        return lambda: asyncio.run(run())

    found = interleaved(effort, {label: measured(side) for label, side in sides.items()})
    p50 = {label: [percentile(values, 50) * 1e6 for values in rounds] for label, rounds in found.items()}
    slowest = [percentile(values, 99) * 1e3 for values in found["host"]]
    told = Goal(None, None, "lower")
    return [
        compared(f"{name}.p50", "us", p50["handler"], p50["raw"], goal),
        *(
            compared(f"{name}.{other}_p50", "us", p50["handler"], p50[other], told)
            for other in theirs
            if other != "raw"
        ),
        compared(f"{name}.host_p50", "us", p50["host"], p50["raw"], told),
        floor(f"floor.{name}_p99", "ms", slowest, floor_ms, "lower"),
    ]


async def _timed(count: int, once: Once) -> list[float]:
    seconds = []
    for _ in range(10):
        await once()
    for _ in range(count):
        start = perf_counter()
        await once()
        seconds.append(perf_counter() - start)
    return seconds


async def _rate(count: int, once: Once) -> float:
    """How many come back in a second while so many are under way."""

    async def some(share: int) -> None:
        for _ in range(share):
            await once()

    await asyncio.gather(*(some(1) for _ in range(_AT_ONCE)))
    share = max(1, count // _AT_ONCE)
    start = perf_counter()
    await asyncio.gather(*(some(share) for _ in range(_AT_ONCE)))
    return share * _AT_ONCE / (perf_counter() - start)


async def _handler(
    count: int, kind: EnumHandlerType, config: ModelHandlerConfig, operation: str, payload: JsonObject
) -> list[float]:
    async with _handling(kind, config, operation, payload) as once:
        return await _timed(count, once)


@asynccontextmanager
async def _handling(
    kind: EnumHandlerType, config: ModelHandlerConfig, operation: str, payload: JsonObject
) -> AsyncIterator[Once]:
    handler = FACTORIES[kind](Clock())
    await handler.initialize(ModelHandlerBinding(type=kind, name=kind.value, config=config))
    envelope = _request(operation, payload)
    try:
        yield lambda: handler.execute(envelope)
    finally:
        await handler.shutdown()


async def _host(
    count: int, loaded: LoadedContract, variables: Mapping[str, str], payload: JsonObject
) -> list[float]:
    async with host_of(loaded, variables) as host:
        envelope = _request(None, payload)
        if not (await host.client.request(envelope)).success:
            raise RuntimeError("the host answered with a failure")
        return await _timed(count, lambda: host.client.request(envelope))


def _request(operation: str | None, payload: JsonObject) -> ModelOnexEnvelope:
    return ModelOnexEnvelope(
        envelope_id=UUID(int=1),
        correlation_id=UUID(int=2),
        target_node=_NODE,
        operation=operation,
        payload=payload,
        timestamp=datetime.now(UTC),
    )


async def _create_table(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_TABLE)
    finally:
        await connection.close()
