"""One request in flight: from its sending to its response."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

from aiokafka import TopicPartition

from tools.bench.kafka import library
from tools.bench.kafka.cluster import Cluster, Names, Record
from tools.bench.kafka.contracts import ONE, contract, orders
from tools.bench.kafka.library import Consumer, Producer, quick_producer
from tools.bench.kafka.programs import Program, onex_host, python
from tools.bench.memory import percentile
from tools.bench.report import Goal, Row, compared
from tools.bench.rounds import Effort, interleaved

_REQUESTS: Final = 600
_WARM: Final = 50
_START_LIMIT_S: Final = 60.0


def latency(effort: Effort, cluster: Cluster) -> list[Row]:
    """Milliseconds through the host, and through a loop that returns the bytes and commits every 200 ms."""
    count = effort.count(_REQUESTS)
    found = interleaved(
        effort, {"host": lambda: _host_times(cluster, count), "loop": lambda: _loop_times(cluster, count)}
    )
    at = {
        percent: {name: [percentile(values, percent) * 1e3 for values in rounds] for name, rounds in found.items()}
        for percent in (50, 99)
    }
    return [
        compared("kafka.p50", "ms", at[50]["host"], at[50]["loop"], Goal(1.5, 1.2, "lower")),
        compared("kafka.p99", "ms", at[99]["host"], at[99]["loop"], Goal(None, None, "lower")),
    ]


def _host_times(cluster: Cluster, count: int) -> list[float]:
    names = cluster.topics(inputs=1, outputs=1)
    with contract(cluster, names, ONE) as path:
        return _times(cluster, names, onex_host(path, "app:OneHost"), count)


def _loop_times(cluster: Cluster, count: int) -> list[float]:
    names = cluster.topics(inputs=1, outputs=1)
    return _times(cluster, names, python("echo", cluster.bootstrap_servers, *names, "keyed", "0.2"), count)


def _times(cluster: Cluster, names: Names, program: Program, count: int) -> list[float]:
    with program:
        return asyncio.run(_asked(cluster, names, count))


async def _asked(cluster: Cluster, names: Names, count: int) -> list[float]:
    """Seconds of each request, after some that only warm up; the first one waits until the program has started."""
    records = list(orders(count + _WARM))
    async with _client(cluster, names) as (producer, consumer):
        async with asyncio.timeout(_START_LIMIT_S):
            await _ask(producer, consumer, names, records[0])
        return [await _ask(producer, consumer, names, record) for record in records[1:]][_WARM - 1 :]


async def _ask(producer: Producer, consumer: Consumer, names: Names, record: Record) -> float:
    key, value = record
    start = perf_counter()
    await producer.send(names.input, value, key=key)
    await consumer.getone()
    return perf_counter() - start


@asynccontextmanager
async def _client(cluster: Cluster, names: Names) -> AsyncIterator[tuple[Producer, Consumer]]:
    producer = quick_producer(cluster.bootstrap_servers)
    consumer = library.consumer(cluster.bootstrap_servers)
    await producer.start()
    try:
        await consumer.start()
        consumer.assign([(partition := TopicPartition(names.output, 0))])
        await consumer.seek_to_beginning(partition)
        yield producer, consumer
    finally:
        await consumer.stop()
        await producer.stop()
