"""`onex-host test` of nodes that use Vault and Consul: the handlers' own code, on written answers."""

from pathlib import Path
from typing import Final

import pytest

from tests.infra.cli.programs import contract_in
from tests.infra.cli.test_contract_tests import ran

RUNTIME: Final = """\
runtime:
  name: "keys_host"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers:
    - type: "vault"
      config: {address: "https://v.example.com", allow: ["keys"], token: {secret_ref: "vault/token"}}
    - {type: "consul", config: {address: "http://c.example.com:8500"}}
  nodes: [{slug: "vault"}, {slug: "consul"}]
"""
NODE: Final = """\
node_version: "1.0.0"
name: "{kind}"
node_type: "EFFECT"
input_model: {{name: "ModelIn", fields: [{{name: "path", type: "any", required: false}},
  {{name: "data", type: "any", required: false}}, {{name: "cas", type: "any", required: false}},
  {{name: "name", type: "any", required: false}}, {{name: "service_id", type: "any", required: false}}]}}
output_model: {{name: "ModelOut", fields: [{fields}]}}
io_operations: [{{type: "{kind}", operations: [{operations}]}}]
"""
FIELDS: Final = {
    "vault": "data version created_time keys deleted",
    "consul": "service_id deregistered instances status checks services",
}
OPERATIONS: Final = {
    "vault": "get_secret list_secrets set_secret delete_secret",
    "consul": "register_service deregister_service get_service health_check_service list_services",
}


@pytest.fixture
def contract(tmp_path: Path) -> str:
    (tmp_path / "tests").mkdir()
    nodes = {
        kind: NODE.format(
            kind=kind,
            fields=", ".join(f'{{name: "{name}", type: "any", required: false}}' for name in FIELDS[kind].split()),
            operations=", ".join(f"{kind}.{name}" for name in OPERATIONS[kind].split()),
        )
        for kind in FIELDS
    }
    return contract_in(tmp_path, RUNTIME, **nodes)


def played(operation: str, payload: str, answer: str, response: str) -> str:
    """One test: a request, the answer of its call, and the response."""
    kind = operation.partition(".")[0]
    return (
        f'  - {{name: "{operation}", node: "{kind}", operation: "{operation}", payload: {payload}, '
        f"calls: [{{{answer}}}], response: {{{response}}}}}\n"
    )


INSTANCE: Final = '{service_id: "a", status: "passing", checks: []}'


@pytest.mark.parametrize(
    ("operation", "payload", "answer", "response"),
    [
        (
            "vault.get_secret",
            "{path: keys/a}",
            "{data: {k: v}}",
            '{data: {k: v}, version: 1, created_time: "2026-01-01T00:00:00Z"}',
        ),
        (
            "vault.get_secret",
            "{path: keys/a}",
            '{data: {}, version: 7, created_time: "t"}',
            '{data: {}, version: 7, created_time: "t"}',
        ),
        ("vault.list_secrets", "{path: keys}", "{keys: [a, b/]}", "{keys: [a, b/]}"),
        ("vault.set_secret", "{path: keys/a, data: {}, cas: 3}", "{}", "{version: 4}"),
        ("vault.delete_secret", "{path: keys/a}", "{}", "{deleted: true}"),
        ("consul.register_service", "{name: a}", "{}", "{service_id: a}"),
        ("consul.deregister_service", "{service_id: a}", "{deregistered: false}", "{deregistered: false}"),
        ("consul.get_service", "{name: a}", f"{{instances: [{INSTANCE}]}}", f"{{instances: [{INSTANCE}]}}"),
        (
            "consul.health_check_service",
            "{name: a}",
            "{status: warning, checks: [{name: c}]}",
            "{status: warning, checks: [{name: c}]}",
        ),
        ("consul.health_check_service", "{name: a}", "{status: absent}", "{status: absent, checks: []}"),
        ("consul.list_services", "{}", "{services: {a: [x]}}", "{services: {a: [x]}}"),
    ],
)
def test_each_operation_answers_as_it_is_written(
    contract: str, operation: str, payload: str, answer: str, response: str
) -> None:
    result = ran(contract, played(operation, payload, f"answer: {answer}", f"payload_includes: {response}"))
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("operation", "payload", "call", "code"),
    [
        ("vault.get_secret", "{path: keys/a}", "fails: {code: HANDLER_UNAVAILABLE}", "HANDLER_UNAVAILABLE"),
        ("consul.list_services", "{}", "fails: {code: HANDLER_TIMEOUT}", "HANDLER_TIMEOUT"),
    ],
)
def test_a_call_fails_as_it_is_written(contract: str, operation: str, payload: str, call: str, code: str) -> None:
    result = ran(contract, played(operation, payload, call, f"error: {{code: {code}}}"))
    assert result.exit_code == 0, result.output


def test_a_path_that_the_contract_does_not_allow_is_refused_as_by_the_real_handler(contract: str) -> None:
    error = "error: {code: INVALID_PARAMETER, message: allow}"
    result = ran(contract, played("vault.get_secret", "{path: other/a}", "answer: {data: {}}", error))
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("operation", "payload", "answer", "said"),
    [
        ("vault.get_secret", "{path: keys/a}", "{}", "Missing required field 'data'"),
        ("vault.set_secret", "{path: keys/a, data: {}}", "{version: 0}", "version"),
        ("consul.health_check_service", "{name: a}", "{status: fine}", "status"),
        ("consul.list_services", "{}", "{service: {}}", "Unknown field 'service'"),
        ("consul.register_service", "{name: a}", "{service_id: b}", "has the id a"),
    ],
)
def test_an_answer_that_its_server_cannot_give_is_refused(
    contract: str, operation: str, payload: str, answer: str, said: str
) -> None:
    result = ran(contract, played(operation, payload, f"answer: {answer}", "payload_includes: {}"))
    assert result.exit_code != 0
    assert said in result.output
