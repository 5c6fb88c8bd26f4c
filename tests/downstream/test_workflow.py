"""The GitHub workflow of the sample: its actions are pinned, and its commands run as they are written."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.architecture.source import ROOT
from tests.downstream.project import SAMPLE, Ended, Project

_PATH: Final = SAMPLE / ".github" / "workflows" / "contracts.yml"
_UPLOAD: Final = "github/codeql-action/upload-sarif@8aad20d150bbac5944a9f9d289da16a4b0d87c1e # v4.36.2"


def job() -> dict[str, Any]:
    """The one job."""
    (only,) = yaml.safe_load(_PATH.read_text())["jobs"].values()
    assert isinstance(only, dict)
    return only


def commands() -> dict[str, dict[str, Any]]:
    """The steps that run something, by their name or their command."""
    return {step.get("name", step["run"]): step for step in job()["steps"] if "run" in step}


def performed(step: dict[str, Any], project: Project, temp: Path) -> Ended:
    """A step as a runner performs it for a pull request against main."""
    (temp / "temp").mkdir(exist_ok=True)
    given = {
        name: str(value).replace("${{ github.base_ref }}", "main") for name, value in step.get("env", {}).items()
    }
    assert not any("${{" in text for text in [*given.values(), step["run"]])
    return project.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]], {"RUNNER_TEMP": str(temp / "temp"), **given}
    )


def test_its_actions_are_pinned_as_in_our_own_workflows() -> None:
    ours = {
        pin
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for pin in re.findall(r"uses: (.+)", path.read_text())
    }
    assert set(re.findall(r"uses: (.+)", _PATH.read_text())) - ours == {_UPLOAD}


def test_it_has_no_permission_but_to_read_and_to_upload_findings() -> None:
    assert yaml.safe_load(_PATH.read_text())["permissions"] == {}
    assert job()["permissions"] == {"contents": "read", "security-events": "write"}


def test_what_is_uploaded_is_what_validate_wrote_whether_or_not_it_failed() -> None:
    (upload,) = (step for step in job()["steps"] if step.get("uses", "").startswith("github/codeql-action"))
    written = upload["with"]["sarif_file"]
    assert commands()["Contracts are valid"]["run"].endswith(f"> {written}")
    assert upload["if"] == f"always() && hashFiles('{written}') != ''"


@pytest.mark.parametrize("name", commands())
def test_each_command_succeeds_on_the_sample(name: str, project: Project, tmp_path: Path) -> None:
    ended = performed(commands()[name], project, tmp_path)
    assert ended.code == 0, ended.out


def test_a_wrong_contract_fails_and_leaves_its_findings_to_the_upload(project: Project, tmp_path: Path) -> None:
    with project.changed("contracts/stock_level.yaml", "http.get", "http.gett"):
        ended = performed(commands()["Contracts are valid"], project, tmp_path)
    findings = json.loads((project.folder / "contracts.sarif").read_text())["runs"][0]["results"]
    (error,) = (finding for finding in findings if finding["level"] == "error")
    place = error["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (ended.code, place) == (1, "contracts/stock_level.yaml")


def test_a_breaking_change_fails_and_says_whom_it_breaks(project: Project, tmp_path: Path) -> None:
    step = next(step for name, step in commands().items() if "breaks" in name)
    with project.changed("contracts/stock_level.yaml", "type: integer", "type: number"):
        ended = performed(step, project, tmp_path)
    assert ended.code == 1
    assert "breaking for callers: stock_level" in ended.out


def test_the_first_pull_request_has_nothing_to_compare_with(project: Project, tmp_path: Path) -> None:
    step = next(step for name, step in commands().items() if "breaks" in name)
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    ended = performed({**step, "env": {"BASE": empty}}, project, tmp_path)
    assert ended.code == 0, ended.out


def test_models_that_are_not_those_of_the_contract_fail(project: Project, tmp_path: Path) -> None:
    step = next(step for name, step in commands().items() if "Models" in name)
    with project.changed("acme_orders/compute/order_total_models.py", "quantity: int", "quantity: str"):
        ended = performed(step, project, tmp_path)
    assert ended.code == 1
