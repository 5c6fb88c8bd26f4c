"""The JSON Schemas for editors: what they say, and that they and the validator agree."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml
from omnibase_core.contracts.editor import editor_schema
from omnibase_core.contracts.editor_texts import TEXTS
from omnibase_core.contracts.schema import ContractKind, kind_of
from omnibase_core.contracts.source import YamlValue, parse_yaml

from tests.core.contracts.contracts_on_hand import load
from tests.core.contracts.test_contract_fuzz import (
    FILES,
    NODE,
    PLACES,
    REPLACEMENTS,
    REQUIRED,
    RUNTIME,
    Damage,
    Place,
    load_damaged,
    text_of,
)
from tools.reference.refusals import FOLDER as REFUSED

ROOT: Final = Path(__file__).resolve().parents[3]
KINDS: Final[tuple[ContractKind, ...]] = ("runtime", "node", "test")
VALIDATORS: Final = {kind: jsonschema.Draft7Validator(editor_schema(kind)) for kind in KINDS}
EXAMPLES: Final = sorted(
    path
    for folder in (ROOT / "contracts", ROOT / "packages/omnibase_infra/src/omnibase_infra/examples")
    for path in folder.rglob("*.yaml")
    if REFUSED not in path.parents and kind_of(yaml.safe_load(path.read_text())) is not None
)


def value_of(text: str) -> YamlValue:
    document, problems = parse_yaml(text, "contract.yaml")
    assert (document is not None, problems) == (True, [])
    assert document is not None
    return document.value


def accepts(kind: ContractKind, value: YamlValue) -> bool:
    return not list(VALIDATORS[kind].iter_errors(value))


def runtime(event_bus: YamlValue = None, **handler: YamlValue) -> YamlValue:
    return {
        "runtime": {
            "name": "orders",
            "version": "1.0.0",
            "event_bus": event_bus or {"kind": "inmemory"},
            "handlers": [{"type": "http", **handler}],
            "nodes": [{"slug": "fetch_user"}],
        }
    }


def node(**changes: YamlValue) -> YamlValue:
    assert isinstance(NODE, dict)
    return {**NODE, **changes}


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in {"": schema, **schema["definitions"]}.items():
        for field, inner in definition.get("properties", {}).items():
            yield f"{name}.{field}", inner


@pytest.mark.parametrize("kind", KINDS)
class TestASchema:
    def test_is_of_draft_7(self, kind: ContractKind) -> None:
        schema = editor_schema(kind)
        assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
        jsonschema.Draft7Validator.check_schema(schema)

    def test_describes_every_field_and_every_model(self, kind: ContractKind) -> None:
        schema: dict[str, Any] = editor_schema(kind)
        assert [name for name, inner in properties(schema) if not inner.get("description")] == []
        assert [name for name, model in schema["definitions"].items() if not model.get("description")] == []

    def test_gives_examples_that_it_accepts_itself(self, kind: ContractKind) -> None:
        schema: dict[str, Any] = editor_schema(kind)
        with_examples = [(name, inner) for name, inner in properties(schema) if "examples" in inner]
        assert len(with_examples) >= 6
        for name, inner in with_examples:
            alone = jsonschema.Draft7Validator({**inner, "definitions": schema["definitions"]})
            assert [example for example in inner["examples"] if not alone.is_valid(example)] == [], name

    def test_has_defaults_that_it_accepts_itself(self, kind: ContractKind) -> None:
        schema: dict[str, Any] = editor_schema(kind)
        for name, inner in properties(schema):
            alone = jsonschema.Draft7Validator({**inner, "definitions": schema["definitions"]})
            assert "default" not in inner or alone.is_valid(inner["default"]), name

    def test_says_nothing_that_draft_7_passes_over(self, kind: ContractKind) -> None:
        def beside_references(value: object) -> Iterator[object]:
            if isinstance(value, dict):
                if "$ref" in value and len(value) > 1:
                    yield value
                for inner in value.values():
                    yield from beside_references(inner)
            elif isinstance(value, list):
                for inner in value:
                    yield from beside_references(inner)

        assert list(beside_references(editor_schema(kind))) == []

    def test_is_the_same_each_time(self, kind: ContractKind) -> None:
        assert json.dumps(editor_schema(kind)) == json.dumps(editor_schema(kind))

    @pytest.mark.parametrize(
        "folder",
        ["contracts/schema", "packages/omnibase_infra/src/omnibase_infra/examples/quickstart/schema"],
    )
    def test_is_what_the_files_say(self, kind: ContractKind, folder: str) -> None:
        written = json.loads((ROOT / folder / f"{kind}.schema.json").read_text())
        assert written == editor_schema(kind), f"uv run onex-host schema {kind} > {folder}/{kind}.schema.json"


def test_texts_are_of_fields_that_there_are() -> None:
    schemas: list[dict[str, Any]] = [editor_schema(kind) for kind in KINDS]
    told = {inner["description"] for schema in schemas for _, inner in properties(schema)}
    told |= {model["description"] for schema in schemas for model in [schema, *schema["definitions"].values()]}
    stale = [
        f"{model}.{field}"
        for model, fields in TEXTS.items()
        for field, text in fields.items()
        if text.description not in told
    ]
    assert stale == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
class TestAnExample:
    def test_names_its_schema_in_its_first_line(self, path: Path) -> None:
        first = path.read_text().splitlines()[0]
        comment, _, target = first.partition("=")
        assert comment == "# yaml-language-server: $schema"
        kind = kind_of(value_of(path.read_text()))
        assert (path.parent / target).name == f"{kind}.schema.json"
        assert (path.parent / target).is_file()

    def test_is_accepted(self, path: Path) -> None:
        value = value_of(path.read_text())
        kind = kind_of(value)
        assert kind is not None
        assert [error.message for error in VALIDATORS[kind].iter_errors(value)] == []


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 7


class TestARuntimeContract:
    @pytest.mark.parametrize(
        "value",
        [
            runtime(timeout_ms="${TIMEOUT}"),
            runtime(enabled="${ON:-true}"),
            runtime(on_open="${POLICY}"),
            runtime(name="${NAME}"),
            runtime({"kind": "${KIND}", "config": {"anything": 1}}),
            runtime(config=None, on_open=None),
            runtime(config={"timeout_ms": 5, "retry_policy": {"max_retries": 1}}),
            runtime(
                config={
                    "base_url": "https://api.example.com",
                    "headers": {"Authorization": {"secret_ref": "api/token", "prefix": "Bearer "}},
                }
            ),
            runtime(rate_limit_per_second=1),
            runtime({"kind": "inmemory", "config": {"topics": {"dead_letter": None}}}),
        ],
    )
    def test_is_accepted_where_the_validator_accepts_it(self, value: YamlValue) -> None:
        environment = {"TIMEOUT": "5", "POLICY": "fail", "NAME": "http", "KIND": "inmemory"}
        if "anything" not in json.dumps(value):
            assert load(json.dumps(value), environment=environment).runtime is not None
        assert accepts("runtime", value)

    @pytest.mark.parametrize(
        "value",
        [
            runtime(config={"base_ulr": "https://x"}),
            runtime(config={"dsn": {"secret_ref": "x"}}),
            runtime(config={"headers": {"X": {"secret_ref": "${X}"}}}),
            runtime(type="htp"),
            runtime(timeout_ms=0),
            runtime(timeout_ms="soon"),
            runtime(retry_policy={"backoff_strategy": "linear"}),
            runtime(name="Not A Name"),
            runtime({"kind": "kafka"}),
            runtime({"kind": "inmemory", "config": {"orderin": "key"}}),
        ],
    )
    def test_is_refused_with_the_validator(self, value: YamlValue) -> None:
        assert load(json.dumps(value)).runtime is None
        assert not accepts("runtime", value)


class TestANodeContract:
    @pytest.mark.parametrize(
        "changes",
        [
            {"io_operations": []},
            {"node_type": "COMPUTE"},
            {"io_operations": [{"type": "http", "operations": ["http.gett"]}]},
            {"io_operations": [{"type": "db", "operations": ["http.get"]}]},
            {"on_failure": "ignore"},
            {"schema_version": "1"},
        ],
    )
    def test_is_refused_with_the_validator(self, changes: dict[str, YamlValue]) -> None:
        value = node(**changes)
        assert load(json.dumps(RUNTIME), {"nodes/fetch_user.yaml": json.dumps(value)}).runtime is None
        assert not accepts("node", value)


SCHEMA_SPEAKS: Final = {
    "unknown_field", "unknown_handler_type", "missing_required_fields", "node_kinds", "unknown_operation",
}  # fmt: skip


@pytest.mark.parametrize("folder", sorted(SCHEMA_SPEAKS))
def test_what_a_schema_can_say_of_the_kept_mistakes_it_says(folder: str) -> None:
    files = (REFUSED / folder).rglob("*.yaml")
    values = [(kind_of(value), value) for value in (value_of(path.read_text()) for path in files)]
    assert any(kind is not None and not accepts(kind, value) for kind, value in values)


def damaged(place: Place, damage: Damage) -> tuple[ContractKind, YamlValue]:
    kind: ContractKind = "runtime" if place.file == "runtime.yaml" else "node"
    return kind, value_of(text_of(FILES[place.file], place.path, damage))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.file}:{place.name}")
class TestADamagedEntry:
    def test_left_out_is_refused_exactly_where_the_validator_refuses_it(self, place: Place) -> None:
        assert accepts(*damaged(place, lambda key, value: [])) is (place.name not in REQUIRED[place.file])

    def test_renamed_is_refused(self, place: Place) -> None:
        assert not accepts(*damaged(place, lambda key, value: [(f"{key}_", value)]))

    @pytest.mark.parametrize("replacement", REPLACEMENTS, ids=repr)
    def test_of_another_type_is_refused_by_the_validator_too(self, place: Place, replacement: YamlValue) -> None:
        def damage(key: str, value: YamlValue) -> list[tuple[str, YamlValue]]:
            return [(key, replacement)]

        if not accepts(*damaged(place, damage)):
            assert load_damaged(place, damage).runtime is None
        elif load_damaged(place, damage).runtime is None:
            assert replacement in ("text", ["text"]), "what a text may say is the validator's matter"
