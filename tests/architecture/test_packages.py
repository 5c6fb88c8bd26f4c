"""What is published: versions that agree, files that every package has, siblings within bounds."""

import importlib
import re
import tomllib
from typing import Any, Final

import pytest

from tests.architecture.source import PACKAGES, ROOT, tracked_files

_TOP_LEVEL: Final = {
    "pyproject.toml",
    "uv.lock",
    "packages",
    "contracts",
    "tests",
    "tools",
    "docs",
    "README.md",
    "LICENSE",
}


def metadata(package: str) -> dict[str, Any]:
    """The [project] table of a package."""
    project: dict[str, Any] = tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text())[
        "project"
    ]
    return project


@pytest.mark.parametrize("package", PACKAGES)
def test_metadata_module_and_changelog_agree_on_the_version(package: str) -> None:
    version = metadata(package)["version"]
    changelog = (ROOT / "packages" / package / "CHANGELOG.md").read_text()
    released = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert importlib.import_module(package).__version__ == version
    assert released is not None
    assert released.group(1) == version


@pytest.mark.parametrize("package", PACKAGES)
def test_a_changelog_keeps_to_its_form(package: str) -> None:
    changelog = (ROOT / "packages" / package / "CHANGELOG.md").read_text()
    assert changelog.startswith("# Changelog\n")
    headings = set(re.findall(r"^### (.+)$", changelog, re.MULTILINE))
    assert headings <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert re.search(r"^## \[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d|unreleased)$", changelog, re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_what_a_package_has(package: str) -> None:
    folder = ROOT / "packages" / package
    project = metadata(package)
    assert (folder / "src" / package / "py.typed").is_file()
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert len((folder / "README.md").read_text().splitlines()) > 10
    assert project["requires-python"] == ">=3.11"
    assert project["name"] == package.replace("_", "-")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_dependency_has_a_lower_and_an_upper_bound(package: str) -> None:
    project = metadata(package)
    extras = project.get("optional-dependencies", {})
    for requirement in [*project.get("dependencies", []), *(r for extra in extras.values() for r in extra)]:
        assert re.search(r">=[\d.]+,<[\d.]+", requirement), requirement


@pytest.mark.parametrize("package", PACKAGES)
def test_a_sibling_within_its_bounds_is_the_one_in_this_workspace(package: str) -> None:
    for requirement in metadata(package).get("dependencies", []):
        name = re.split(r"[<>=\[]", requirement)[0].replace("-", "_")
        if name in PACKAGES:
            lower, upper = re.findall(r"[<>]=?([\d.]+)", requirement)
            version = _numbers(metadata(name)["version"])
            assert _numbers(lower) <= version < _numbers(upper), requirement


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_the_contract_types_are_a_module_of_core_s_wheel_whose_extra_brings_import_linter() -> None:
    extras = metadata("omnibase_core")["optional-dependencies"]
    assert [re.split(r"[<>=]", requirement)[0] for requirement in extras["lint"]] == ["import-linter"]
    assert (ROOT / "packages" / "omnibase_core" / "src" / "omnibase_core_lint" / "py.typed").is_file()


def test_a_wheel_holds_its_package_and_no_lint_configuration() -> None:
    for package in PACKAGES:
        wheel = tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text())["tool"]["hatch"][
            "build"
        ]
        beside = ["src/omnibase_core_lint"] if package == "omnibase_core" else []
        assert wheel["targets"]["wheel"]["packages"] == [f"src/{package}", *beside]
        if list((ROOT / "packages" / package / "src" / package).rglob("ruff.toml")):
            assert "ruff.toml" in wheel["targets"]["wheel"]["exclude"]


def test_the_top_level_of_the_repository_stays_as_it_is() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert {name for name in top if not name.startswith(".")} <= _TOP_LEVEL
