"""Every kind of mistake that ends a start: a contract under contracts/refused, and its whole message."""

from pathlib import Path

import pytest
from omnibase_core.contracts.load import load_contract

from tools.reference.refusals import FOLDER, Row, folder_reader, groups, load_row, terminal

ROWS = [row for group in groups() for row in group.rows]
each_row = pytest.mark.parametrize("row", ROWS, ids=[row.folder for row in ROWS])


@each_row
def test_a_mistake_gives_its_message(row: Row) -> None:
    loaded = load_row(row)
    assert terminal(loaded) == row.message, row.what
    assert (loaded.runtime is None) == ("  Error: " in row.message)


def test_every_folder_is_a_row() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    assert folders == {row.folder for row in ROWS} | {"base"}


@each_row
def test_no_message_shows_a_secret(row: Row) -> None:
    assert "hunter2" not in row.message


def test_every_problem_says_what_to_do() -> None:
    problems = [problem for row in ROWS for problem in load_row(row).problems]
    assert [problem for problem in problems if not problem.action] == []


def test_problems_are_sorted_by_place() -> None:
    row = next(row for row in ROWS if row.folder == "several_files")
    places = [(p.file, p.line or 0, p.column or 0) for p in load_row(row).problems]
    assert places == sorted(places)
    assert len({file for file, _, _ in places}) == 3


def test_an_absolute_path_is_named_as_it_is(tmp_path: Path) -> None:
    loaded = load_contract(f"{tmp_path}/none.yaml", folder_reader(Path("/")), {})
    assert loaded.problems[0].file == f"{tmp_path}/none.yaml"
