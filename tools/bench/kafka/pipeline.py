"""Consume, process, produce, commit: what a core does in a second, against loops by hand and FastStream."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Final, NamedTuple

from tools.bench.kafka.cluster import Cluster, Names, Sample
from tools.bench.kafka.contracts import ONE, contract, orders
from tools.bench.kafka.programs import Program, onex_host, python
from tools.bench.report import Goal, Row, compared
from tools.bench.rounds import Effort, interleaved

_ENVELOPES: Final = 40_000
_FEW: Final = 2_000
_WARM: Final = 0.1
_LOOK_EVERY_S: Final = 0.05
_TICK_S: Final = 0.01
_TOLD: Final = Goal(None, None, "higher")
_COMMIT_LIMIT_S: Final = 10.0

NEEDS_FASTSTREAM: Final = "FastStream is not installed: its rows are left out; get it with: uv sync --group bench"


class Backlog(NamedTuple):
    """Topics, and how many requests wait in the input topic."""

    names: Names
    size: int


class Pace(NamedTuple):
    """Answers a second, and answers for each second that the program computed."""

    wall: float
    cpu: float


def pipeline(effort: Effort, cluster: Cluster) -> list[Row]:
    """The whole host, at least once, against what does the same with less."""
    many = backlog(cluster, effort.count(_ENVELOPES))
    few = backlog(cluster, effort.count(_FEW))
    sides: dict[str, Callable[[], Pace]] = {
        "host": lambda: _host_pace(cluster, many),
        "keyed": lambda: program_pace(cluster, many, "echo", "keyed", "0"),
        "values": lambda: program_pace(cluster, many, "echo", "values", "0"),
    }
    if find_spec("faststream") is not None:
        sides["batch"] = lambda: program_pace(cluster, many, "stream", "batch")
        sides["each"] = lambda: program_pace(cluster, few, "stream", "each")
    else:
        print(NEEDS_FASTSTREAM, file=sys.stderr)
    found = interleaved(effort, sides)
    cluster.remove(*many.names[1:], *few.names[1:])
    wall = {side: [pace.wall for pace in paces] for side, paces in found.items()}
    cpu = {side: [pace.cpu for pace in paces] for side, paces in found.items()}
    return [
        *_rows("kafka.wall", "/s", wall, {"values": Goal(0.80, 1.0, "higher"), "keyed": _TOLD}),
        *_rows("kafka.cpu", "/CPU s", cpu, {"values": Goal(0.60, 0.80, "higher"), "keyed": _TOLD}),
        *_rows(
            "kafka.stream", "/s", wall, {"batch": Goal(1.3, 1.6, "higher"), "each": Goal(20.0, 35.0, "higher")}
        ),
        *_rows("kafka.stream_cpu", "/CPU s", cpu, {"batch": _TOLD, "each": _TOLD}),
    ]


def backlog(cluster: Cluster, count: int) -> Backlog:
    """Orders in a topic of their own."""
    names = cluster.topics()
    asyncio.run(cluster.fill(names.input, orders(count)))
    return Backlog(names, count)


def pace(samples: Sequence[Sample]) -> Pace:
    """From the first tenth to the end: a start has no part in it."""
    last = samples[-1]
    first = next(sample for sample in reversed(samples) if sample.answers < last.answers * _WARM)
    count = last.answers - first.answers
    return Pace(count / (last.at - first.at), count / max(last.cpu_s - first.cpu_s, _TICK_S))


def _host_pace(cluster: Cluster, work: Backlog) -> Pace:
    names = cluster.again(work.names)
    with contract(cluster, names, ONE) as path:
        return _paced(cluster, Backlog(names, work.size), onex_host(path, "app:OneHost"))


def program_pace(cluster: Cluster, work: Backlog, module: str, *more: str) -> Pace:
    """How fast a module of this package works the backlog off."""
    names = cluster.again(work.names)
    return _paced(cluster, Backlog(names, work.size), python(module, cluster.bootstrap_servers, *names, *more))


def _paced(cluster: Cluster, work: Backlog, program: Program) -> Pace:
    with program:
        samples = asyncio.run(cluster.watch([program], work.names.output, work.size))
        _await_commit(cluster, work)
    return pace(samples)


def _await_commit(cluster: Cluster, work: Backlog) -> None:
    """Whoever did not commit what it answered did less than the others."""
    deadline = time.monotonic() + _COMMIT_LIMIT_S
    while (committed := cluster.committed(work.names)) != work.size:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{committed} of {work.size} requests are committed, though all are answered")
        time.sleep(_LOOK_EVERY_S)


def _rows(name: str, unit: str, found: Mapping[str, Sequence[float]], goals: Mapping[str, Goal]) -> Iterator[Row]:
    for side, goal in goals.items():
        if side in found:
            yield compared(f"{name}_{side}", unit, found["host"], found[side], goal)
