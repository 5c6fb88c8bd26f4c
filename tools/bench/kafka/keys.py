"""What order by key costs: waits of many keys side by side, against one request after the other."""

import asyncio
from collections.abc import Mapping
from typing import Final

from tools.bench.kafka.cluster import Cluster
from tools.bench.kafka.contracts import SLOW, contract, waits
from tools.bench.kafka.pipeline import Backlog, pace, program_pace
from tools.bench.kafka.programs import onex_host
from tools.bench.report import Goal, Row, compared
from tools.bench.rounds import Effort, interleaved

_EACH_KEY: Final = 300
_SERIALLY: Final = 600
_GOALS: Final[Mapping[int, Goal]] = {10: Goal(8.0, 9.5, "higher"), 50: Goal(20.0, 30.0, "higher")}


def keys(effort: Effort, cluster: Cluster) -> list[Row]:
    """One partition, a handler that waits 0 to 5 ms."""
    serially = _backlog(cluster, effort.count(_SERIALLY), 50)
    many = {number: _backlog(cluster, effort.count(_EACH_KEY * number), number) for number in _GOALS}
    found = interleaved(
        effort,
        {
            "10": lambda: _host_pace(cluster, many[10]),
            "50": lambda: _host_pace(cluster, many[50]),
            "serially": lambda: program_pace(cluster, serially, "serial").wall,
        },
    )
    cluster.remove(*(topic for work in (serially, *many.values()) for topic in work.names[1:]))
    return [
        compared(f"kafka.keys_{number}", "/s", found[str(number)], found["serially"], goal)
        for number, goal in _GOALS.items()
    ]


def _backlog(cluster: Cluster, count: int, number: int) -> Backlog:
    names = cluster.topics(inputs=1, outputs=1)
    asyncio.run(cluster.fill(names.input, waits(count, number)))
    return Backlog(names, count)


def _host_pace(cluster: Cluster, work: Backlog) -> float:
    names = cluster.again(work.names)
    with contract(cluster, names, SLOW) as path, onex_host(path, "slow:SlowHost") as program:
        return pace(asyncio.run(cluster.watch([program], names.output, work.size))).wall
