"""What a start costs, in a fresh interpreter: time until ready, and memory when idle."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final, NamedTuple

from omnibase_infra.embedded import EmbeddedPostgres

from tools.bench.contracts import DB, HANDLERS, HTTP, environment, write_contract
from tools.bench.handlers import loopback
from tools.bench.report import Goal, Row, compared, floor
from tools.bench.rounds import Effort, interleaved

_NODES: Final = 10
_BARE: Final = """
import asyncio, sys
import yaml, httpx, httpcore, anyio._backends._asyncio, asyncpg
from pydantic import BaseModel, Field, JsonValue
print("ready", flush=True)
sys.stdin.readline()
"""


class Start(NamedTuple):
    """Seconds from the spawn of the interpreter to its `ready`, and its resident memory then (bytes)."""

    seconds: float
    rss_bytes: int


def start(effort: Effort) -> list[Row]:
    """A host with 10 nodes, the http and the db handler, against the bare import of their libraries."""
    with loopback() as url, EmbeddedPostgres() as server, TemporaryDirectory() as folder:
        nodes = {f"node_{number}": DB if number % 2 else HTTP for number in range(_NODES)}
        path = write_contract(Path(folder), nodes, HANDLERS)
        variables = {**os.environ, **environment(url, server.dsn)}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)  # a host is started from compiled modules, as libraries are
        found = interleaved(
            effort,
            {
                "host": lambda: _started(["-m", "tools.bench.idle", str(path)], variables),
                "bare": lambda: _started(["-c", _BARE], variables),
            },
        )
    times = {name: [one.seconds * 1e3 for one in values] for name, values in found.items()}
    sizes = {name: [one.rss_bytes / 1e6 for one in values] for name, values in found.items()}
    goal = Goal(1.3, 1.15, "lower")
    return [
        compared("start.ready", "ms", times["host"], times["bare"], goal),
        compared("start.rss", "MB", sizes["host"], sizes["bare"], goal),
        floor("floor.memory_10_nodes", "MB", sizes["host"], 200, "lower"),
    ]


def _started(arguments: Sequence[str], variables: dict[str, str]) -> Start:
    begun = perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the interpreter did not get ready")
        seconds = perf_counter() - begun
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        process.stdin.close()
    return Start(seconds, pages * os.sysconf("SC_PAGE_SIZE"))
