"""`omninode-runtime-host-dev` as a developer has it: the real console script, real files and pipes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

import pytest

PROGRAM: Final = str(Path(sys.executable).with_name("omninode-runtime-host-dev"))
CONTRACTS: Final = Path(__file__).resolve().parents[3] / "contracts"
LOCAL: Final = str(CONTRACTS / "local" / "runtime.yaml")
WARNING: Final = "LocalHandler 'local' is for development and tests only; it reaches nothing\n"
RUNTIME: Final = """\
runtime:
  name: "host"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers: [{type: "local"}]
  nodes: [{slug: "node"}]
"""
NODE: Final = """\
node_version: "1.0.0"
name: "node"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "text", type: "string"}]}
output_model: {name: "ModelOut", fields: [{name: "text", type: "string"}]}
io_operations: [{type: "local", operations: ["local.echo"]}]
"""


class Ended(NamedTuple):
    code: int
    stdout: str
    stderr: str

    @property
    def responses(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


def environment(**changes: str) -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if name != "ENVIRONMENT"}, **changes}


def run(*arguments: str, stdin: str = "", changes: Mapping[str, str] | None = None) -> Ended:
    done = subprocess.run(  # noqa: S603 - our own program
        [PROGRAM, *arguments],
        input=stdin.encode("utf-8", "surrogateescape"),
        capture_output=True,
        timeout=60,
        check=False,
        env=environment(**(changes or {})),
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def line(number: int, node: str, payload: object, **fields: object) -> str:
    envelope = {
        "envelope_id": str(UUID(int=number)),
        "target_node": node,
        "timestamp": "2026-01-31T12:00:00Z",
        "payload": payload,
        **fields,
    }
    return json.dumps(envelope) + "\n"


def contract_in(folder: Path, runtime: str = RUNTIME, node: str = NODE) -> str:
    (folder / "node.yaml").write_text(node)
    (folder / "runtime.yaml").write_text(runtime)
    return str(folder / "runtime.yaml")


class TestEnvelopes:
    def test_every_node_of_the_example_answers(self) -> None:
        ended = run(
            LOCAL,
            stdin=line(1, "echo_effect", {"text": "hello é"}, correlation_id=str(UUID(int=9)))
            + line(2, "shout_effect", {"text": "hello é"})
            + line(3, "failing_effect", {"message": "as asked"}),
        )
        assert (ended.code, ended.stderr) == (0, WARNING)
        echo, shout, failing = ended.responses
        assert echo["payload"] == {"text": "hello é"}
        assert echo["envelope_id"] == str(uuid5(UUID(int=1), "onex.response"))
        assert (echo["causation_id"], echo["correlation_id"]) == (str(UUID(int=1)), str(UUID(int=9)))
        assert (echo["handler_type"], echo["operation"]) == ("local", "local.echo")
        assert shout["payload"] == {"text": "HELLO É"}
        assert UUID(shout["correlation_id"]).version == 4
        assert failing["success"] is False
        assert (failing["error"]["code"], failing["error"]["message"]) == ("HANDLER_EXECUTION_ERROR", "as asked")

    def test_a_line_that_is_no_envelope_is_answered_with_its_number(self) -> None:
        response = line(4, "echo_effect", {}, is_response=True, success=True)
        ended = run(
            LOCAL, stdin="\n  \nrubbish\n" + response + "\udcff\n" + line(5, "echo_effect", {"text": "x"})[:-1]
        )
        assert ended.code == 0
        assert [answer["metadata"].get("line") for answer in ended.responses] == [3, 4, 5, None]
        assert [answer["success"] for answer in ended.responses] == [False, False, False, True]
        refused = ended.responses[0]
        assert refused["error"]["code"] == "ENVELOPE_VALIDATION_ERROR"
        assert refused["error"]["message"] == "$: not JSON at byte 0: a value is expected"
        assert (refused["is_response"], refused["causation_id"], refused["payload"]) == (True, None, None)

    def test_every_failure_is_a_response(self) -> None:
        requests = {
            "NODE_NOT_FOUND": line(1, "nobody", {}),
            "ENVELOPE_VALIDATION_ERROR": line(1, "echo_effect", {"text": 5}),
            "INVALID_OPERATION": line(1, "echo_effect", {"text": "x"}, operation="local.transform"),
            "ENVELOPE_EXPIRED": line(1, "echo_effect", {"text": "x"}, ttl_seconds=1),
            "HANDLER_EXECUTION_ERROR": line(1, "failing_effect", {}),
        }
        ended = run(LOCAL, stdin="".join(requests.values()))
        assert [response["error"]["code"] for response in ended.responses] == list(requests)
        assert {response["causation_id"] for response in ended.responses} == {str(UUID(int=1))}
        assert ended.code == 0

    def test_a_ttl_that_has_not_passed_is_no_hindrance(self) -> None:
        ended = run(LOCAL, stdin=line(1, "echo_effect", {"text": "x"}, ttl_seconds=1e12))
        assert ended.responses[0]["success"] is True

    def test_the_limit_of_the_contract_holds(self, tmp_path: Path) -> None:
        runtime = RUNTIME.replace('kind: "inmemory"', 'kind: "inmemory", config: {max_envelope_bytes: 4096}')
        ended = run(contract_in(tmp_path, runtime), stdin=line(1, "node", {"text": "x" * 5_000}))
        assert ended.responses[0]["error"]["code"] == "PAYLOAD_TOO_LARGE"

    def test_requests_can_come_from_a_file(self, tmp_path: Path) -> None:
        requests = tmp_path / "requests.jsonl"
        requests.write_text("".join(line(number, "echo_effect", {"text": str(number)}) for number in range(20)))
        ended = run(LOCAL, str(requests))
        assert [answer["payload"]["text"] for answer in ended.responses] == [str(number) for number in range(20)]
        assert run(LOCAL, "-", stdin=line(1, "echo_effect", {"text": "x"})).code == 0

    def test_no_input_is_no_output(self) -> None:
        assert run(LOCAL) == Ended(0, "", WARNING)

    def test_each_response_comes_before_the_next_request(self) -> None:
        with self.started() as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for number in range(3):
                process.stdin.write(line(number, "echo_effect", {"text": str(number)}).encode())
                process.stdin.flush()
                assert json.loads(process.stdout.readline())["payload"] == {"text": str(number)}
            process.stdin.close()
            assert process.wait(timeout=60) == 0

    def test_an_interrupt_is_a_clean_end(self) -> None:
        with self.started() as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(line(1, "echo_effect", {"text": "x"}).encode())
            process.stdin.flush()
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
            assert process.stderr is not None
            assert process.stderr.read().decode() == WARNING

    def test_a_reader_that_goes_away_ends_it_without_a_traceback(self) -> None:
        with self.started() as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.close()
            process.stdin.write(line(1, "echo_effect", {"text": "x"}).encode())
            process.stdin.close()
            assert process.wait(timeout=60) == 1
            assert process.stderr is not None
            assert process.stderr.read().decode() == WARNING

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_a_full_disk_is_said_in_one_line(self) -> None:
        with open("/dev/full", "wb") as full:
            done = subprocess.run(  # noqa: S603 - our own program
                [PROGRAM, LOCAL],
                input=line(1, "echo_effect", {"text": "x"}).encode(),
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
                env=environment(),
            )
        assert done.returncode == 1
        assert done.stderr.decode() == WARNING + "omninode-runtime-host-dev: No space left on device\n"

    def started(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen([PROGRAM, LOCAL], stdin=pipe, stdout=pipe, stderr=pipe, env=environment())  # noqa: S603 - our own program


class TestWhatKeepsItFromStarting:
    @pytest.mark.parametrize("name", ["prod", "Production"])
    def test_production(self, name: str) -> None:
        ended = run(LOCAL, stdin=line(1, "echo_effect", {"text": "x"}), changes={"ENVIRONMENT": name})
        assert (ended.code, ended.stdout) == (1, "")
        assert ended.stderr == (
            f"ProtocolConfigurationError: omninode-runtime-host-dev does not start where ENVIRONMENT={name}; "
            "run the contract with onex-host\n"
        )

    @pytest.mark.parametrize("name", ["dev", "preprod"])
    def test_other_environments_do_not(self, name: str) -> None:
        assert run(LOCAL, changes={"ENVIRONMENT": name}).code == 0

    def test_handlers_of_other_types(self, tmp_path: Path) -> None:
        path = contract_in(tmp_path, RUNTIME.replace("handlers: [", 'handlers: [{type: "http"}, {type: "db"}, '))
        ended = run(path)
        assert (ended.code, ended.stdout) == (1, "")
        assert ended.stderr == (
            "ContractValidationError: Failed to load contract\n"
            f"  File: {path}:5:21\n"
            "  Error: Handler type 'http' is none of a development host\n"
            "  Hint: omninode-runtime-host-dev has local handlers only\n"
            "  Action: Make its type local, or run the contract with onex-host\n"
            f"  File: {path}:5:37\n"
            "  Error: Handler type 'db' is none of a development host\n"
            "  Hint: omninode-runtime-host-dev has local handlers only\n"
            "  Action: Make its type local, or run the contract with onex-host\n"
        )

    def test_a_type_that_is_a_variable_counts_as_what_it_expands_to(self, tmp_path: Path) -> None:
        path = contract_in(tmp_path, RUNTIME.replace('type: "local"', 'type: "${KIND}"'))
        assert run(path, changes={"KIND": "local"}).code == 0
        refused = run(path, changes={"KIND": "http"})
        assert refused.code == 1
        assert "Handler type 'http' is none of a development host" in refused.stderr

    def test_a_compute_node(self, tmp_path: Path) -> None:
        node = NODE.replace('"EFFECT"', '"COMPUTE"').partition("io_operations")[0]
        ended = run(contract_in(tmp_path, node=node))
        assert (ended.code, ended.stdout) == (1, "")
        assert (
            f"  File: {tmp_path}/runtime.yaml:6:18\n  Error: COMPUTE node 'node' has no function\n" in ended.stderr
        )

    def test_every_problem_is_reported_at_once(self, tmp_path: Path) -> None:
        runtime = RUNTIME.replace("handlers: [", 'colour: "red"\n  handlers: [{type: "db"}, ')
        ended = run(contract_in(tmp_path, runtime, NODE + "more: 1\n"))
        assert ended.code == 1
        for problem in ("colour", "'db'", "more"):
            assert problem in ended.stderr

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (None, "Error: File {path} could not be read: No such file or directory"),
            (b"runtime: [\xff", "Error:"),
            (b"\x00" * 300_000, "Error: The file is larger than 262144 bytes"),
        ],
    )
    def test_a_contract_that_is_none(self, content: bytes | None, told: str, tmp_path: Path) -> None:
        path = tmp_path / "runtime.yaml"
        if content is not None:
            path.write_bytes(content)
        ended = run(str(path))
        assert (ended.code, ended.stdout) == (1, "")
        assert ended.stderr.startswith(f"ContractValidationError: Failed to load contract\n  File: {path}")
        assert told.format(path=path)[:60] in ended.stderr
        assert "Traceback" not in ended.stderr

    def test_a_folder_in_place_of_a_file(self, tmp_path: Path) -> None:
        assert "Is a directory" in run(str(tmp_path)).stderr
        ended = run(LOCAL, str(tmp_path))
        assert (ended.code, ended.stdout) == (1, "")
        assert "could not be read: Is a directory" in ended.stderr

    def test_requests_that_are_not_there(self) -> None:
        ended = run(LOCAL, "nowhere.jsonl")
        assert ended.code == 1
        assert (
            ended.stderr
            == "ProtocolConfigurationError: nowhere.jsonl could not be read: No such file or directory\n"
        )

    @pytest.mark.parametrize("arguments", [(), (LOCAL, "-", "more"), ("--unknown", LOCAL)])
    def test_misuse_has_an_exit_code_of_its_own(self, arguments: tuple[str, ...]) -> None:
        ended = run(*arguments)
        assert (ended.code, ended.stdout) == (2, "")
        assert ended.stderr.startswith("usage: omninode-runtime-host-dev [-h] CONTRACT [FILE]")

    def test_help_has_an_example(self) -> None:
        ended = run("--help")
        assert ended.code == 0
        assert "omninode-runtime-host-dev contracts/local/runtime.yaml requests.jsonl" in ended.stdout


def test_a_warning_of_the_contract_is_said_and_stops_nothing(tmp_path: Path) -> None:
    runtime = RUNTIME.replace('{type: "local"}', '{type: "local", config: {timeout_ms: 5}}')
    ended = run(contract_in(tmp_path, runtime), stdin=line(1, "node", {"text": "x"}))
    assert ended.code == 0
    assert "  Warning: 'timeout_ms' inside 'config' is deprecated\n" in ended.stderr
    assert ended.responses[0]["success"] is True


def test_a_disabled_handler_is_not_there(tmp_path: Path) -> None:
    runtime = RUNTIME.replace('{type: "local"}', '{type: "local"}, {type: "local", name: "off", enabled: false}')
    ended = run(contract_in(tmp_path, runtime), stdin=line(1, "node", {"text": "x"}))
    assert (ended.code, ended.stderr) == (0, WARNING)
