"""`onex-host explain`: the way of one envelope, step by step, and nothing is performed."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.secret import REDACTED
from omnibase_infra.cli.explaining import Explainer, ModelExplanation
from omnibase_infra.cli.main import onex_host
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.host.clock import Clock
from pydantic import JsonValue

from tests.infra.cli.programs import contract_in, run

RUNTIME = """\
runtime:
  name: "users_host"
  version: "1.0.0"
  event_bus: {kind: "inmemory", config: {max_envelope_bytes: 4096}}
  handlers:
    - type: "http"
      timeout_ms: 900
      config: {base_url: "https://api.example.com/v1", headers: {Authorization: {secret_ref: "api/token"}}}
    - {type: "db", config: {dsn: {secret_ref: "db/dsn"}}}
    - {type: "vault", config: {address: "https://vault.example.com"}}
  nodes:
    - {slug: "user", retry_policy: {max_retries: 1}}
    - {slug: "rows"}
    - {slug: "total"}
    - {slug: "safe"}
    - {slug: "mapped"}
    - {slug: "doubled"}
"""
MAPPED = """\
node_version: "1.0.0"
name: "mapped"
node_type: "EFFECT"
input_model:
  name: "ModelAsk"
  fields: [{name: "id", type: "string"}, {name: "password", type: "string", required: false}]
output_model: {name: "ModelAnswer", fields: [{name: "status", type: "integer"}]}
io_operations:
  - type: "http"
    operations: ["http.post"]
    request:
      url: "/users/${{ input.id }}"
      params: {p: "${{ input.password }}"}
      body: {login: "${{ input.password }}"}
    response: {status: "${{ result.status_code }}"}
"""
DOUBLED = """\
node_version: "1.0.0"
name: "doubled"
node_type: "COMPUTE"
input_model: {name: "ModelIn", fields: [{name: "price", type: "decimal"}]}
output_model: {name: "ModelOut", fields: [{name: "total", type: "decimal"}]}
transform: {total: "${{ multiply(input.price, `2`) }}"}
"""
USER = """\
node_version: "1.0.0"
name: "user"
node_type: "EFFECT"
input_model:
  name: "ModelAsk"
  fields:
    - {name: "url", type: "string"}
    - {name: "body", type: "object", required: false}
    - {name: "params", type: "map[any]", required: false, default: {lang: "en"}}
output_model: {name: "ModelAnswer", fields: [{name: "status_code", type: "integer"}]}
io_operations: [{type: "http", operations: ["http.get", "http.post"], target: "https://api.example.com/v1/users"}]
"""
ROWS = """\
node_version: "1.0.0"
name: "rows"
node_type: "EFFECT"
input_model: {name: "ModelAsk", fields: [{name: "statements", type: "list[any]"}]}
output_model: {name: "ModelAnswer", fields: [{name: "results", type: "any"}]}
io_operations: [{type: "db", operations: ["db.transaction"]}]
"""
TOTAL = """\
node_version: "1.0.0"
name: "total"
node_type: "COMPUTE"
input_model:
  name: "ModelOrder"
  fields: [{name: "price", type: "decimal"}, {name: "rate", type: "decimal", required: false, default: "1.0"}]
