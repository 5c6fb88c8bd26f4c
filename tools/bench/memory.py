"""The host on the in-memory bus: throughput, latency, many nodes, large payloads."""

import asyncio
import statistics
from collections.abc import Sequence
from time import perf_counter

from omnibase_core.codec import decode, encode
from omnibase_core.contracts.load import LoadedContract
from omnibase_infra.host.client import Reply
from omnibase_infra.host.process import BaseRuntimeHostProcess

from tools.bench.contracts import NOOP, contract, envelope, host_of, order
from tools.bench.loops import answer_plainly, answer_with_codec, answer_with_reply, loop_latencies, loop_seconds
from tools.bench.report import Goal, Row, compared, floor
from tools.bench.rounds import Effort, interleaved

_NODE = "noop"
_ENVELOPES = 20_000
_LARGE_LINES = 3_150


def throughput(effort: Effort) -> list[Row]:
    """Envelopes a second through the host, and through the loops written by hand."""
    records = _requests(effort.count(_ENVELOPES), [_NODE])
    with contract({_NODE: NOOP}) as loaded:
        found = interleaved(
            effort,
            {
                "host": lambda: asyncio.run(host_seconds(loaded, records)),
                "loop": lambda: asyncio.run(loop_seconds(records, answer_plainly)),
                "codec": lambda: asyncio.run(loop_seconds(records, answer_with_codec)),
                "reply": lambda: asyncio.run(loop_seconds(records, answer_with_reply)),
            },
        )
    rates = {name: [len(records) / seconds for seconds in values] for name, values in found.items()}
    goals = {
        "loop": Goal(0.40, 0.60, "higher"),
        "codec": Goal(0.60, 0.75, "higher"),
        "reply": Goal(None, None, "higher"),
    }
    return [
        *(compared(f"throughput.{name}", "/s", rates["host"], rates[name], goal) for name, goal in goals.items()),
        floor("floor.envelopes", "/s", rates["host"], 100, "higher"),
    ]


def latency(effort: Effort) -> list[Row]:
    """Microseconds of one envelope, one in flight."""
    records = _requests(effort.count(3_000), [_NODE])
    with contract({_NODE: NOOP}) as loaded:
        found = interleaved(
            effort,
            {
                "host": lambda: asyncio.run(_host_latencies(loaded, records)),
                "loop": lambda: asyncio.run(loop_latencies(records, answer_plainly)),
            },
        )
    at = {
        percent: {name: [percentile(values, percent) * 1e6 for values in rounds] for name, rounds in found.items()}
        for percent in (50, 99)
    }
    return [
        compared("latency.p50", "us", at[50]["host"], at[50]["loop"], Goal(3.0, 2.0, "lower")),
        compared("latency.p99", "us", at[99]["host"], at[99]["loop"], Goal(None, None, "lower")),
        floor("floor.local_p99", "ms", [value / 1e3 for value in at[99]["host"]], 1.0, "lower"),
    ]


def nodes(effort: Effort) -> list[Row]:
    """Envelopes a second where 1,000 nodes are asked in turn, and where there is one."""
    slugs = [f"{_NODE}_{number}" for number in range(effort.count(1_000))]
    count = effort.count(_ENVELOPES)
    one, many = _requests(count, [_NODE]), _requests(count, slugs)
    with contract({_NODE: NOOP}) as single, contract(dict.fromkeys(slugs, NOOP)) as thousand:
        found = interleaved(
            effort,
            {
                "one": lambda: asyncio.run(host_seconds(single, one)),
                "many": lambda: asyncio.run(host_seconds(thousand, many)),
            },
        )
    rates = {name: [count / seconds for seconds in values] for name, values in found.items()}
    return [compared("nodes.1000", "/s", rates["many"], rates["one"], Goal(0.9, 1.0, "higher"))]


def payload(effort: Effort) -> list[Row]:
    """Nanoseconds for each byte of large envelopes, through the host and through the codec alone."""
    count = effort.count(100)
    large = [envelope(number, _NODE, order(_LARGE_LINES)) for number in range(count)]
    small = _requests(count * 20, [_NODE])
    with contract({_NODE: NOOP}) as loaded:
        found = interleaved(
            effort,
            {
                "large": lambda: asyncio.run(host_seconds(loaded, large)),
                "small": lambda: asyncio.run(host_seconds(loaded, small)),
                "codec": lambda: _codec_seconds(large),
            },
        )
    a_byte = {
        name: [seconds / sum(map(len, small if name == "small" else large)) * 1e9 for seconds in values]
        for name, values in found.items()
    }
    return [
        compared("payload.300kb", "ns/byte", a_byte["large"], a_byte["codec"], Goal(1.5, 1.2, "lower")),
        compared("payload.growth", "ns/byte", a_byte["large"], a_byte["small"], Goal(None, None, "lower")),
    ]


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which `percent` of the values lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _requests(count: int, slugs: Sequence[str]) -> list[bytes]:
    return [envelope(number, slugs[number % len(slugs)], order()) for number in range(count)]


async def host_seconds(loaded: LoadedContract, records: Sequence[bytes]) -> float:
    """Time for all records through a host of the contract, from bytes to bytes."""
    return await seconds_through(host_of(loaded), records)


async def seconds_through(process: BaseRuntimeHostProcess, records: Sequence[bytes]) -> float:
    """The same for a host that is not open yet."""
    keyed = [(b"%d" % number, raw) for number, raw in enumerate(records)]
    successes = 0

    def count(reply: Reply) -> None:
        nonlocal successes
        successes += b'"success":true' in reply.value[-40:]

    async with process as host:
        host.client.on_reply = count
        start = perf_counter()
        await host.client.submit(keyed)
        await host.client.idle()
        elapsed = perf_counter() - start
    if successes != len(records):
        raise RuntimeError(f"the host answered {successes} of {len(records)} envelopes with success")
    return elapsed


async def _host_latencies(loaded: LoadedContract, records: Sequence[bytes]) -> list[float]:
    loop = asyncio.get_running_loop()
    seconds = []
    async with host_of(loaded) as host:
        for number, raw in enumerate(records):
            answered = loop.create_future()
            host.client.on_reply = answered.set_result
            start = perf_counter()
            await host.client.submit([(b"%d" % number, raw)])
            await answered
            seconds.append(perf_counter() - start)
    return seconds


def _codec_seconds(records: Sequence[bytes]) -> float:
    start = perf_counter()
    for raw in records:
        encode(decode(raw))
    return perf_counter() - start
