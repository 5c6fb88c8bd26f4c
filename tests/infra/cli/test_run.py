"""`onex-host run`: starts, serves, stops."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.infra.cli.apphost import COMPUTE
from tests.infra.cli.programs import MINIMAL, contract_in, program, run

HOSTS = "tests.infra.cli.apphost"


@pytest.fixture
def contract(tmp_path: Path) -> str:
    return contract_in(tmp_path, calculator=COMPUTE)


def test_a_host_that_feeds_itself_runs_until_its_feed_ends(contract: str) -> None:
    ended = run("onex-host", "run", contract, "--host", f"{HOSTS}:FeedingHost")
    assert (ended.code, sorted(ended.stdout.split())) == (0, ["2", "4", "6"])


def test_a_feed_that_raises_is_exit_code_1_and_its_trace_is_logged(contract: str) -> None:
    ended = run("onex-host", "run", contract, "--host", f"{HOSTS}:BrokenHost")
    assert ended.code == 1
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    (failed,) = [line for line in lines if line["event"] == "host.task_failed"]
    assert "no more files" in json.dumps(failed)


def test_a_crash_is_exit_code_6_and_one_line_with_the_reason(contract: str) -> None:
    ended = run("onex-host", "run", contract, "--host", f"{HOSTS}:CrashingHost")
    assert ended.code == 6
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    (crash,) = [line for line in lines if line["event"] == "host.crashed"]
    assert (crash["level"], crash["reason"]) == ("CRITICAL", "ArithmeticError: one and one is three")
    assert crash == lines[-1]
    assert [line["event"] for line in lines].count("host.stopped") == 1


def test_a_signal_during_a_start_that_hangs_is_a_clean_stop(contract: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        handler = '{type: "db", timeout_ms: 60000, config: {dsn: {secret_ref: "calc/dsn"}}}'
        runtime = contract_in(tmp_path, MINIMAL.replace('{type: "http"}', handler), calculator=COMPUTE)
        with subprocess.Popen(  # noqa: S603 - our own program
            program("onex-host", "run", runtime, "--host", f"{HOSTS}:WaitingHost", "--http", "127.0.0.1:0"),
            stderr=subprocess.PIPE,
            env={**os.environ, "ONEX_SECRET_CALC_DSN": f"postgresql://u:p@127.0.0.1:{port}/d"},
            text=True,
        ) as process:
            silent.settimeout(30)
            with silent.accept()[0]:
                process.send_signal(signal.SIGTERM)
                _, stderr = process.communicate(timeout=30)
    told = [json.loads(line)["event"] for line in stderr.splitlines()]
    assert (process.returncode, told[-3:]) == (0, ["host.signal", "host.stopping", "host.stopped"]), stderr


@pytest.mark.parametrize("name", ["onex-host", "omnibase-runtime-host"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_clean_stop(contract: str, name: str, number: int) -> None:
    command = ["run", contract] if name == "onex-host" else [contract]
    with subprocess.Popen(  # noqa: S603 - our own program
        program(name, *command, "--host", f"{HOSTS}:WaitingHost"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == 0, stderr
    lines = [json.loads(line) for line in stderr.splitlines()]
    told = [line["event"] for line in lines]
    assert told[:2] == ["admin.listening", "host.versions"]
    assert told[-3:] == ["host.signal", "host.stopping", "host.stopped"]
    assert {line["runtime_id"] for line in lines} == {f"calculator_host@{os.uname().nodename}"}


def test_probes_are_served_from_before_the_start_until_the_end(contract: str) -> None:
    with subprocess.Popen(  # noqa: S603 - our own program
        program("onex-host", "run", contract, "--host", f"{HOSTS}:WaitingHost", "--http", "127.0.0.1:0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        listening = json.loads(process.stderr.readline())
        assert process.stdout.readline() == "up\n"
        address = f"http://127.0.0.1:{listening['port']}"
        with urlopen(f"{address}/health/live", timeout=10) as live:  # noqa: S310 - our own server
            assert json.load(live)["status"] == "live"
        with urlopen(f"{address}/health/ready", timeout=10) as ready:  # noqa: S310 - our own server
            assert json.load(ready) == {"status": "ready", "phase": "ready", "reasons": [], "remarks": []}
        with urlopen(address, timeout=10) as console:
            assert "timeout_ms" in console.read().decode()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0


def test_off_serves_nothing(contract: str) -> None:
    ended = run("onex-host", "run", contract, "--host", f"{HOSTS}:FeedingHost", "--http", "off")
    assert (ended.code, "admin.listening" in ended.stderr) == (0, False)


def test_a_listener_that_is_none_is_a_usage_error(contract: str) -> None:
    ended = run("onex-host", "run", contract, "--http", "localhost:http")
    assert ended.code == 2
    assert "'localhost:http' is no listener: give PORT, ADDRESS:PORT or off." in ended.stderr


def test_in_a_log_for_people_a_failed_start_is_told_once(contract: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        options = ("--host", f"{HOSTS}:FeedingHost", "--http", where, "--log-format", "text")
        ended = run("onex-host", "run", contract, *options)
    assert ended.code == 1
    assert ended.stderr.count("cannot listen") == 1


def test_a_port_that_is_taken_is_exit_code_1_and_says_what_to_do(contract: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run("onex-host", "run", contract, "--host", f"{HOSTS}:FeedingHost", "--http", where)
    assert ended.code == 1
    assert json.loads(ended.stderr.splitlines()[0])["event"] == "host.start_failed"
    assert f"cannot listen at {where}" in ended.stderr
    assert "--http off" in ended.stderr


def test_without_a_way_in_it_refuses_and_says_what_to_do(contract: str) -> None:
    ended = run("onex-host", "run", contract, "--host", f"{HOSTS}:CalculatorHost")
    assert ended.code == 1
    assert f"onex-host pipe {contract}" in ended.stderr
    assert f"onex-host call {contract} NODE" in ended.stderr
    assert "--host package.module:Class" in ended.stderr


def test_a_contract_with_problems_is_not_run_and_json_logs_have_them_as_fields(tmp_path: Path) -> None:
    runtime = contract_in(tmp_path, MINIMAL.replace('"http"', '"kafka"'))
    ended = run("omnibase-runtime-host", runtime)
    assert ended.code == 1
    logged, shown = ended.stderr.split("ContractValidationError: Failed to load contract\n")
    lines = [json.loads(line) for line in logged.splitlines()]
    assert {(line["level"], line["event"]) for line in lines} == {("ERROR", "contract.problem")}
    assert runtime in [line["file"] for line in lines]
    for line in lines:
        assert f"  File: {line['file']}:{line['line']}:{line['column']}\n  Error: {line['message']}\n" in shown


def test_missing_secrets_are_named_with_their_fields_at_start(tmp_path: Path) -> None:
    handler = '{type: "db", config: {dsn: {secret_ref: "calc/dsn"}}}'
    runtime = contract_in(tmp_path, MINIMAL.replace('{type: "http"}', handler), calculator=COMPUTE)
    ended = run(
        "onex-host",
        "run",
        runtime,
        "--host",
        f"{HOSTS}:WaitingHost",
        environment={"ONEX_SECRETS_DIR": str(tmp_path)},
    )
    assert ended.code == 1
    assert "handler 'db', config.dsn: no secret 'calc/dsn'" in ended.stderr
    assert "ONEX_SECRET_CALC_DSN (not set)" in ended.stderr
    assert f"file {tmp_path}/calc/dsn (no such file)" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SHUTDOWN_GRACE_SECONDS": "soon"}, "SHUTDOWN_GRACE_SECONDS"),
        ({"SHUTDOWN_GRACE_SECONDS": "-1"}, "SHUTDOWN_GRACE_SECONDS"),
        ({"ONEX_LOG_LEVEL": "LOUD"}, "ONEX_LOG_LEVEL"),
    ],
)
def test_a_setting_that_cannot_be_read_is_a_usage_error_that_names_it(
    contract: str, variables: dict[str, str], said: str
) -> None:
    ended = run("onex-host", "run", contract, environment=variables)
    assert ended.code == 2
    assert said in ended.stderr


def test_check_starts_everything_and_ends(contract: str) -> None:
    ended = run("onex-host", "run", "--check", contract, "--host", f"{HOSTS}:WaitingHost")
    assert ended.code == 0
    assert ended.stdout.splitlines() == [
        "event_bus  ok         inmemory: it can be reached, and its topics can be used",
        "http       ok",
    ]
    assert "host.stopped" in ended.stderr


def test_check_of_a_part_that_cannot_start_is_exit_code_1_and_says_why(tmp_path: Path) -> None:
    runtime = contract_in(
        tmp_path, MINIMAL.replace('{type: "http"}', '{type: "http"}, {type: "db"}'), calculator=COMPUTE
    )
    ended = run("onex-host", "run", "--check", runtime, "--host", f"{HOSTS}:WaitingHost")
    assert ended.code == 1
    [failed] = [json.loads(line) for line in ended.stderr.splitlines() if '"host.start_failed"' in line]
    assert (failed["code"], "The db handler has no dsn" in failed["reason"]) == (
        "PROTOCOL_CONFIGURATION_ERROR",
        True,
    )


@pytest.mark.parametrize("kind", ["a file", "a name without a file"])
def test_a_service_manager_is_told_of_start_and_stop(contract: str, tmp_path: Path, kind: str) -> None:
    name = str(tmp_path / "notify") if kind == "a file" else f"\0onex-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(30)
        with subprocess.Popen(  # noqa: S603 - our own program
            program("onex-host", "run", contract, "--host", f"{HOSTS}:WaitingHost"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "NOTIFY_SOCKET": name.replace("\0", "@")},
        ) as process:
            assert manager.recv(100) == b"READY=1"
            process.send_signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"
            assert process.wait(30) == 0


def test_a_service_manager_that_is_gone_stops_nobody(contract: str, tmp_path: Path) -> None:
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "gone")}
    ended = run("onex-host", "run", contract, "--host", f"{HOSTS}:FeedingHost", environment=environment)
    assert ended.code == 0
    assert "the service manager could not be told READY=1" in ended.stderr
