"""`uv run python -m tools.soak`: a host under steady load; fails where memory, descriptors, tasks or threads grow.

The host is a process of its own, as `onex-host run` starts it, and is seen through its `/metrics`. The first third
is not judged (ten minutes at most). Two minutes find a leak of a hundred bytes a request; hours find one of a few.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from tools.soak.host import RATE
from tools.soak.load import Ground, in_memory, on_servers, publish
from tools.soak.plot import drawn
from tools.soak.samples import Sample, Verdict, judged, sample_of

_START_S: Final = 60.0
_HOST: Final = "tools.soak.host:SteadyHost"
_FED: Final = "tools.soak.host:ServingHost"


def main(arguments: Sequence[str] | None = None) -> int:
    """Soaks, prints, and gives the exit code: 1 where something grows, or is not served."""
    options = _parser().parse_args(arguments)
    with on_servers() if options.servers else in_memory() as ground:
        host = options.host or (_FED if options.servers else _HOST)
        with _running(ground, host, options.rate) as address:
            samples = asyncio.run(_sampled(ground, address, options))
    verdicts = judged(samples, options.rate, options.lag_ms)
    print(_table(samples, verdicts))
    if options.plot is not None:
        options.plot.write_text(drawn(samples, verdicts))
    if options.json is not None:
        found = {verdict.name: {**verdict._asdict(), "holds": verdict.holds} for verdict in verdicts}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(not all(verdict.holds for verdict in verdicts))


@contextmanager
def _running(ground: Ground, host: str, rate: float) -> Iterator[str]:
    """The address of a host's server for metrics. Raises RuntimeError where it does not come, or ends badly."""
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        process = subprocess.Popen(
            [
                *(Path(sys.executable).with_name("onex-host"), "run", ground.contract, "--host", host),
                *("--http", "127.0.0.1:0", "--log-format", "json"),
            ],
            env={**os.environ, **ground.environment, RATE: str(rate)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield _listening(process, Path(log.name))
            process.send_signal(signal.SIGTERM)
            if process.wait(60) != 0:
                raise RuntimeError(f"the host ended with {process.returncode}:\n{_said(log.name)}")
        finally:
            process.kill()
            process.wait()


def _listening(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + _START_S
    while (found := re.search(r'"admin.listening".*"port":(\d+)', log.read_text())) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the host does not listen:\n{_said(log.name)}")
        time.sleep(0.05)
    return f"http://127.0.0.1:{found[1]}"


def _said(log: str) -> str:
    return Path(log).read_text()[-3_000:]


async def _sampled(ground: Ground, address: str, options: argparse.Namespace) -> list[Sample]:
    feeding = None
    if ground.kafka is not None:
        feeding = asyncio.create_task(publish(*ground.kafka, options.rate))
    try:
        return await _samples(address, options.seconds, options.every)
    finally:
        if feeding is not None:
            feeding.cancel()
            await asyncio.wait([feeding])


async def _samples(address: str, seconds: float, every_s: float) -> list[Sample]:
    await _ready(address)
    begun = time.monotonic()
    samples: list[Sample] = []
    while (at := time.monotonic()) - begun < seconds:
        samples.append(sample_of(await asyncio.to_thread(_page, f"{address}/metrics"), at))
        await asyncio.sleep(max(0.0, at + every_s - time.monotonic()))
    return samples


async def _ready(address: str) -> None:
    async with asyncio.timeout(_START_S):
        while "onex_ready 1.0" not in await asyncio.to_thread(_page, f"{address}/metrics"):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.1)


def _page(url: str) -> str:
    with urlopen(url, timeout=10) as page:  # noqa: S310 - our own host
        text: str = page.read().decode()
        return text


def _table(samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> str:
    span_s = samples[-1].at - samples[0].at
    lines = [
        f"{len(samples)} samples in {span_s:.0f} s, {samples[-1].served:.0f} requests",
        f"{'':12}{'slope/h':>12}{'value':>10}{'allowed':>10}",
    ]
    for one in verdicts:
        word = "ok" if one.holds else "DOES NOT HOLD"
        lines.append(
            f"{one.name:12}{one.slope_an_hour:>12.2f}{one.value:>10.3f}{one.allowed:>10.3f}  {one.unit:6}{word}"
        )
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="how long (120); a night has 28800")
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second (500)")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between samples (1)")
    parser.add_argument(
        "--lag-ms", type=float, default=50.0, help="of the loop, 99th percentile (50); more on a busy machine"
    )
    parser.add_argument(
        "--servers", action="store_true", help="on a Kafka and a PostgreSQL of its own; else in memory"
    )
    parser.add_argument("--host", help="package.module:Class, another host than the one for this")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draws the samples")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes the verdicts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
