"""What it costs a busy host that Prometheus asks it for its metrics once a second."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from time import process_time
from typing import Final

from omnibase_core.contracts.load import LoadedContract
from omnibase_infra.admin.metrics import metrics_page
from omnibase_infra.admin.server import AdminServer

from tools.bench.contracts import NOOP, contract, envelope, host_of, order
from tools.bench.memory import seconds_through
from tools.bench.report import Goal, Row, compared
from tools.bench.rounds import Effort, interleaved

_ENVELOPES: Final = 100_000
_NODES: Final = tuple(f"noop_{number}" for number in range(10))
_SCRAPER: Final = """
import sys, time, urllib.request
while True:
    urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics").read()
    time.sleep(1)
"""


def scraping(effort: Effort) -> list[Row]:
    """Envelopes for each second that the host computed, scraped by another process, and left alone."""
    count = effort.count(_ENVELOPES)
    records = [envelope(number, _NODES[number % len(_NODES)], order()) for number in range(count)]
    with contract(dict.fromkeys(_NODES, NOOP)) as loaded:
        found = interleaved(
            effort,
            {
                "scraped": lambda: asyncio.run(_cpu_seconds(loaded, records, scraped=True)),
                "alone": lambda: asyncio.run(_cpu_seconds(loaded, records, scraped=False)),
            },
        )
    rates = {name: [count / seconds for seconds in values] for name, values in found.items()}
    return [compared("scrape.cpu", "/CPU s", rates["scraped"], rates["alone"], Goal(0.98, 0.99, "higher"))]


async def _cpu_seconds(loaded: LoadedContract, records: Sequence[bytes], *, scraped: bool) -> float:
    host = host_of(loaded)
    async with AdminServer({"/metrics": metrics_page(host)}, "127.0.0.1", 0) as server:
        with _scraper(server.port) if scraped else nullcontext():
            begun = process_time()
            await seconds_through(host, records)
            return process_time() - begun


@contextmanager
def _scraper(port: int) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", _SCRAPER, str(port)])
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError("the scraper has ended: it was refused")
    finally:
        process.kill()
        process.wait()
