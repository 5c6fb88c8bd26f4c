"""`onex-host dev` and databases: a server of its own for a handler that has none, and only for such a one."""

from pathlib import Path

import pytest
from omnibase_infra.embedded import EmbeddedPostgres

from tests.infra.cli.devhosts import DevHost, project_in
from tests.integration.conftest import require_postgres
from tests.integration.test_embedded import eventually, servers_in

RUNTIME = """\
runtime:
  name: "shop"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers:
    - {type: "db", name: "lacking", config: {dsn: {secret_ref: "nowhere/dsn"}, idempotency: "inbox"}}
    - {type: "db", name: "given", config: {dsn: {secret_ref: "shop/dsn"}}}
  nodes: [{slug: "lacking"}, {slug: "given"}]
"""
NODE = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "HANDLER"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: []}
output_model: {name: "ModelOut", fields: [{name: "folder", type: "string"}, {name: "inbox", type: "boolean"}]}
io_operations:
  - type: "db"
    handler: "HANDLER"
    operations: ["db.query"]
    request:
      sql: |
        SELECT current_setting('unix_socket_directories') AS folder, to_regclass('onex_inbox') IS NOT NULL AS inbox
    response: {folder: "${{ result.rows[0].folder }}", inbox: "${{ result.rows[0].inbox }}"}
"""


def test_a_handler_whose_secret_is_nowhere_gets_a_server_for_this_run_and_no_other_does(tmp_path: Path) -> None:
    require_postgres()
    project_in(tmp_path, **{name: NODE.replace("HANDLER", name) for name in ("lacking", "given")})
    (tmp_path / "runtime.yaml").write_text(RUNTIME)
    with (
        EmbeddedPostgres(password="told") as given,
        DevHost(tmp_path, environment={"ONEX_SECRET_SHOP_DSN": given.dsn}) as host,
    ):
        lacking, told = host.payload("lacking"), host.payload("given")
        place = given.dsn.rpartition("host=")[2]
        greeting = "".join(host.greeting)
        host.replace("nodes/lacking.yaml", "SELECT", "SELECT ")
        host.says("reloaded in")
        again = host.payload("lacking")
    assert isinstance(lacking, dict)
    assert "  database  a PostgreSQL for lacking, empty again at the next start\n" in greeting
    assert lacking["inbox"] is True
    assert lacking == again
    assert told == {"folder": place, "inbox": False}
    folder = Path(lacking["folder"])
    assert eventually(lambda: not folder.exists() and not servers_in(folder))


def test_sql_that_fails_ends_the_start_with_its_line(tmp_path: Path) -> None:
    require_postgres()
    project_in(tmp_path, lacking=NODE.replace("HANDLER", "lacking"))
    runtime = RUNTIME.replace(', {slug: "given"}', "")
    (tmp_path / "runtime.yaml").write_text(runtime.replace("shop/dsn", "nowhere/other"))
    (tmp_path / "schema.sql").write_text("CREATE TABLE a (b int);\nCREATE TABEL c (d int);\n")
    host = DevHost(tmp_path, "--sql", "schema.sql")
    with pytest.raises(AssertionError, match=r"schema\.sql:2"), host:
        pass
    host.process.communicate(timeout=30)
    assert host.process.returncode == 1
