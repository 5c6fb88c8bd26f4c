"""The programs that are measured: started on a core of their own, and what the system tells about them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Self

_ROOT: Final = Path(__file__).parents[3]
_STOP_S: Final = 40.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


_CORES: Final = sorted(os.sched_getaffinity(0))
_BROKER: Final = {_CORES[0]}


def host_cores(count: int = 1) -> list[set[int]]:
    """A core for each program that is measured, from the last; where there are too few, the broker's again."""
    return [{_CORES[-1 - number % len(_CORES)]} for number in range(count)]


@contextmanager
def measuring_from(broker_pid: int) -> Iterator[None]:
    """Puts this process and the broker on the broker's core, and both back."""
    before = os.sched_getaffinity(0), os.sched_getaffinity(broker_pid)
    pin(broker_pid, _BROKER)
    os.sched_setaffinity(0, _BROKER)
    try:
        yield
    finally:
        pin(broker_pid, before[1])
        os.sched_setaffinity(0, before[0])


def pin(pid: int, cores: set[int]) -> None:
    """Puts every thread of a process on these cores; its future ones follow."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


class Program:
    """A program that runs until the end of the `with`; what it writes is shown only if it ends by itself."""

    def __init__(self, arguments: Sequence[str], cores: set[int]) -> None:
        self._arguments = arguments
        self._cores = cores
        self._said: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        before, variables = os.sched_getaffinity(0), {**os.environ, "PYTHONPATH": str(_ROOT)}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)  # started from compiled modules, as installed ones are
        self._said = tempfile.TemporaryFile()
        os.sched_setaffinity(0, self._cores)
        try:
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                env=variables,
            )
        finally:
            os.sched_setaffinity(0, before)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._said is not None
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def require(self) -> None:
        """Raises RuntimeError, with what it wrote last, where it has ended."""
        assert self._process is not None
        assert self._said is not None
        if self._process.poll() is not None:
            self._said.seek(0)
            words = self._said.read().decode(errors="replace")[-2_000:]
            raise RuntimeError(f"{' '.join(self._arguments)} has ended; its last words:\n{words}")

    @property
    def cpu_s(self) -> float:
        """Seconds that its threads have computed, in steps of a hundredth."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def rss_bytes(self) -> int:
        """Its resident memory."""
        return int(self._proc("statm").split()[1]) * _PAGE

    @property
    def usage(self) -> tuple[float, int]:
        """Both."""
        return self.cpu_s, self.rss_bytes

    def _proc(self, name: str) -> str:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/{name}").read_text()


def python(module: str, *arguments: str, cores: set[int] | None = None) -> Program:
    """A module of this package, as a program on the host's core."""
    return Program([sys.executable, "-m", f"tools.bench.kafka.{module}", *arguments], cores or host_cores()[0])


def onex_host(contract: Path, host: str, *, cores: set[int] | None = None) -> Program:
    """`onex-host run`, as a user has it, with a host class `module:Name` of this package."""
    command = str(Path(sys.executable).with_name("onex-host"))
    chosen = ["--host", f"tools.bench.kafka.{host}", "--log-level", "warning", "--http", "127.0.0.1:0"]
    return Program([command, "run", str(contract), *chosen], cores or host_cores()[0])
