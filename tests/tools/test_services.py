"""Real servers on loopback: found by any command, started once, seen when they die, gone when they should."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services import require
from tools.services import jars
from tools.services.__main__ import main, parser
from tools.services.base import MissingError, ServiceError, free_ports, is_free
from tools.services.kafka import Kafka
from tools.services.postgres import Postgres
from tools.services.process import ServerProcess
from tools.services.registry import SERVICES

SLEEP = ["sleep", "1000"]


def eventually(condition: Callable[[], bool], limit_s: float = 20.0) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ServerProcess]:
    """A process that does nothing, in a folder of its own."""
    started = ServerProcess(tmp_path / "server")
    started.start(SLEEP)
    yield started
    started.end(signal.SIGKILL, 1)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_process_is_found_again_by_its_folder(process: ServerProcess) -> None:
    found = ServerProcess(process.folder)
    assert found.running
    assert found.pid == process.pid


def test_a_frozen_process_runs_and_can_be_ended(process: ServerProcess) -> None:
    process.send(signal.SIGSTOP)
    assert process.running
    process.end(signal.SIGTERM, 5)
    assert not process.running


def test_a_killed_process_is_seen_by_everybody(process: ServerProcess) -> None:
    os.kill(process.pid, signal.SIGKILL)
    found = ServerProcess(process.folder)
    assert eventually(lambda: not found.running)
    with pytest.raises(ServiceError, match=r"does not run; its log: .*/log"):
        _ = found.pid


def test_a_process_is_not_started_twice(process: ServerProcess) -> None:
    with pytest.raises(ServiceError, match="runs already"):
        ServerProcess(process.folder).start(SLEEP)


def test_a_process_that_ignores_its_signal_is_killed(tmp_path: Path) -> None:
    deaf = ServerProcess(tmp_path / "deaf")
    deaf.start(["sh", "-c", "trap '' TERM; touch ready; while :; do sleep 0.05; done"])
    assert eventually((tmp_path / "deaf" / "ready").exists)
    deaf.end(signal.SIGTERM, 0.1)
    assert not deaf.running


def test_a_leashed_process_ends_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    starting = (
        "import sys, time; from pathlib import Path; from tools.services.process import ServerProcess\n"
        "ServerProcess(Path(sys.argv[1])).start(['sleep', '1000'], leashed=True); print('up', flush=True)\n"
        "time.sleep(1000)"
    )
    command = [sys.executable, "-c", starting, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:  # noqa: S603 - this Python
        assert starter.stdout is not None
        assert starter.stdout.readline() == "up\n"
        assert ServerProcess(folder).running
        starter.kill()
    assert eventually(lambda: not ServerProcess(folder).running)
    assert eventually(lambda: not folder.exists())


def test_ports_are_free_and_lie_below_those_of_outgoing_connections() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert max(ports) < 32_768
    with socket.create_server(("127.0.0.1", ports[0])):
        assert not is_free(ports[0])


def test_up_twice_is_one_server_and_down_forgets_it(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require(Postgres(own_cache))

    def said(action: str) -> tuple[int, dict[str, str]]:
        code = main([action, "postgres", "--json"])
        return code, json.loads(capsys.readouterr().out)["postgres"]

    try:
        first = said("up")
        assert first == said("up") == said("status")
        code, report = first
        assert (code, report["state"]) == (0, "running")
        assert report["dsn"].startswith("postgresql://")
    finally:
        assert said("down") == (0, {"state": "stopped"})
    assert said("status") == (1, {"state": "stopped"})
    assert not (own_cache / "onex-services" / "run" / "postgres").exists()


def test_a_killed_postgres_is_seen_and_up_starts_another(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres")
    require(server)
    try:
        server.start(leashed=True)
        os.kill(ServerProcess(server.folder).pid, signal.SIGKILL)
        assert eventually(lambda: server.state == "stopped")
        server.start(leashed=True)
        assert server.state == "running"
    finally:
        server.stop()


def test_status_without_names_tells_of_every_server(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 1
    assert capsys.readouterr().out.split() == [
        word for name in SERVICES for word in (f"{name}:", "state:", "stopped")
    ]
    assert not own_cache.exists()


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("uv run python -m tools.services up kafka --json", ["kafka"]),
        ("uv run python -m tools.services status", []),
        ("uv run python -m tools.services down", []),
    ],
)
def test_the_command_line_of_the_docs_is_understood(command: str, names: list[str]) -> None:
    assert parser().parse_args(command.split()[5:]).names == names


def test_up_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up"]) == 2
    assert capsys.readouterr().err == "Name what to up: kafka, kafka-cluster, postgres, vault, consul\n"


@pytest.mark.parametrize(
    ("programs", "what", "command"),
    [
        ({}, "Java is missing", "apt-get install openjdk-17-jre-headless"),
        ({"java": "echo 'openjdk version \"11.0.2\"' >&2"}, r"Java 17 or newer \(found 11\)", "apt-get install"),
        ({"java": "true"}, "does not say which it is", "apt-get install"),
        ({"java": "echo 'openjdk version \"21\"' >&2"}, "Apache Kafka 4", "python -m tools.services fetch kafka"),
    ],
)
@pytest.mark.usefixtures("own_cache")
def test_what_a_machine_lacks_is_named_with_the_command_that_provides_it(
    programs: dict[str, str], what: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(_with_programs(tmp_path / "bin", programs)))
    with pytest.raises(MissingError, match=f"{what}.*{command}"):
        jars.require()


@pytest.mark.parametrize(
    ("maven", "said"),
    [
        (None, "Maven, which fetches Apache Kafka, is missing; get it with: apt-get install maven"),
        (
            "echo 'no route to host'; exit 1",
            "Maven could not fetch Apache Kafka 4.1.0; it said:\nno route to host",
        ),
    ],
)
def test_a_fetch_that_fails_leaves_nothing_and_says_why(
    maven: str | None,
    said: str,
    own_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    programs = {"java": "echo 'openjdk version \"17.0.1\"' >&2"} | ({} if maven is None else {"mvn": maven})
    monkeypatch.setenv("PATH", str(_with_programs(tmp_path / "bin", programs)))
    assert main(["fetch", "kafka"]) == 1
    assert capsys.readouterr().err == f"kafka: {said}\n"
    assert [path.name for path in (own_cache / "onex-services").iterdir() if path.is_dir()] == []


def test_a_broker_lives_through_what_tests_do_to_it(tmp_path: Path) -> None:
    kafka = Kafka(tmp_path / "kafka")
    require(kafka)
    try:
        kafka.start(leashed=True)
        [broker] = kafka.brokers
        connection, pid = kafka.connection(), broker.pid
        kafka.start()
        assert (kafka.state, broker.pid) == ("running", pid)

        broker.freeze()
        assert not broker.answers(limit_s=0.2)
        assert kafka.state == "silent"
        broker.thaw()
        assert eventually(broker.answers)

        broker.kill()
        assert Kafka(kafka.folder).state == "stopped"
        with socket.create_server(("127.0.0.1", broker.node.ports["tls"])):
            with pytest.raises(ServiceError, match=f"another process has its port {broker.node.ports['tls']}"):
                broker.restart()
            kafka.start()
            assert kafka.connection() != connection
        assert kafka.state == "running"
    finally:
        kafka.stop()
    assert not kafka.folder.exists()
    assert kafka.state == "stopped"


def test_a_broker_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    kafka = Kafka(tmp_path / "kafka", settings={"authorizer.class.name": "no.such.Authorizer"})
    require(kafka)
    try:
        with pytest.raises(ServiceError, match=r"(?s)Broker 1 has ended; its log ends:.*no\.such\.Authorizer"):
            kafka.start(leashed=True)
    finally:
        kafka.stop()


def _with_programs(folder: Path, programs: dict[str, str]) -> Path:
    folder.mkdir()
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return folder
