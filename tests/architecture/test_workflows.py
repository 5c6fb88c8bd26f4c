"""The workflows: no permission by default, actions pinned by commit, the publishing job runs nothing of ours."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.architecture.source import ROOT

_WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(name: str) -> dict[str, Any]:
    """A workflow, parsed."""
    parsed: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    return parsed


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_permission_by_default(path: Path) -> None:
    assert workflow(path.name)["permissions"] == {}
    for job in workflow(path.name)["jobs"].values():
        assert set(job["permissions"].items()) <= {("contents", "read"), ("id-token", "write")}


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_a_commit_with_its_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    assert used
    assert [
        line for line in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    ] == []


def test_one_action_has_one_commit_everywhere() -> None:
    pins = {line for path in _WORKFLOWS for line in re.findall(r"uses: (.+)", path.read_text())}
    assert len(pins) == len({line.partition("@")[0] for line in pins})


def test_ci_calls_the_same_script_that_people_call_on_every_supported_python() -> None:
    checks = workflow("ci.yml")["jobs"]["checks"]
    assert [step["run"] for step in checks["steps"] if "run" in step][-1] == ".ci/run"
    classifiers = (ROOT / "packages" / "omnibase_infra" / "pyproject.toml").read_text()
    assert checks["strategy"]["matrix"]["python"] == re.findall(r"Python :: (3\.\d+)", classifiers)


def test_what_builds_has_no_credential_and_what_publishes_builds_nothing() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert "id-token" not in jobs["build"]["permissions"]
    assert [step["run"] for step in jobs["publish"]["steps"] if "run" in step] == [
        "uv publish --trusted-publishing always dist/*"
    ]
    assert not [step for step in jobs["publish"]["steps"] if "checkout" in step.get("uses", "")]


def test_no_workflow_uses_a_stored_secret() -> None:
    assert [path.name for path in _WORKFLOWS if "secrets." in path.read_text()] == []


def test_the_ci_script_runs_the_test_command_of_the_readme_word_for_word() -> None:
    assert re.search(r"step uv run pytest( \||$)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
