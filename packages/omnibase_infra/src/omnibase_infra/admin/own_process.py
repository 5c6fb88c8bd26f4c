"""The process itself, under the names that Prometheus' client libraries have for it."""

import gc
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Final

from omnibase_infra.admin.exposition import counter, value

_GENERATIONS: Final = (
    ("collected", "python_gc_objects_collected", "Objects collected during gc"),
    ("uncollectable", "python_gc_objects_uncollectable", "Uncollectable objects found during gc"),
    ("collections", "python_gc_collections", "Number of times this generation was collected"),
)


def own_process() -> Iterator[str]:
    """Memory, processor time and open files, where the system has /proc; and Python's garbage collector."""
    with suppress(OSError):
        yield from _of_system()
    stats = gc.get_stats()
    for field, name, meaning in _GENERATIONS:
        found = [((str(number),), each[field]) for number, each in enumerate(stats)]
        yield counter(name, meaning, ("generation",), found)


def _of_system() -> Iterator[str]:
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    used, started = (int(fields[11]) + int(fields[12])) / ticks, int(fields[19]) / ticks
    yield value("process_virtual_memory_bytes", "Virtual memory size in bytes", int(fields[20]))
    yield value(
        "process_resident_memory_bytes", "Resident memory size in bytes", int(fields[21]) * resource.getpagesize()
    )
    yield value("process_start_time_seconds", "Start of the process since the epoch", _booted() + started)
    yield counter("process_cpu_seconds", "User and system time spent in seconds", (), [((), used)])
    yield value("process_open_fds", "Open file descriptors", len(os.listdir("/proc/self/fd")))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    yield value("process_max_fds", "The most file descriptors that may be open", most)


@cache
def _booted() -> int:
    """When the system was started, in seconds since the epoch."""
    with open("/proc/stat", "rb") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(b"btime "))
