"""`onex-host pipe`: lines in, responses out, in real processes."""

import json
import os
import pty
import shlex
import socket
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from tests.infra.cli.apphost import COMPUTE
from tests.infra.cli.programs import MINIMAL, NODE, contract_in, program, read_until, run

HOST = ["--host", "tests.infra.cli.apphost:CalculatorHost"]


@pytest.fixture
def contract(tmp_path: Path) -> str:
    return contract_in(tmp_path, calculator=COMPUTE)


def request(number: int) -> str:
    envelope = {
        "envelope_id": str(UUID(int=number)),
        "target_node": "calculator",
        "payload": {"number": number},
        "timestamp": "2026-01-01T00:00:00Z",
    }
    return json.dumps(envelope) + "\n"


def responses(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def doubles(text: str) -> list[object]:
    return [response["payload"]["double"] for response in responses(text) if isinstance(response["payload"], dict)]


def test_each_line_of_stdin_is_answered_on_stdout_and_a_summary_ends_it(contract: str) -> None:
    ended = run("onex-host", "pipe", contract, *HOST, stdin="".join(map(request, (1, 2, 3))))
    assert ended.code == 0
    assert sorted(map(str, doubles(ended.stdout))) == ["2", "4", "6"]
    assert ended.stderr.startswith("3 envelopes: 3 succeeded, 0 failed; ")


def test_a_file_is_read_instead_of_stdin(contract: str, tmp_path: Path) -> None:
    (tmp_path / "requests.jsonl").write_text(request(4).rstrip("\n"))
    ended = run("onex-host", "pipe", contract, str(tmp_path / "requests.jsonl"), *HOST)
    assert (ended.code, doubles(ended.stdout)) == (0, [8])


def test_ordered_keeps_the_order_of_the_requests(contract: str) -> None:
    numbers = [number for number in range(1, 500) if number != 13]
    ended = run("onex-host", "pipe", contract, "--ordered", *HOST, stdin="".join(map(request, numbers)))
    assert doubles(ended.stdout) == [2 * number for number in numbers]


def test_failures_are_answered_and_make_exit_code_3(contract: str) -> None:
    lines = request(13) + "no envelope\n" + request(1) + "x" * 2_000_000 + "\n"
    ended = run("onex-host", "pipe", contract, "--ordered", *HOST, stdin=lines)
    assert ended.code == 3
    codes = [error["code"] if isinstance(error := one["error"], dict) else None for one in responses(ended.stdout)]
    assert codes == ["HANDLER_EXECUTION_ERROR", "ENVELOPE_VALIDATION_ERROR", None, "PAYLOAD_TOO_LARGE"]
    assert [one["metadata"] for one in responses(ended.stdout)][1::2] == [{"line": 2}, {"line": 4}]
    assert "4 envelopes: 1 succeeded, 3 failed" in ended.stderr


def test_an_empty_input_is_fine(contract: str) -> None:
    ended = run("onex-host", "pipe", contract, *HOST)
    assert (ended.code, ended.stdout) == (0, "")
    assert ended.stderr.startswith("0 envelopes")


@pytest.mark.parametrize("file", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_said_to_be_so(contract: str, file: str) -> None:
    ended = run("onex-host", "pipe", contract, file, *HOST)
    assert ended.code == 1
    assert ended.stderr.startswith(f"Error: Could not open file '{file}'")


def test_the_bus_of_the_contract_does_not_matter(tmp_path: Path) -> None:
    topics = '{input: "onex.acme.calc.cmd.v1", output: "onex.acme.calc.evt.v1"}'
    config = f'{{bootstrap_servers: "nowhere:9092", consumer_group: "g", topics: {topics}}}'
    kafka = f'{{kind: "kafka", config: {config}}}'
    runtime = contract_in(tmp_path, MINIMAL.replace('{kind: "inmemory"}', kafka), calculator=COMPUTE)
    assert doubles(run("onex-host", "pipe", runtime, *HOST, stdin=request(5)).stdout) == [10]


def test_answers_come_while_the_input_is_still_open_and_a_signal_ends_it_cleanly(contract: str) -> None:
    with subprocess.Popen(  # noqa: S603 - our own program
        program("onex-host", "pipe", contract, *HOST),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(request(3))
        process.stdin.flush()
        assert doubles(process.stdout.readline()) == [6]
        process.terminate()
        assert process.wait(30) == 0
        assert "1 envelope: 1 succeeded, 0 failed, stopped by a signal before the end" in process.stderr.read()


@pytest.mark.parametrize(("grace", "signals"), [("0.1", 1), ("60", 2)])
def test_what_cannot_finish_after_a_signal_is_exit_code_4(tmp_path: Path, grace: str, signals: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        handler = f'{{type: "http", config: {{base_url: "{url}", allow_private: ["127.0.0.0/8"]}}}}'
        runtime = contract_in(tmp_path, MINIMAL.replace('{type: "http"}', handler), calculator=NODE)
        with subprocess.Popen(  # noqa: S603 - our own program
            program("onex-host", "pipe", runtime, "--grace", grace, "--log-level", "INFO"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdin.write(request(1).replace('"number": 1', f'"url": "{url}"'))
            process.stdin.flush()
            connection, _ = silent.accept()
            connection.recv(1)
            process.terminate()
            if signals == 2:
                read_until(process.stderr, "SIGTERM")
                process.terminate()
            assert process.wait(30) == 4
            connection.close()
            told = process.stderr.read()
    assert ("second signal: ended at once" in told) is (signals == 2)
    assert ("1 more given up (line 1)" in told) is (signals == 1)


def test_a_reader_that_goes_away_ends_it_with_exit_code_4_and_the_summary(contract: str) -> None:
    with subprocess.Popen(  # noqa: S603 - our own program
        program("onex-host", "pipe", contract, *HOST),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(request(1))
        process.stdin.flush()
        assert process.wait(30) == 4
        said = process.stderr.read()
    assert said.startswith("1 envelope: 1 succeeded, 0 failed, 1 answered and not written (line 1), nobody reads")


def test_a_reader_that_takes_one_line_leaves_the_rest_given_up(contract: str, tmp_path: Path) -> None:
    (tmp_path / "requests.jsonl").write_text("".join(map(request, range(100, 20_100))))
    ended = shell(contract, "requests.jsonl | head -1 >/dev/null; exit ${PIPESTATUS[0]}", tmp_path)
    assert ended.returncode == 4
    assert "answered and not written" in ended.stderr
    assert "nobody reads the responses any more" in ended.stderr


def test_a_full_disk_is_said_so_and_is_exit_code_4(contract: str, tmp_path: Path) -> None:
    (tmp_path / "requests.jsonl").write_text(request(1) + request(2))
    ended = shell(contract, "requests.jsonl >/dev/full", tmp_path)
    assert ended.returncode == 4
    assert "2 answered and not written (lines 1-2), the responses cannot be written: No space left" in ended.stderr


@pytest.mark.parametrize(
    ("redirected", "code"),
    [
        ("2>&-", 0),
        ("2>/dev/full", 0),
        (">/dev/full 2>&-", 4),
        (">/dev/full 2>/dev/full", 4),
        ("2>&1 >/dev/full | true; exit ${PIPESTATUS[0]}", 4),
    ],
)
def test_the_exit_code_holds_where_the_summary_cannot_be_written(
    contract: str, tmp_path: Path, redirected: str, code: int
) -> None:
    (tmp_path / "requests.jsonl").write_text(request(1))
    ended = shell(contract, f"requests.jsonl {redirected}", tmp_path)
    assert (ended.returncode, ended.stderr) == (code, "")
    assert [one["success"] for one in responses(ended.stdout)] == ([True] if code == 0 else [])


def shell(contract: str, rest: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """The pipe with the rest of its command line, as a shell runs it."""
    command = shlex.join(program("onex-host", "pipe", contract, *HOST))
    return subprocess.run(  # noqa: S603 - our own program
        ["bash", "-c", f"{command} {folder}/{rest}"],  # noqa: S607
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_progress_is_shown_where_somebody_can_see_it(contract: str) -> None:
    controller, terminal = pty.openpty()
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            program("onex-host", "pipe", contract, *HOST),
            input=request(1).encode(),
            stdout=subprocess.PIPE,
            stderr=terminal,
            timeout=30,
            check=True,
        )
        seen = os.read(controller, 65_536).decode()
    finally:
        os.close(terminal)
        os.close(controller)
    assert doubles(done.stdout.decode()) == [2]
    assert "\r1 answered, 0 failed, " in seen
    assert "\r\x1b[K1 envelope: " in seen


@pytest.mark.parametrize(("descriptor", "said"), [(0, "stdin is closed"), (1, "stdout is closed")])
def test_a_closed_stdin_or_stdout_is_a_usage_error(contract: str, descriptor: int, said: str) -> None:
    ended = subprocess.run(  # noqa: S603 - our own program
        program("onex-host", "pipe", contract, *HOST),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: os.close(descriptor),
    )
    assert ended.returncode == 2
    assert said in ended.stderr
