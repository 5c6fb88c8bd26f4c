"""`onex-host call`: values by the node's input model, the response in three forms."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from omnibase_infra.cli.main import onex_host

from tests.infra.cli.apphost import COMPUTE
from tests.infra.cli.programs import MINIMAL, NODE, contract_in, program

HOST = ["--host", "tests.infra.cli.apphost:CalculatorHost"]


@pytest.fixture
def contract(tmp_path: Path) -> str:
    return contract_in(tmp_path, calculator=COMPUTE)


def call(contract: str, *arguments: str, node: str = "calculator") -> Result:
    return CliRunner().invoke(onex_host, ["call", contract, node, *arguments, *HOST])


def test_a_response_is_shown_readably(contract: str) -> None:
    ended = call(contract, "number=21")
    head, *fields = ended.stdout.splitlines()
    assert ended.exit_code == 0
    assert head.startswith("calculator succeeded in ")
    assert fields == ["  double: 42", '  got: {"number": "21"}']
    assert ended.stderr == ""


def test_the_bus_of_the_contract_does_not_matter(tmp_path: Path) -> None:
    topics = '{input: "onex.acme.calc.cmd.v1", output: "onex.acme.calc.evt.v1"}'
    kafka = (
        f'{{kind: "kafka", config: {{bootstrap_servers: "nowhere:9092", consumer_group: "g", topics: {topics}}}}}'
    )
    runtime = contract_in(tmp_path, MINIMAL.replace('{kind: "inmemory"}', kafka), calculator=COMPUTE)
    assert call(runtime, "number=21").exit_code == 0


def test_values_are_read_as_the_input_model_says(contract: str) -> None:
    given = ["number=1", "note=007", "exact=1.50", "flag=true", "list=[1, 2]", 'more={"a": null}']
    ended = call(contract, *given, "--json")
    assert json.loads(ended.stdout)["got"] == {
        "number": "1",
        "note": "007",
        "exact": "1.50",
        "flag": "True",
        "list": "[1, 2]",
        "more": "{'a': None}",
    }


@pytest.mark.parametrize(
    ("text", "value"), [("plain", "plain"), ("7", "7"), ('"7"', "7"), ("a=b", "a=b"), ("", "")]
)
def test_what_is_no_json_is_text_where_anything_may_stand(contract: str, text: str, value: str) -> None:
    assert json.loads(call(contract, "number=1", f"more={text}", "--json").stdout)["got"]["more"] == value


def test_a_payload_is_given_as_json_and_values_replace_its_fields(contract: str) -> None:
    ended = call(contract, "--payload", '{"number": 1, "note": "old"}', "note=new", "--json")
    assert json.loads(ended.stdout)["got"] == {"number": "1", "note": "new"}


def test_raw_shows_the_whole_envelope(contract: str) -> None:
    response = json.loads(call(contract, "number=1", "--raw").stdout)
    assert (response["is_response"], response["success"]) == (True, True)
    assert response["source_node"] == "calculator"
    assert response["correlation_id"] is not None


def test_a_failure_is_shown_and_is_exit_code_3(contract: str) -> None:
    ended = call(contract, "number=13")
    head, code, message = ended.stdout.splitlines()
    assert ended.exit_code == 3
    assert head.startswith("calculator failed in ")
    assert code == "  HANDLER_EXECUTION_ERROR (trying again will not help)"
    assert "unlucky" not in message


def test_a_failure_as_json_is_its_error(contract: str) -> None:
    ended = call(contract, "number=13", "--json")
    assert ended.exit_code == 3
    error = json.loads(ended.stdout)
    assert (error["code"], error["retryable"]) == ("HANDLER_EXECUTION_ERROR", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["nmber=1"],
            "has no input 'nmber'. Did you mean 'number'? Node 'calculator' takes number (integer), note",
        ),
        (["number"], "Values are written KEY=VALUE; got 'number'"),
        (["number=one"], "'number' (integer) is written as JSON, such as 3; got 'one'"),
        (["number=NaN"], "'number' (integer) is written as JSON, such as 3; got 'NaN'"),
        (["number=1.5"], "number must be an integer"),
        (["number=99999999999999999999999"], "$.payload.number"),
        (["number=1", "note=\udce9"], "$.payload.note"),
        ([], "number is required, but missing. Node 'calculator' takes number (integer), note (string, optional)"),
        (["--payload", "[1]"], "--payload is a JSON object"),
        (["--payload", "{"], "--payload is no JSON"),
        (["number=1", "--timeout", "0"], "--timeout"),
        (["number=1", "--timeout", "abc"], "'abc' is not a valid number of seconds"),
        (["number=1", "--timeout", "nan"], "nan is no number of seconds"),
        (["number=1", "--timeout", "1e400"], "1e400 is no number of seconds"),
    ],
)
def test_what_the_node_does_not_take_is_a_usage_error(contract: str, arguments: list[str], said: str) -> None:
    ended = call(contract, *arguments)
    assert ended.exit_code == 2
    assert said in ended.stderr.replace("\n", " ")


def test_an_unknown_node_is_a_usage_error_with_those_there_are(contract: str) -> None:
    ended = call(contract, "number=1", node="calculater")
    assert ended.exit_code == 2
    assert "No node 'calculater'. Did you mean 'calculator'? The nodes are: calculator" in ended.stderr


@pytest.mark.parametrize("place", ["nodes/halve.yaml", "halve.yaml"])
def test_a_node_whose_file_is_there_but_not_listed_is_told_how_to_list_it(contract: str, place: str) -> None:
    unlisted = Path(contract).parent / place
    unlisted.parent.mkdir(exist_ok=True)
    unlisted.write_text(NODE.replace("calculator", "halve"))
    ended = call(contract, node="halve")
    assert ended.exit_code == 2
    said = " ".join(ended.stderr.split())
    assert f"though {unlisted} is there: add `- slug: halve` to its nodes" in said


def test_a_contract_that_cannot_be_run_is_exit_code_1(tmp_path: Path) -> None:
    ended = call(contract_in(tmp_path, MINIMAL.replace("inmemory", "carrier-pigeon")), "number=1")
    assert ended.exit_code == 1
    assert ended.stderr.startswith("ContractValidationError: Failed to load contract\n")


def test_a_compute_node_without_its_function_says_how_to_give_it(contract: str) -> None:
    ended = CliRunner().invoke(onex_host, ["call", contract, "calculator", "number=1"])
    assert ended.exit_code == 1
    assert "--host package.module:Class" in ended.stderr


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("CalculatorHost", "--host takes package.module:Class"),
        ("tests.infra.cli.apphost:", "--host takes package.module:Class"),
        ("tests.infra.cli.nowhere:Host", "no module 'tests.infra.cli.nowhere'"),
        ("nowhere.at.all:Host", "no module 'nowhere'"),
        ("tests.infra.cli.apphost:Missing", "has no class 'Missing' of BaseRuntimeHostProcess"),
        ("tests.infra.cli.apphost:CalculatorHst", "Did you mean 'CalculatorHost'? Its hosts are: "),
        ("tests.infra.cli.apphost:NOT_A_HOST", "has no class 'NOT_A_HOST' of BaseRuntimeHostProcess"),
    ],
)
def test_a_host_that_cannot_be_found_is_a_usage_error(contract: str, host: str, said: str) -> None:
    ended = CliRunner().invoke(onex_host, ["call", contract, "calculator", "number=1", "--host", host])
    assert ended.exit_code == 2
    assert said in ended.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_library\n", "failed with ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise RuntimeError('no licence')\n", "failed with RuntimeError: no licence"),
        ("def broken(:\n", "failed with SyntaxError: "),
    ],
)
def test_a_host_whose_own_import_fails_is_told_as_it_is(
    contract: str, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "broken_app_host.py").write_text(text)
    arguments = ["call", contract, "calculator", "number=1", "--host", "broken_app_host:Host"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.delitem(sys.modules, "broken_app_host", raising=False)
        ended = CliRunner().invoke(onex_host, arguments)
    assert ended.exit_code == 1
    assert f"importing 'broken_app_host' {said}" in ended.stderr
    assert "defect of the host" not in ended.stderr


def test_a_signal_ends_a_call_that_nobody_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        handler = f'{{type: "http", config: {{base_url: "{url}", allow_private: ["127.0.0.0/8"]}}}}'
        runtime = contract_in(tmp_path, MINIMAL.replace('{type: "http"}', handler), calculator=NODE)
        command = program("onex-host", "call", runtime, "calculator", f"url={url}")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
            connection, _ = silent.accept()
            connection.recv(1)
            process.terminate()
            assert process.communicate(timeout=30) == ("", "Stopped by a signal before the response came\n")
            connection.close()
    assert process.returncode == 4
