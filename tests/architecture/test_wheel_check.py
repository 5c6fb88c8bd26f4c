"""The wheel check notices when what got installed is not what was built."""

import json
import zipfile
from pathlib import Path

import pytest

from tools.wheel_check import OLDEST, CheckError, Environment, assert_ours, interpreters, run

_INFO = "omnibase_core-0.4.0.dist-info"


def built(folder: Path, content: str) -> Path:
    """A wheel with one module."""
    wheel = folder / "omnibase_core-0.4.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("omnibase_core/__init__.py", content)
        archive.writestr(f"{_INFO}/RECORD", "omnibase_core/__init__.py,,\n")
    return wheel


def installed(folder: Path, content: str, origin: str) -> Environment:
    """An environment in which that module is installed."""
    site = folder / "lib" / "python3.11" / "site-packages"
    (site / "omnibase_core").mkdir(parents=True)
    (site / _INFO).mkdir()
    (site / "omnibase_core" / "__init__.py").write_text(content)
    (site / _INFO / "RECORD").write_text("omnibase_core/__init__.py,,\n")
    (site / _INFO / "direct_url.json").write_text(json.dumps({"url": origin}))
    return Environment(folder)


def test_what_was_built_and_installed_by_file_is_ours(tmp_path: Path) -> None:
    wheel = built(tmp_path, "x = 1\n")
    assert_ours(
        installed(tmp_path / "env", "x = 1\n", wheel.as_uri()), {"omnibase_core": wheel}, ["omnibase_core"]
    )


def test_the_same_name_from_elsewhere_is_not_ours(tmp_path: Path) -> None:
    wheel = built(tmp_path, "x = 1\n")
    environment = installed(tmp_path / "env", "x = 1\n", "file:///elsewhere/omnibase_core-0.46.8-py3-none-any.whl")
    with pytest.raises(CheckError, match="installed from file:///elsewhere"):
        assert_ours(environment, {"omnibase_core": wheel}, ["omnibase_core"])


def test_another_content_is_not_ours(tmp_path: Path) -> None:
    wheel = built(tmp_path, "x = 1\n")
    environment = installed(tmp_path / "env", "x = 2\n", wheel.as_uri())
    with pytest.raises(CheckError, match=r"the installed omnibase_core/__init__\.py is not the one"):
        assert_ours(environment, {"omnibase_core": wheel}, ["omnibase_core"])


def test_a_file_that_the_wheel_does_not_have_is_not_ours(tmp_path: Path) -> None:
    wheel = built(tmp_path, "x = 1\n")
    environment = installed(tmp_path / "env", "x = 1\n", wheel.as_uri())
    (environment.site_packages() / "omnibase_core" / "extra.py").write_text("")
    with pytest.raises(CheckError, match="files that its wheel does not have"):
        assert_ours(environment, {"omnibase_core": wheel}, ["omnibase_core"])


def test_a_command_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="exit code 3\nwhy"):
        run(["sh", "-c", "echo why; exit 3"], tmp_path)


def test_the_interpreters_are_supported_ones_oldest_first_and_one_of_each() -> None:
    versions = [python.version for python in interpreters()]
    assert versions == sorted(set(versions))
    assert all(version >= OLDEST for version in versions)
