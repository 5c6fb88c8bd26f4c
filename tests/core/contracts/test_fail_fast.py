"""Every row of the fail-fast table: a contract under golden/, and the whole message that it causes."""

from pathlib import Path
from typing import NamedTuple

import pytest
from omnibase_core.contracts.load import LoadedContract, load_contract

from tests.core.contracts.contracts_on_hand import GOLDEN, folder_reader, terminal


class Row(NamedTuple):
    """What is wrong in the folder of that name; `runs` where it is only a warning."""

    folder: str
    what: str
    runs: bool = False


ROWS = [
    Row("file_not_found", "the runtime contract does not exist"),
    Row("invalid_yaml", "a quote is missing"),
    Row("duplicate_key", "a key stands twice in one mapping"),
    Row("unknown_field", "a field that there is not"),
    Row("unknown_field_lenient", "the same, in a lenient run", runs=True),
    Row("unknown_handler_type", "a bus where a handler is wanted"),
    Row("missing_required_fields", "two required fields are missing, both are named"),
    Row("newer_major_version", "a schema version of a later generation"),
    Row("newer_minor_version_with_unknown_field", "a field of a later schema version"),
    Row("deprecated_field", "an older contract with policies inside config", runs=True),
    Row("duplicate_handler", "two handlers of one type without names"),
    Row("node_instead_of_runtime", "a node contract where a runtime contract is wanted"),
    Row("node_contract_missing", "node contracts that are nowhere; every path that was tried"),
    Row("duplicate_slug", "two nodes with one slug"),
    Row("slug_is_not_the_name", "a node contract of another name"),
    Row("unsupported_operation", "a node without a handler for its operation"),
    Row("disabled_handler", "a node whose handler is disabled"),
    Row("handler_of_another_name", "a node whose handler has another name"),
    Row("local_handler", "the handler for development in a production contract"),
    Row("literal_secret", "secrets by name and by form, in four places"),
    Row("malformed_secret_ref", "a secret reference that leaves its folder"),
    Row("invalid_topic", "upper case, and a direction that there is not"),
    Row("reserved_topic", "a reserved tenant"),
    Row("equal_topics", "output and dead letters into the input topic"),
    Row("kafka_without_its_fields", "a Kafka bus without servers, group and output topic"),
    Row("unset_variable", "a variable that is not set, beside one that has a default"),
    Row("unset_variable_without_environment", "the same, without an environment", runs=True),
    Row("variable_of_another_type", "a variable whose text is no integer"),
    Row("empty_handler_list", "no handlers at all", runs=True),
    Row("unknown_dependency", "a dependency that is no node"),
    Row("mapping_language", "mistakes in the mapping of a node"),
    Row("unknown_operation", "operations that there are not, or of another type"),
    Row("node_kinds", "an EFFECT node without operations, a COMPUTE node with some"),
    Row("unknown_field_type", "a misspelt field type"),
    Row("config_ref", "problems in a config_ref file, which `config` covers in part; another file is missing"),
    Row("http_config", "addresses, networks and headers that the http handler would refuse at its start"),
    Row("alias_bomb", "aliases of aliases"),
    Row("several_files", "problems in three files at once"),
]


def load_row(folder: str) -> LoadedContract:
    """Loads the contract of a folder; what the folder does not have comes from golden/base."""
    return load_contract(
        "runtime.yaml",
        folder_reader(GOLDEN / folder, GOLDEN / "base"),
        None if folder.endswith("_without_environment") else {"WORD": "several"},
        lenient=folder.endswith("_lenient"),
    )


@pytest.mark.parametrize("row", ROWS, ids=[row.folder for row in ROWS])
def test_a_row_of_the_fail_fast_table_gives_its_message(row: Row) -> None:
    loaded = load_row(row.folder)
    assert terminal(loaded) == (GOLDEN / row.folder / "message.txt").read_text(), row.what
    assert (loaded.runtime is not None) == row.runs


def test_every_folder_is_a_row() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {row.folder for row in ROWS} | {"base"}


@pytest.mark.parametrize("row", ROWS, ids=[row.folder for row in ROWS])
def test_no_message_shows_a_secret(row: Row) -> None:
    assert "hunter2" not in terminal(load_row(row.folder))


def test_every_problem_says_what_to_do() -> None:
    problems = [problem for row in ROWS for problem in load_row(row.folder).problems]
    assert [problem for problem in problems if not problem.action] == []


def test_problems_are_sorted_by_place() -> None:
    places = [(p.file, p.line or 0, p.column or 0) for p in load_row("several_files").problems]
    assert places == sorted(places)
    assert len({file for file, _, _ in places}) == 3


def test_an_absolute_path_is_named_as_it_is(tmp_path: Path) -> None:
    loaded = load_contract(f"{tmp_path}/none.yaml", folder_reader(Path("/")), {})
    assert loaded.problems[0].file == f"{tmp_path}/none.yaml"
