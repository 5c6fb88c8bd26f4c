"""Two hosts in one group, against one, where an envelope costs 5 ms of computing."""

import asyncio
from contextlib import ExitStack
from functools import partial
from typing import Final

from tools.bench.kafka.cluster import Cluster
from tools.bench.kafka.contracts import ONE, contract, orders
from tools.bench.kafka.pipeline import pace
from tools.bench.kafka.programs import Program, host_cores, onex_host
from tools.bench.report import Goal, Row, compared
from tools.bench.rounds import Effort, interleaved

_ENVELOPES: Final = 800
_LOOK_EVERY_S: Final = 0.1
_JOIN_LIMIT_S: Final = 60.0


def group(effort: Effort, cluster: Cluster) -> list[Row]:
    """Envelopes a second; the second host is on another core, on two cores the broker's."""
    count = effort.count(_ENVELOPES)
    found = interleaved(effort, {"two": lambda: _rate(cluster, 2, count), "one": lambda: _rate(cluster, 1, count)})
    return [compared("kafka.two_hosts", "/s", found["two"], found["one"], Goal(1.6, 1.9, "higher"))]


def _rate(cluster: Cluster, hosts: int, count: int) -> float:
    names = cluster.topics()
    with contract(cluster, names, ONE) as path, ExitStack() as stack:
        programs = [
            stack.enter_context(onex_host(path, "app:BusyHost", cores=cores)) for cores in host_cores(hosts)
        ]

        asyncio.run(_joined(cluster, names.group, programs))
        filling = partial(cluster.fill, names.input, orders(count))
        return pace(asyncio.run(cluster.watch(programs, names.output, count, filling))).wall


async def _joined(cluster: Cluster, name: str, programs: list[Program]) -> None:
    """Returns when each program has its share of the partitions."""
    async with asyncio.timeout(_JOIN_LIMIT_S):
        while await cluster.members(name) < len(programs):
            for program in programs:
                program.require()
            await asyncio.sleep(_LOOK_EVERY_S)
