"""`onex-host describe`: how a contract is wired, and where the values of its handlers come from."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from omnibase_infra.cli.diagram import diagram
from omnibase_infra.cli.main import onex_host
from omnibase_infra.cli.wiring_models import ModelWiring
from omnibase_infra.examples import quickstart
from omnibase_infra.transports.postgres import Inbox

from tests.infra.cli.programs import MINIMAL, NODE, contract_in

QUICKSTART = str(Path(quickstart.__file__).parent / "runtime.yaml")
ORDERS = """\
runtime:
  name: "orders"
  version: "2.0.0"
  event_bus:
    kind: "kafka"
    config:
      bootstrap_servers: "${BROKERS}"
      consumer_group: "orders"
      topics: {input: "onex.acme.orders.cmd.v1", output: "onex.acme.orders.evt.v1"}
  handlers:
    - type: "http"
      timeout_ms: "${TIMEOUT}"
      config_ref: "http.yaml"
      config: {base_url: "${BASE}/v1", headers: {Authorization: {secret_ref: "api/token", prefix: "Bearer "}}}
    - {type: vault, name: "safe", rate_limit_per_second: 5, config: {address: http://v, token: {secret_ref: v/t}}}
  nodes: [{slug: "calculator", max_inflight: 3}]
"""
CALCULATOR = NODE.replace("[{type", '[{type: "vault", handler: "safe", operations: ["vault.get_secret"]}, {type')


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("BROKERS", "BASE", "TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "http.yaml").write_text('max_redirects: 3\nbase_url: "https://ignored"\n')
    return contract_in(tmp_path, ORDERS, calculator=CALCULATOR)


def described(*arguments: str) -> str:
    ended = CliRunner().invoke(onex_host, ["describe", *arguments])
    assert (ended.exit_code, ended.stderr) == (0, "")
    return ended.stdout


def test_the_table_shows_bus_handlers_and_nodes_in_80_columns() -> None:
    table = described(QUICKSTART)
    path, *rest = (line for line in table.splitlines() if line != f"  contract     {QUICKSTART}")
    assert path == "quickstart 1.0.0"
    assert max(map(len, rest)) <= 80
    for line in (
        "  input        onex.local.quickstart.cmd.v1",
        "handler http",
        "  operations   db.query, db.execute, db.transaction",
        "node calculate_total 1.0.0, COMPUTE",
        "                 rate: decimal, 1 by default",
        "  operation    http.get by http",
        "  may reach    http://127.0.0.1:8099/rates/*",
        "  may reach    INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id",
        "  may reach    nothing",
    ):
        assert line in rest


def test_a_node_without_a_mapping_may_reach_what_its_payload_says(tmp_path: Path) -> None:
    node = NODE.replace("http.get", "db.query").replace('"http"', '"db"')
    table = described(contract_in(tmp_path, MINIMAL.replace('"http"', '"db"'), calculator=node))
    assert "  may reach    any statement that the payload holds" in table.splitlines()


def test_a_variable_that_is_not_set_is_shown_by_name_and_the_values_of_others_are_used(
    orders: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = described(orders)
    assert "BROKERS, in runtime.event_bus.config.bootstrap_servers:" in table
    assert "TIMEOUT, in runtime.handlers[0].timeout_ms: ${TIMEOUT}" in table
    assert "  may reach    any path that the payload names\n               ${BASE}/v1" in table
    monkeypatch.setenv("BASE", "https://api.example.com")
    assert "               https://api.example.com\n" in described(orders)
    assert "               ${BASE}/v1\n" in described("--no-env", orders)


def test_secrets_are_shown_as_references(orders: str) -> None:
    table = described(orders)
    assert "  secrets      api/token\n" in table
    assert "handler safe (vault)\n" in table
    assert "  secrets      v/t\n" in table


def test_what_must_exist_before_a_start_is_shown_as_sql(orders: str) -> None:
    assert "  must exist " not in described(orders)
    inbox = '{type: "db", config: {idempotency: "inbox", inbox_table: "shop.inbox"}}'
    text = Path(orders).read_text().replace("  nodes: [", f"    - {inbox}\n  nodes: [")
    Path(orders).write_text(text)
    assert '  must exist   CREATE TABLE "shop"."inbox" (\n                 envelope_id uuid' in described(orders)
    wiring = json.loads(described("--format", "json", orders))
    needs = {handler["name"]: handler["needs"] for handler in wiring["handlers"]}
    assert needs == {"http": None, "safe": None, "db": Inbox("shop.inbox", 168).ddl}


def test_a_target_is_all_that_a_node_may_reach(tmp_path: Path) -> None:
    node = NODE.replace('["http.get"]', '["http.get"], target: "https://api.example.com/users"')
    assert "  may reach    https://api.example.com/users/*\n" in described(contract_in(tmp_path, calculator=node))


MAPPED = NODE.replace(
    'io_operations: [{type: "http", operations: ["http.get"]}]\n',
    """\
io_operations:
  - type: "http"
    operations: ["http.get"]
    request: {url: "/users/${{ input.url }}/x", params: {q: "${{ '}}' }}"}}
    response: {status_code: "${{ result.status_code }}"}
  - type: "db"
    operations: ["db.transaction"]
    request:
      statements: [{sql: "insert into a\\n  values ($1)", parameters: ["${{ input.url }}"]}, {sql: "select 1"}]
    response: {status_code: 1}
""",
)
MAPPED_RUNTIME = MINIMAL.replace(
    '{type: "http"}', '{type: "http", config: {base_url: "https://a.example.com/v1"}}, {type: "db"}'
)


def test_what_a_mapped_node_may_reach_stands_in_its_contract(tmp_path: Path) -> None:
    table = described(contract_in(tmp_path, MAPPED_RUNTIME, calculator=MAPPED))
    assert table.endswith(
        "  operation    http.get by http\n"
        "    request    url: /users/${{ input.url }}/x\n"
        "               params.q: ${{ '}}' }}\n"
        "    response   status_code: ${{ result.status_code }}\n"
        "  operation    db.transaction by db\n"
        "    request    statements[0].sql: insert into a values ($1)\n"
        '               statements[0].parameters: ["${{ input.url }}"]\n'
        "               statements[1].sql: select 1\n"
        "    response   status_code: 1\n"
        "  may reach    https://a.example.com/v1/users/*/x\n"
        "               insert into a values ($1)\n"
        "               select 1\n"
    )


def test_a_mapped_node_as_json_has_its_mapping_as_it_is_written(tmp_path: Path) -> None:
    document = json.loads(described("--format", "json", contract_in(tmp_path, MAPPED_RUNTIME, calculator=MAPPED)))
    first, second = document["nodes"][0]["operations"]
    assert first["reach"] == {"hosts": ["https://a.example.com"], "paths": ["/v1/users/*/x"], "statements": []}
    assert second["reach"]["statements"] == ["insert into a values ($1)", "select 1"]
    assert first["mapping"]["response"] == {"status_code": "${{ result.status_code }}"}
    assert document["nodes"][0]["mapping"] == {}


def test_json_is_the_documented_model(orders: str) -> None:
    document = json.loads(described("--format", "json", orders))
    wiring = ModelWiring.model_validate(document)
    assert [handler.name for handler in wiring.handlers] == ["http", "safe"]
    assert wiring.handlers[1].nodes == ("calculator",)
    assert [value.field for value in wiring.unset] == [
        "runtime.event_bus.config.bootstrap_servers",
        "runtime.handlers[0].timeout_ms",
        "runtime.handlers[0].config.base_url",
    ]
    (node,) = document["nodes"]
    assert node["slug"] == "calculator"
    assert node["max_inflight"] == 3
    assert node["input_model"] == {
        "name": "ModelIn",
        "fields": [{"name": "url", "type": "string", "required": True, "default": None, "description": None}],
    }
    assert node["operations"][1] == {
        "operation": "http.get",
        "handler": "http",
        "target": None,
        "mapping": {},
        "reach": {"hosts": ["${BASE}/v1"], "paths": ["*"], "statements": []},
    }


def test_config_says_where_each_value_comes_from(orders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE", "https://api.example.com")
    document = json.loads(described("--config", "--format", "json", orders))
    http, safe = ({value["field"]: value for value in handler["values"]} for handler in document["handlers"])
    where = ("value", "source", "line", "variables", "unset")
    shown = {
        field: tuple(http[field][name] for name in where)
        for field in ("base_url", "max_redirects", "timeout_ms", "retry_policy.max_retries")
    }
    assert shown == {
        "base_url": ("https://api.example.com/v1", "contract", 14, ["BASE"], False),
        "max_redirects": (3, "config_ref", 1, [], False),
        "timeout_ms": ("${TIMEOUT}", "contract", 12, ["TIMEOUT"], True),
        "retry_policy.max_retries": (3, "default", None, [], False),
    }
    assert http["max_redirects"]["file"].endswith("/http.yaml")
    assert http["headers"]["value"] == {"Authorization": {"secret_ref": "api/token", "prefix": "Bearer "}}
    assert safe["token"]["value"] == {"secret_ref": "v/t"}
    assert safe["rate_limit_per_second"]["line"] == 15


def test_config_says_where_each_secret_is_looked_for(orders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEX_SECRETS_DIR", "/mnt/secrets")
    monkeypatch.setenv("ONEX_SECRET_API_TOKEN", "c4n4ry")
    places = ["environment variable ONEX_SECRET_API_TOKEN", "file /mnt/secrets/api/token"]
    assert json.loads(described("--config", "--format", "json", orders))["secrets"][0] == {
        "reference": "api/token",
        "places": places,
    }
    table = described("--config", orders)
    assert "\n".join(["secrets, looked for in this order", "  api/token", *(f"    {p}" for p in places)]) in table
    assert "c4n4ry" not in table


def test_config_names_the_variable_that_overrides_a_value(orders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    allowing = (
        Path(orders).read_text().replace('config_ref: "http', 'env_overrides: true\n      config_ref: "http')
    )
    Path(orders).write_text(allowing)
    monkeypatch.setenv("ONEX_HANDLER_HTTP_MAX_REDIRECTS", "4")
    document = json.loads(described("--config", "--format", "json", orders))
    (value,) = (value for value in document["handlers"][0]["values"] if value["field"] == "max_redirects")
    where = {"file": None, "line": None, "column": None, "unset": False}
    variables = ["ONEX_HANDLER_HTTP_MAX_REDIRECTS"]
    assert value == {
        "field": "max_redirects",
        "value": "4",
        "source": "environment",
        "variables": variables,
        **where,
    }
    assert "    environment ONEX_HANDLER_HTTP_MAX_REDIRECTS" in described("--config", orders).splitlines()


@pytest.mark.parametrize(("kind", "effective"), [("kafka", "pause"), ("inmemory", "fail")])
def test_on_open_is_shown_as_it_holds_on_this_bus(orders: str, kind: str, effective: str, tmp_path: Path) -> None:
    contract = orders if kind == "kafka" else contract_in(tmp_path, MINIMAL)
    assert f"calls then {effective}" in " ".join(described(contract).split())
    assert json.loads(described("--format", "json", contract))["handlers"][0]["on_open"] == effective
    lines = described("--config", contract).splitlines()
    assert next(line.split() for line in lines if "on_open" in line) == ["on_open", effective, "default"]


def test_config_as_a_table_has_80_columns_and_names_lines(orders: str) -> None:
    lines = described("--config", orders).splitlines()
    assert "  max_redirects                      3" in [line[:38].rstrip() for line in lines]
    assert "    line 12, from TIMEOUT, not set" in lines
    assert "  rate_limit_per_second              5                       line 15" in lines
    assert all(len(line) <= 80 for line in lines if "http.yaml" not in line and "Authorization" not in line)


def test_a_deprecated_policy_inside_config_is_found_where_it_stands(tmp_path: Path) -> None:
    contract = contract_in(tmp_path, MINIMAL.replace('"http"', '"http", config: {timeout_ms: 70}'))
    document = json.loads(described("--config", "--format", "json", contract))
    (value,) = (value for value in document["handlers"][0]["values"] if value["field"] == "timeout_ms")
    assert (value["value"], value["source"], value["line"]) == (70, "contract", 5)


def test_mermaid_is_a_flowchart_of_topics_nodes_handlers_and_hosts(orders: str) -> None:
    assert described("--format", "mermaid", orders) == (
        "flowchart LR\n"
        '  input[/"onex.acme.orders.cmd.v1"/] --> host\n'
        '  subgraph host["orders 2.0.0"]\n'
        '    node0["calculator<br/>EFFECT"]\n'
        '    handler0{{"http"}}\n'
        '    handler1{{"safe<br/>vault"}}\n'
        "  end\n"
        '  host --> output[/"onex.acme.orders.evt.v1"/]\n'
        '  node0 -- "vault.get_secret" --> handler1\n'
        '  node0 -- "http.get" --> handler0\n'
        '  handler0 --> host0(["${BASE}/v1"])\n'
    )


_LINE = re.compile(
    r'  +(?:subgraph host\["[^"`<>#;|\\%]*"\]|end|(?:[a-z]+\d*|host\d+)'
    r'(?:(?:\[/|\[|\{\{|\(\[|\[\()"(?:[^"`<>#;|\\%]|<br/>|#\d+;)*"(?:/\]|\]|\}\}|\]\)|\)\]))?'
    r'(?: (?:-->|-- "[^"`<>#;|\\%]*" -->|-\. dead letters \.->) [a-z]+\d*(?:db)?'
    r'(?:(?:\[/|\(\[|\[\()"(?:[^"`<>#;|\\%]|#\d+;)*"(?:/\]|\]\)|\)\]))?)?)'
)


@given(st.text(max_size=40))
def test_no_text_leaves_its_quotes_in_the_diagram(text: str) -> None:
    wiring = ModelWiring.model_validate_json(
        json.dumps(
            {
                "file": "r.yaml",
                "name": "orders",
                "version": "1.0.0",
                "event_bus": {
                    "kind": "inmemory",
                    "topics": {"input": text, "output": "out", "dead_letter": text},
                    "max_inflight_envelopes": 1,
                    "pause_consumption_threshold": 80,
                    "ordering": "key",
                    "max_envelope_bytes": 4096,
                    "circuit_breaker_threshold": 5,
                    "options": {},
                },
                "handlers": [],
                "nodes": [],
                "unset": [],
            },
            ensure_ascii=True,
        )
    )
    first, *lines = diagram(wiring).split("\n")
    assert first == "flowchart LR"
    assert all(_LINE.fullmatch(line) for line in lines), lines


def test_a_contract_with_errors_is_not_described(tmp_path: Path) -> None:
    ended = CliRunner().invoke(onex_host, ["describe", contract_in(tmp_path, MINIMAL + "  colour: red\n")])
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "colour" in ended.stderr


def test_values_are_no_diagram(orders: str) -> None:
    assert CliRunner().invoke(onex_host, ["describe", "--config", "--format", "mermaid", orders]).exit_code == 2