output_model: {name: "ModelTotal", fields: [{name: "total", type: "decimal"}]}
"""
SAFE = """\
node_version: "1.0.0"
name: "safe"
node_type: "EFFECT"
input_model: {name: "ModelAsk", fields: [{name: "path", type: "string"}]}
output_model: {name: "ModelAnswer", fields: [{name: "data", type: "any"}]}
io_operations: [{type: "vault", operations: ["vault.get_secret"]}]
"""
NOW = datetime(2026, 11, 22, 12, 0, 10, tzinfo=UTC)
ID = "0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a"
CLOCK = Clock(now=lambda: NOW, monotonic=lambda: 100.0, new_id=lambda: UUID(ID))


@pytest.fixture
def contract(tmp_path: Path) -> str:
    return contract_in(
        tmp_path, RUNTIME, user=USER, rows=ROWS, total=TOTAL, safe=SAFE, mapped=MAPPED, doubled=DOUBLED
    )


@pytest.fixture
def loaded(contract: str) -> LoadedContract:
    return load_contract_file(contract, {})


def request(target: str, payload: JsonValue = None, **fields: JsonValue) -> dict[str, JsonValue]:
    every: dict[str, JsonValue] = {"envelope_id": ID, "timestamp": "2026-11-22T12:00:00Z", "target_node": target}
    return {**every, "payload": payload, **fields}


def explained(loaded: LoadedContract, envelope: Mapping[str, JsonValue]) -> ModelExplanation:
    return Explainer(loaded, CLOCK).explain(json.dumps(envelope).encode())


def steps(explanation: ModelExplanation) -> list[tuple[str, bool]]:
    return [(step.step, step.passed) for step in explanation.steps]


ALL = ["decode", "correlation", "deadline", "node", "operation", "input", "request", "handler", "call"]


def test_a_good_request_passes_every_step_and_would_run(loaded: LoadedContract) -> None:
    explanation = explained(loaded, request("user", {"url": "/users/7"}, operation="http.get", ttl_seconds=30))
    assert [step.step for step in explanation.steps if step.passed] == ALL
    assert [step.message for step in explanation.steps][1:] == [
        "the host would assign an id",
        "in 20.0 s",
        "'user' (EFFECT)",
        "http.get, as the envelope says",
        "fits ModelAsk",
        "the payload of http.get, below https://api.example.com/v1/users",
        "'http' (http), timeout 900 ms",
        "GET https://api.example.com/v1/users/7?lang=en",
    ]
    assert explanation.outcome == "would run"
    assert (explanation.handler, explanation.operation) == ("http", "http.get")


def test_the_payload_is_what_the_handler_would_get_with_defaults_filled(loaded: LoadedContract) -> None:
    explanation = explained(loaded, request("user", {"url": "/users", "body": {"a": 1}}, operation="http.post"))
    assert explanation.payload == {"url": "/users", "body": {"a": 1}, "params": {"lang": "en"}}
    assert explanation.call == {
        "method": "POST",
        "url": "https://api.example.com/v1/users?lang=en",
        "headers": ["content-type", "idempotency-key", "x-correlation-id", "authorization"],
        "body_bytes": 7,
    }


def test_a_transaction_is_shown_by_its_statements_and_their_number_of_parameters(loaded: LoadedContract) -> None:
    statements: JsonValue = [{"sql": "insert into a values ($1, $2)", "parameters": [1, 2]}, {"sql": "select 1"}]
    explanation = explained(loaded, request("rows", {"statements": statements}))
    assert explanation.steps[-1].message == "2 statements (2 parameters; 0 parameters)"
    assert explanation.call == {
        "statements": [
            {"sql": "insert into a values ($1, $2)", "parameters": 2},
            {"sql": "select 1", "parameters": 0},
        ]
    }


def test_a_compute_node_ends_where_the_function_of_the_host_would_be_called(loaded: LoadedContract) -> None:
    explanation = explained(loaded, request("total", {"price": "19.90"}, correlation_id=ID))
    assert [step.step for step in explanation.steps] == ALL[:7]
    assert explanation.steps[1].message == f"{ID}, as given"
    assert explanation.steps[-1].message == "the host's function would be called"
    assert explanation.payload == {"price": "19.90", "rate": "1.0"}
    assert explanation.outcome == "would run"


def test_a_mapped_request_is_shown_as_the_handler_would_get_it_and_without_secrets(loaded: LoadedContract) -> None:
    explanation = explained(loaded, request("mapped", {"id": "a/b", "password": "canary 1"}))
    assert "canary" not in explanation.model_dump_json()
    assert explanation.payload == {
        "url": "/users/a%2Fb",
        "params": {"p": REDACTED},
        "body": {"login": REDACTED},
    }
    assert explanation.steps[-1].message == f"POST https://api.example.com/v1/users/a%2Fb?p={REDACTED}"


def test_a_transform_gives_its_output(loaded: LoadedContract) -> None:
    explanation = explained(loaded, request("doubled", {"price": "19.90"}))
    assert explanation.output == {"total": "39.80"}
    assert explanation.steps[-1].message == "the transform gives the output"
    assert (explanation.outcome, explanation.payload) == ("would run", None)


@pytest.mark.parametrize(
    ("envelope", "step", "outcome", "message"),
    [
        (
            request("user", is_response=True, success=True),
            "correlation",
            "ENVELOPE_VALIDATION_ERROR",
            "a response",
        ),
        (request("user", ttl_seconds=5), "deadline", "ENVELOPE_EXPIRED", "ttl_seconds 5 had passed"),
        (request("usr"), "node", "NODE_NOT_FOUND", "Did you mean 'user'?"),
        (request("user"), "operation", "INVALID_OPERATION", "several operations: name one"),
        (request("user", operation="http.gte"), "operation", "INVALID_OPERATION", "Did you mean 'http.get'?"),
        (request("total", operation="http.get"), "operation", "INVALID_OPERATION", "is a COMPUTE node"),
        (request("rows", {}), "input", "ENVELOPE_VALIDATION_ERROR", "$.payload.statements: is required"),
        (request("total", {"price": 1.5}), "input", "ENVELOPE_VALIDATION_ERROR", "$.payload.price"),
        (
            request("user", {"url": "/admin"}, operation="http.get"),
            "request",
            "ENVELOPE_VALIDATION_ERROR",
            "may call below https://api.example.com/v1/users only",
        ),
        (
            request("user", {"url": "/users", "params": {"a": {}}}, operation="http.get"),
            "call",
            "INVALID_PARAMETER",
            "params.a does not fit",
        ),
        (request("rows", {"statements": [{"sql": ""}]}), "call", "INVALID_PARAMETER", "payload.statements[0].sql"),
        (request("mapped", {"id": ".."}), "request", "MAPPING_ERROR", "request.url"),
        (request("safe", {"path": "a/../b"}), "call", "INVALID_PARAMETER", "payload.path has an empty segment"),
    ],
)
def test_what_is_refused_is_refused_at_its_step_with_the_code_of_the_error_envelope(
    loaded: LoadedContract, envelope: dict[str, JsonValue], step: str, outcome: str, message: str
) -> None:
    explanation = explained(loaded, envelope)
    assert explanation.outcome == outcome
    assert explanation.error is not None
    assert explanation.error.code == outcome
    failed = explanation.steps[-1]
    assert (failed.step, failed.passed) == (step, False)
    assert message in failed.message
    assert steps(explanation)[:-1] == [(name, True) for name in ALL[: ALL.index(step)]]


@pytest.mark.parametrize(
    ("raw", "outcome", "message"),
    [
        (b"", "ENVELOPE_VALIDATION_ERROR", "$: "),
        (b'{"envelope_id": }', "ENVELOPE_VALIDATION_ERROR", "at byte 16"),
        (b"\xff\xfe", "ENVELOPE_VALIDATION_ERROR", "$"),
        (b"[" * 4_000, "ENVELOPE_VALIDATION_ERROR", "$"),
        (b" " * 5_000, "PAYLOAD_TOO_LARGE", "the limit is 4096"),
        (json.dumps(request("user", colour="red")).encode(), "ENVELOPE_VALIDATION_ERROR", "$.colour"),
    ],
)
def test_bytes_that_are_no_envelope_are_said_with_their_path(
    loaded: LoadedContract, raw: bytes, outcome: str, message: str
) -> None:
    explanation = Explainer(loaded, CLOCK).explain(raw)
    assert steps(explanation) == [("decode", False)]
    assert explanation.outcome == outcome
    assert message in explanation.steps[0].message


def test_every_problem_of_the_input_is_listed(loaded: LoadedContract) -> None:
    explanation = explained(loaded, request("total", {"price": 1.5, "rat": "2"}))
    assert len(explanation.steps[-1].problems) == 2
    assert "did you mean 'rate'" in explanation.steps[-1].problems[1]


def test_no_secret_of_the_payload_is_shown(loaded: LoadedContract) -> None:
    body: JsonValue = {
        "password": "canary-1",
        "copy": "is canary-1",
        "auth": "Bearer canary-2",
        "n": {"token": ["canary-3"]},
    }
    payload: JsonValue = {"url": "/users?token=canary-4&x=1", "body": body, "params": {"q": "canary-1 canary-3/x"}}
    explanation = explained(loaded, request("user", payload, operation="http.post"))
    assert "canary" not in explanation.model_dump_json()
    assert explanation.call is not None
    assert str(explanation.call["url"]).startswith(f"https://api.example.com/v1/users?{REDACTED}")
    assert explanation.payload is not None
    assert explanation.payload["url"] == f"/users?{REDACTED}"


def test_nothing_is_connected_to_and_no_driver_is_loaded_for_http(contract: str) -> None:
    program = (
        "import sys, socket\n"
        "def refuse(*args): raise AssertionError('connected')\n"
        "socket.socket.connect = refuse\n"
        "from omnibase_infra.cli.main import onex_host\n"
        "onex_host.main(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'httpx', 'asyncpg'} & set(sys.modules), 'a driver'\n"
    )
    envelope = json.dumps(request("user", {"url": "/users"}, operation="http.get"))
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, "explain", contract, envelope], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nwould run\n")


def explain(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    ended = CliRunner().invoke(onex_host, ["explain", *arguments], input=stdin)
    return ended.exit_code, ended.stdout, ended.stderr


def test_the_envelope_is_a_file_or_the_json_itself(contract: str, tmp_path: Path) -> None:
    text = json.dumps(request("total", {"price": "2"}))
    (tmp_path / "request.json").write_text(text + "\n")
    shown = explain(contract, text)
    assert shown[0] == 0
    assert shown[1].splitlines()[-1] == "would run"
    assert explain(contract, str(tmp_path / "request.json")) == shown


def test_the_envelope_is_read_from_stdin(contract: str) -> None:
    ended = run("onex-host", "explain", contract, "-", stdin=json.dumps(request("total", {"price": "2"})) + "\n")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.endswith("\nwould run\n")


def test_an_envelope_that_would_fail_ends_with_exit_code_3_and_its_code_last(contract: str) -> None:
    code, stdout, stderr = explain(contract, json.dumps(request("nobody")))
    assert (code, stderr) == (3, "")
    assert stdout.splitlines()[-1] == "NODE_NOT_FOUND"


def test_json_is_the_documented_model(contract: str) -> None:
    code, stdout, _ = explain("--format", "json", contract, json.dumps(request("nobody")))
    assert code == 3
    explanation = ModelExplanation.model_validate_json(stdout)
    assert explanation.error is not None
    assert explanation.outcome == explanation.error.code == "NODE_NOT_FOUND"


def test_a_file_that_is_not_there_is_a_usage_error(contract: str) -> None:
    code, stdout, stderr = explain(contract, "nowhere.json")
    assert (code, stdout) == (2, "")
    assert "'nowhere.json': No such file" in stderr


def test_a_contract_that_cannot_run_is_not_explained(tmp_path: Path) -> None:
    assert explain(contract_in(tmp_path, "runtime: {}\n"), "{}")[0] == 1
