"""`onex-host diff`: two contracts, each change, and an exit code for what breaks."""

import json
from pathlib import Path

from click.testing import CliRunner
from omnibase_infra.cli.main import onex_host

from tests.infra.cli.programs import MINIMAL, NODE, contract_in


def diff(*arguments: str) -> tuple[int, str, str]:
    ended = CliRunner().invoke(onex_host, ["diff", *arguments])
    return ended.exit_code, ended.stdout, ended.stderr


def sides(tmp_path: Path, new: str = MINIMAL, node: str = NODE) -> tuple[str, str]:
    old_folder, new_folder = tmp_path / "old", tmp_path / "new"
    old_folder.mkdir()
    new_folder.mkdir()
    return contract_in(old_folder), contract_in(new_folder, new, calculator=node)


def test_equal_contracts_have_no_changes(tmp_path: Path) -> None:
    assert diff(*sides(tmp_path)) == (0, "No changes\n", "")


def test_a_breaking_change_ends_with_exit_code_1_and_both_places(tmp_path: Path) -> None:
    old, new = sides(tmp_path, node=NODE.replace('"EFFECT"', '"EFFECT"\non_failure: dead_letter'))
    code, stdout, stderr = diff(new, old)
    assert (code, stderr) == (1, "")
    assert stdout == (
        "breaking for operators: calculator: on_failure changed\n"
        "  dead_letter -> answer: failures are no longer dead-lettered\n"
        f"  old: {tmp_path}/new/nodes/calculator.yaml:5:13\n"
        f"  new: {tmp_path}/old/nodes/calculator.yaml:1:1\n"
        "\n"
        "1 change, 1 breaking\n"
    )


def test_a_compatible_change_ends_with_exit_code_0(tmp_path: Path) -> None:
    old, new = sides(tmp_path, MINIMAL.replace('type: "http"', 'type: "http", timeout_ms: 100'))
    code, stdout, _ = diff(old, new)
    assert code == 0
    assert stdout.endswith("\n1 change, 0 breaking\n")


def test_json_has_the_counts_and_every_change(tmp_path: Path) -> None:
    old, new = sides(tmp_path, node=NODE.replace('"EFFECT"', '"EFFECT"\non_failure: dead_letter'))
    code, stdout, _ = diff("--format", "json", old, new)
    assert code == 0
    assert json.loads(stdout) == {
        "breaking": 0,
        "compatible": 1,
        "changes": [
            {
                "node": "calculator",
                "subject": "on_failure",
                "change": "changed",
                "verdict": "compatible",
                "affects": "operators",
                "message": "answer -> dead_letter",
                "old": {"file": f"{tmp_path}/old/nodes/calculator.yaml", "line": 1, "column": 1},
                "new": {"file": f"{tmp_path}/new/nodes/calculator.yaml", "line": 5, "column": 13},
            }
        ],
    }


def test_two_node_contracts_are_compared_alone(tmp_path: Path) -> None:
    sides(tmp_path, node=NODE.replace("http.get", "http.put"))
    code, stdout, _ = diff(f"{tmp_path}/old/nodes/calculator.yaml", f"{tmp_path}/new/nodes/calculator.yaml")
    assert code == 1
    assert "breaking for callers: calculator: operation http.get removed" in stdout


def test_a_side_that_is_no_contract_is_said_with_its_place(tmp_path: Path) -> None:
    old, new = sides(tmp_path, "runtime: [\n")
    code, stdout, stderr = diff(old, new)
    assert (code, stdout) == (1, "")
    assert stderr.startswith(f"ContractValidationError: Failed to load contract\n  File: {new}:2:")
    assert diff(old, str(tmp_path / "nowhere.yaml"))[0] == 1
    assert diff(old)[0] == 2
