"""What an author sees in an editor: the real language server, which finds our schemas by the first line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from omnibase_infra.examples.quickstart import FOLDER

from tests.infra.cli.language_server import INSTALL, LanguageServer, command, language_server
from tests.infra.cli.test_schema import EXAMPLES, ROOT
from tests.services import require_service

SCHEMAS: Final = ROOT / "contracts/schema"
RUNTIME: Final = f"# yaml-language-server: $schema={SCHEMAS}/runtime.schema.json\n"
NODE: Final = f"# yaml-language-server: $schema={SCHEMAS}/node.schema.json\n"
TEST: Final = f"# yaml-language-server: $schema={SCHEMAS}/test.schema.json\n"


@pytest.fixture(scope="module")
def editor() -> Iterator[LanguageServer]:
    words = command()
    require_service("yaml-language-server and node", words is not None, INSTALL)
    assert words is not None
    with language_server(words) as server:
        yield server


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_is_free_of_errors(editor: LanguageServer, path: Path) -> None:
    assert editor.open(path, path.read_text()) == []


def test_a_misspelt_field_is_an_error_at_its_line(editor: LanguageServer) -> None:
    path = FOLDER / "misspelt.yaml"
    text = (FOLDER / "runtime.yaml").read_text().replace("base_url:", "bas_url:")
    line = 1 + text[: text.index("bas_url")].count("\n")
    assert editor.open(path, text) == [(line, "Property bas_url is not allowed.")]


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("  event_bus: {kind: inmemry}", 'Value is not accepted. Valid values: "inmemory", "kafka".'),
        (
            "  handlers: [{type: htp}]",
            'Value is not accepted. Valid values: "local", "http", "db", "vault", "consul".',
        ),
        ("  handlers: [{type: db, config: {pool_size: many}}]", 'Incorrect type. Expected "integer".'),
        ("  handlers: [{type: db, config: {dsn: text}}]", 'Incorrect type. Expected "secret ref | null".'),
        ("  handlers: [{type: db, timeout_ms: 0}]", "Value is below the exclusive minimum of 0."),
        ("  nodes: [{slg: x}]", "Property slg is not allowed."),
    ],
)
def test_a_value_that_does_not_fit_is_an_error(editor: LanguageServer, mistake: str, message: str) -> None:
    _, found = editor.open_new(f"{RUNTIME}runtime:\n{mistake}\n")
    assert (3, message) in found


def test_a_policy_inside_config_is_marked_as_deprecated(editor: LanguageServer) -> None:
    text = f"{RUNTIME}runtime:\n  handlers: [{{type: db, config: {{timeout_ms: 5}}}}]\n"
    _, found = editor.open_new(text)
    assert (3, "'timeout_ms' inside 'config' is deprecated: it stands beside 'config'") in found


class TestCompletion:
    def offered(self, editor: LanguageServer, text: str) -> set[str]:
        """What is offered at the `^` of a text."""
        before = text[: text.index("^")]
        path, _ = editor.open_new(text.replace("^", ""))
        return editor.completions(path, before.count("\n") + 1, len(before) - before.rfind("\n"))

    def test_offers_the_fields_that_are_not_there_yet(self, editor: LanguageServer) -> None:
        offered = self.offered(editor, f'{RUNTIME}runtime:\n  name: "a"\n  ^\n')
        assert {"version", "event_bus", "handlers", "nodes"} <= offered
        assert "name" not in offered

    def test_offers_the_config_of_the_handler_type_and_no_other(self, editor: LanguageServer) -> None:
        offered = self.offered(
            editor, f"{RUNTIME}runtime:\n  handlers:\n    - type: db\n      config:\n        ^\n"
        )
        assert {"dsn", "pool_size", "statement_timeout_ms"} <= offered
        assert "base_url" not in offered

    def test_offers_handler_types(self, editor: LanguageServer) -> None:
        offered = self.offered(editor, f"{RUNTIME}runtime:\n  handlers:\n    - type: ^\n")
        assert {"http", "db", "vault", "consul"} <= offered

    def test_offers_the_operations_of_the_type(self, editor: LanguageServer) -> None:
        offered = self.offered(editor, f"{NODE}io_operations:\n  - type: db\n    operations:\n      - ^\n")
        assert offered == {"db.query", "db.execute", "db.transaction"}

    def test_offers_the_types_of_fields(self, editor: LanguageServer) -> None:
        text = f"{NODE}input_model:\n  name: M\n  fields:\n    - name: a\n      type: ^\n"
        assert {"string", "decimal", "list[string]"} <= self.offered(editor, text)

    def test_offers_the_fields_of_a_contract_test(self, editor: LanguageServer) -> None:
        offered = self.offered(editor, f"{TEST}tests:\n  - name: n\n    ^\n")
        assert {"node", "payload", "calls", "response", "now"} <= offered
        assert "name" not in offered

    def test_offers_the_operations_of_a_call(self, editor: LanguageServer) -> None:
        offered = self.offered(editor, f"{TEST}tests:\n  - calls:\n      - operation: ^\n")
        assert {"http.post", "db.query", "db.transaction"} <= offered

    def test_offers_the_result_of_the_operation_and_no_other(self, editor: LanguageServer) -> None:
        text = f"{TEST}tests:\n  - calls:\n      - operation: http.get\n        answer:\n          ^\n"
        offered = self.offered(editor, text)
        assert {"status_code", "headers", "body", "body_type"} <= offered
        assert "rows" not in offered

    def test_offers_the_codes_of_errors(self, editor: LanguageServer) -> None:
        offered = self.offered(editor, f"{TEST}tests:\n  - response:\n      error:\n        code: ^\n")
        assert {"HANDLER_TIMEOUT", "NODE_NOT_FOUND"} <= offered


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("  - {cals: []}", "Property cals is not allowed."),
        ("  - {calls: [{operation: db.query, answer: {row: []}}]}", "Property row is not allowed."),
        ("  - {calls: [{operation: db.query, sent: {sqll: x}}]}", "Property sqll is not allowed."),
        ("  - {response: {eror: {}}}", "Property eror is not allowed."),
        ("  - {node: store}", 'Missing property "response".'),
    ],
)
def test_a_mistake_in_a_contract_test_is_an_error(editor: LanguageServer, mistake: str, message: str) -> None:
    _, found = editor.open_new(f"{TEST}tests:\n{mistake}\n")
    assert (3, message) in found


def test_hovering_shows_what_a_field_means(editor: LanguageServer) -> None:
    path, _ = editor.open_new(f"{RUNTIME}runtime:\n  handlers:\n    - type: db\n      timeout_ms: 5\n")
    assert "The deadline of one attempt, in milliseconds" in editor.hover(path, 5, 9)
