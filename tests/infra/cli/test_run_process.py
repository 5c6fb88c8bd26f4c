"""`onex-host run` as a process among others: its log's reader, SIGHUP, and a container where it is process 1."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import pytest

from tests.fakes.waiting import until
from tests.infra.cli.apphost import COMPUTE
from tests.infra.cli.programs import MINIMAL, contract_in, program, run

ROOT = Path(__file__).parents[3]
HOSTS = "tests.infra.cli.apphost"
Lines = Sequence[Mapping[str, Any]]


@pytest.fixture
def contract(tmp_path: Path) -> str:
    return contract_in(tmp_path, calculator=COMPUTE)


@contextmanager
def host(
    contract: str, name: str = "WaitingHost", *options: str, before: Sequence[str] = (), stdin: int = DEVNULL
) -> Iterator[subprocess.Popen[str]]:
    """A host that is up; it is killed where the test does not end it."""
    command = [
        *before,
        *program("onex-host", "run", contract, "--host", f"{HOSTS}:{name}", "--http", "off", *options),
    ]
    with subprocess.Popen(command, stdin=stdin, stdout=PIPE, stderr=PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()


def stopped(process: subprocess.Popen[str]) -> Lines:
    """The lines of its log, once it has stopped in good order."""
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stderr
    return [json.loads(line) for line in stderr.splitlines()]


def next_line(process: subprocess.Popen[str], event: str) -> Mapping[str, Any]:
    """The next line of the log that has this event."""
    assert process.stderr is not None
    while line := process.stderr.readline():
        if (found := json.loads(line))["event"] == event:
            assert isinstance(found, dict)
            return found
    raise AssertionError(f"no line with the event {event}")


def with_logs(contract: str, logs: str) -> None:
    """Writes the contract anew, with these `logs`."""
    Path(contract).write_text(f"{MINIMAL}  observability: {{logs: {logs}}}\n")


def test_a_log_that_nobody_reads_stops_no_host(contract: str) -> None:
    with host(contract, "TalkativeHost") as process:  # it is up, though nobody has read a line
        assert process.stderr is not None
        read: list[Mapping[str, Any]] = []
        while not read or read[-1]["event"] != "logs.dropped":
            read.append(json.loads(process.stderr.readline()))
        written = len([line for line in read if line["logger"] == "acme"])
        assert read[-1]["dropped"] + written == 8_000
        assert written < 2_000
        assert stopped(process)[-1]["event"] == "host.stopped"


def test_levels_are_the_contracts_and_the_command_line_wins(contract: str) -> None:
    with_logs(contract, "{level: ERROR, levels: {onex.host: INFO}}")
    with host(contract) as process:
        assert [line["event"] for line in stopped(process)][-1] == "host.stopped"
    with host(contract, "WaitingHost", "--log-level", "onex.host=ERROR") as process:
        assert stopped(process) == []


def test_a_level_of_one_logger_leaves_the_commands_own_to_the_others(contract: str) -> None:
    options = ("--log-format", "json", "--log-level", "acme=DEBUG", "--host", f"{HOSTS}:CalculatorHost")
    ended = run("onex-host", "call", contract, "calculator", "number=1", *options)
    assert (ended.code, ended.stderr) == (0, "")


def test_sighup_reads_the_levels_again(contract: str) -> None:
    with host(contract) as process:
        with_logs(contract, "{level: WARNING, levels: {onex.cli: INFO, onex.host: DEBUG}}")
        process.send_signal(signal.SIGHUP)
        told = next_line(process, "logs.levels_set")
        assert (told["root"], told["levels"]) == ("WARNING", {"onex.cli": "INFO", "onex.host": "DEBUG"})
        with_logs(contract, "{level: ERROR}")
        process.send_signal(signal.SIGHUP)
        assert stopped(process) == []


def test_a_host_at_a_terminal_stops_when_the_terminal_goes(contract: str) -> None:
    ours, its = os.openpty()
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup around the tests would be nohup around the host
    try:
        with host(contract, stdin=its) as process:
            process.send_signal(signal.SIGHUP)
            _, stderr = process.communicate(timeout=30)
    finally:
        signal.signal(signal.SIGHUP, before)
    os.close(ours)
    os.close(its)
    assert process.returncode == 0
    assert '"host.stopped"' in stderr


@pytest.mark.parametrize(
    ("logs", "place"),
    [("{level: LOUD}", (7, 33)), ("{levels: [}", (7, 35)), ("{levels: {onex.host: DEBUG}, lvl: INFO}", (7, 54))],
)
def test_sighup_with_a_bad_contract_keeps_the_levels_and_says_where(
    contract: str, logs: str, place: tuple[int, int]
) -> None:
    with host(contract) as process:
        with_logs(contract, logs)
        process.send_signal(signal.SIGHUP)
        told = next_line(process, "logs.levels_kept")
        assert (told["level"], told["file"], (told["line"], told["column"])) == ("ERROR", contract, place)
        assert f"{contract}:{place[0]}" in told["message"]
        assert stopped(process)[-1]["event"] == "host.stopped"


def test_a_log_level_that_is_none_is_refused() -> None:
    ended = subprocess.run(  # noqa: S603 - our own program
        program("onex-host", "run", "x.yaml", "--log-level", "INFO,acme=LOUD"),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == 2
    assert "'LOUD' is no level: give one of DEBUG, INFO, WARNING, ERROR, CRITICAL." in ended.stderr


_WITH_AN_ORPHAN = ("sh", "-c", '(sleep 1 &); exec "$@"', "sh")


def _as_process_1() -> Sequence[str]:
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]
    found = shutil.which("unshare") is not None
    if not found or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:  # noqa: S603 - a fixed command
        pytest.skip("this machine allows no namespaces; get them with: sysctl -w user.max_user_namespaces=10000")
    return command


def test_as_process_1_it_stops_in_good_order_and_leaves_no_zombie(contract: str) -> None:
    with host(contract, before=[*_as_process_1(), *_WITH_AN_ORPHAN]) as process:
        (inner,) = children_of(process.pid)
        asyncio.run(until(lambda: children_of(inner) == []))
        os.kill(inner, signal.SIGTERM)
        _, stderr = process.communicate(timeout=30)
    told = [json.loads(line)["event"] for line in stderr.splitlines()]
    assert (process.returncode, told[-1]) == (0, "host.stopped")


def test_systemd_takes_the_unit_of_the_page(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze; get it with: apt-get install systemd")
    page = (ROOT / "docs/operating.md").read_text()
    unit = tmp_path / "onex.service"
    unit.write_text(
        page.partition("```ini\n")[2].partition("```")[0].replace("/opt/onex/bin/onex-host", "/bin/true")
    )
    ended = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)  # noqa: S603, S607 - a fixed command
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def children_of(pid: int) -> Sequence[int]:
    """Zombies too."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
