"""Resident memory: of a host with ten nodes that has nothing to do, and over a long backlog."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tools.bench.kafka.cluster import Cluster, Names, Sample
from tools.bench.kafka.contracts import ONE, TEN, contract, orders
from tools.bench.kafka.programs import Program, onex_host, python
from tools.bench.report import Goal, Row, compared
from tools.bench.rounds import Effort, interleaved

_FEW: Final = 100
_BACKLOG: Final = 100_000
_EARLY: Final = 0.2
_IDLE_S: Final = 1.0
_TOLD: Final = Goal(None, None, "lower")


def memory(effort: Effort, cluster: Cluster) -> list[Row]:
    """Megabytes when idle, after a few requests to each node; and over a backlog."""
    found = interleaved(
        effort,
        {
            "host": lambda: _idle_mb(cluster, "host"),
            "loop": lambda: _idle_mb(cluster, "echo", "keyed", "0"),
            "models": lambda: _idle_mb(cluster, "serial"),
        },
    )
    return [
        compared("kafka.rss_models", "MB", found["host"], found["models"], Goal(1.3, 1.15, "lower")),
        compared("kafka.rss_bytes", "MB", found["host"], found["loop"], _TOLD),
        _growth(cluster, effort.backlog or effort.count(_BACKLOG)),
    ]


def _idle_mb(cluster: Cluster, module: str, *more: str) -> float:
    names = cluster.topics()
    slugs = list(TEN) if module == "host" else ["noop"]
    asyncio.run(cluster.fill(names.input, orders(_FEW, slugs)))
    with _running(cluster, names, module, *more) as program:
        return asyncio.run(_idle(cluster, names, program)).rss_bytes / 1e6


async def _idle(cluster: Cluster, names: Names, program: Program) -> Sample:
    samples = await cluster.watch([program], names.output, _FEW)
    await asyncio.sleep(_IDLE_S)
    return samples[-1]._replace(rss_bytes=program.rss_bytes)


@contextmanager
def _running(cluster: Cluster, names: Names, module: str, *more: str) -> Iterator[Program]:
    if module == "host":
        with contract(cluster, names, TEN) as path, onex_host(path, "app:TenHost") as host:
            yield host
    else:
        with python(module, cluster.bootstrap_servers, *names, *more) as program:
            yield program


def _growth(cluster: Cluster, count: int) -> Row:
    """The most that is resident during the rest of a backlog, against the most until a fifth of it is done."""
    names = cluster.topics()
    asyncio.run(cluster.fill(names.input, orders(count)))
    with contract(cluster, names, ONE) as path, onex_host(path, "app:OneHost") as program:
        samples = asyncio.run(cluster.watch([program], names.output, count))
    cluster.remove(*names[1:])
    fifth = next(number for number, sample in enumerate(samples) if sample.answers >= count * _EARLY)
    early, late = (max(sample.rss_bytes for sample in part) for part in (samples[: fifth + 1], samples[fifth:]))
    return compared("kafka.growth", "MB", [late / 1e6], [early / 1e6], Goal(1.05, 1.0, "lower"))
