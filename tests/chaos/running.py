"""Hosts as processes: contracts for them, their start, their end, what they said."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Self

from tests.chaos.backlog import Topics
from tests.chaos.hosts import AS_EVER, Treatment
from tests.infra.cli.programs import contract_in, program


class Work(NamedTuple):
    """What hosts do. handlers, nodes: of the runtime contract, as flow YAML. contracts: of the nodes by slug."""

    handlers: str
    nodes: str
    contracts: Mapping[str, str]


ROOT: Final = Path(__file__).resolve().parents[2]
_START_LIMIT_S: Final = 40.0
_POLL_S: Final = 0.02
_NODE: Final = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "worker"
node_type: "EFFECT"
input_model: {name: "ModelWork", fields: [{name: "url", type: "string"}, {name: "body", type: "any"}]}
output_model: {name: "ModelDone", fields: [{name: "key", type: "string"}, {name: "sequence", type: "integer"}]}
io_operations: [{type: "http", operations: ["http.post"]}]
"""
WAITING: Final = Work(
    '[{type: "http", timeout_ms: 900000, config: {base_url: "http://work.example"}}]',
    '[{slug: "worker"}]',
    {"worker": _NODE},
)
"""Each request waits as long as it says."""
_RUNTIME: Final = """\
schema_version: "1.0.0"
runtime:
  name: "chaos_host"
  version: "1.0.0"
  event_bus:
    kind: "kafka"
    config:
      consumer_group: "{topics.group}"
      topics: {{input: "{topics.input}", output: "{topics.output}", dead_letter: "{topics.dead_letter}"}}
      max_inflight_envelopes: {window}
{more}
  handlers: {work.handlers}
  nodes: {work.nodes}
"""


def contract(
    folder: Path,
    topics: Topics,
    options: Mapping[str, object] | None = None,
    *,
    window: int = 400,
    work: Work = WAITING,
) -> Path:
    """A contract for these topics; options: of the bus, beside or instead of quick membership."""
    settings: Mapping[str, object] = {
        "bootstrap_servers": topics.bootstrap_servers,
        "session_timeout_ms": 3_000,
        "heartbeat_interval_ms": 300,
        "rebalance_timeout_ms": 6_000,
        "request_timeout_ms": 15_000,
        **(options or {}),
    }
    more = "".join(f"      {name}: {json.dumps(value)}\n" for name, value in settings.items())
    text = _RUNTIME.format(topics=topics, window=window, more=more, work=work)
    folder.mkdir(parents=True, exist_ok=True)
    return Path(contract_in(folder, text, **work.contracts))


class Host:
    """One `onex-host run`, from its start to its end. log: what it says, JSON lines."""

    def __init__(
        self,
        contract: Path,
        log: Path,
        treatment: Treatment = AS_EVER,
        *,
        grace_s: float = 30.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        command = program("onex-host", "run", str(contract), "--host", "tests.chaos.hosts:RoughHost")
        with log.open("ab") as said:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [*command, "--grace", str(grace_s), "--log-format", "json"],
                cwd=ROOT,
                env={**os.environ, **treatment.environment(), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def said(self) -> str:
        """Everything so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def alive(self) -> None:
        """Fails where it has ended."""
        code = self.process.poll()
        assert code is None, f"the host ended with {code}:\n{self.said()[-3000:]}"

    def await_said(self, text: str, limit_s: float = _START_LIMIT_S) -> None:
        """Returns when it has said this."""
        deadline = time.monotonic() + limit_s
        while re.search(text, self.said()) is None:
            self.alive()
            assert time.monotonic() < deadline, f"no {text!r} after {limit_s:.0f} s:\n{self.said()[-3000:]}"
            time.sleep(_POLL_S)

    def await_ready(self) -> None:
        """Returns when it is ready."""
        self.await_said('"host.ready"')

    def end(self, number: signal.Signals, limit_s: float = 45.0) -> int:
        """Sends the signal, and waits for the end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(limit_s)

    def rss_bytes(self) -> int:
        """The memory that it has in use."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


class Crew:
    """Hosts of one group, which are replaced when they end. size: how many there are from the start."""

    def __init__(self, contract: Path, folder: Path, treatment: Treatment, size: int) -> None:
        self._contract = contract
        self._folder = folder
        self._treatment = treatment
        self._started = 0
        self.hosts = [self.start() for _ in range(size)]

    def __enter__(self) -> Self:
        try:
            for host in self.hosts:
                host.await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            host.process.kill()
            host.process.wait()

    def start(self) -> Host:
        """One more host, which is not in the crew yet."""
        self._started += 1
        return Host(self._contract, self._folder / f"host-{self._started}.log", self._treatment)

    def alive(self) -> None:
        """Fails where one has ended."""
        for host in self.hosts:
            host.alive()

    def replace(self, place: int, number: signal.Signals, between: Callable[[], None] = lambda: None) -> int:
        """Ends one host by a signal, once it is ready, and starts another in its place; its exit code.

        between: what is done while it is missing.
        """
        self.hosts[place].await_ready()
        code = self.hosts[place].end(number)
        between()
        self.hosts[place] = self.start()
        return code

    def await_share(self, place: int, partitions: int, limit_s: float = _START_LIMIT_S) -> None:
        """Returns when the host in this place was last given so many partitions at once."""
        host, deadline = self.hosts[place], time.monotonic() + limit_s
        while re.findall(r'"bus.assigned".*"partitions":(\d+)', host.said())[-1:] != [str(partitions)]:
            host.alive()
            assert time.monotonic() < deadline, f"no share of {partitions} partitions:\n{host.said()[-3000:]}"
            time.sleep(_POLL_S)

    def add(self) -> None:
        """One more member."""
        self.hosts.append(self.start())

    def release(self) -> int:
        """Ends the last one by SIGTERM, and starts nobody instead; its exit code."""
        leaving = self.hosts.pop()
        leaving.await_ready()
        return leaving.end(signal.SIGTERM)

    def dismiss(self) -> list[int]:
        """SIGTERM for everybody, at once; their exit codes."""
        for host in self.hosts:
            host.await_ready()
        for host in self.hosts:
            host.process.terminate()
        return [host.process.wait(45) for host in self.hosts]


@contextlib.contextmanager
def ended(*hosts: Host) -> Iterator[None]:
    """Kills, at the end, those that still run."""
    try:
        yield
    finally:
        for host in hosts:
            if host.process.poll() is None:
                host.process.kill()
            host.process.wait()
