"""The version matrix: infra 0.1 works with core 0.4 and SPI 0.3."""

import logging
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_infra.host.versions import REQUIREMENTS, Requirement, check_versions, fits, misfits, versions

CORE = Requirement("omnibase-core", "0.4.0", "0.5")
FITTING = {"omnibase-infra": "0.1.0", "omnibase-core": "0.4.0", "omnibase-spi": "0.3.0"}
PACKAGES = Path(__file__).parents[3] / "packages"


@pytest.mark.parametrize(
    ("version", "fit", "why"),
    [
        ("0.4.0", True, "the minimum itself"),
        ("0.4", True, "missing numbers are zeros"),
        ("0.4.0.0", True, "further zeros mean nothing"),
        ("0.4.17", True, "a later patch"),
        ("0.4.1rc1", True, "a pre-release of a later patch"),
        ("0.4.0.post1", True, "a corrected release"),
        ("0.4.0+local.1", True, "a local build of the minimum"),
        ("0.3.99", False, "older"),
        ("0.4.0rc1", False, "before the minimum"),
        ("0.4.0.dev7", False, "before the minimum"),
        ("0.4.0a1.dev7", False, "before the minimum"),
        ("0.5.0", False, "the next minor may break"),
        ("0.5.0rc1", False, "a pre-release of the next minor may break as well"),
        ("0.10.0", False, "numbers are compared, not text"),
        ("1.0", False, "a newer major"),
        ("0.46.8", False, "another package of the same name"),
        ("", False, "not installed"),
        ("latest", False, "no version"),
        ("0.4.0-SNAPSHOT", False, "no version of Python's"),
        ("0.4." + "9" * 5_000, False, "an absurd one"),
    ],
)
def test_a_version_fits_or_not(version: str, fit: bool, why: str) -> None:
    assert fits(version, CORE) is fit, why


def test_what_is_installed_here_fits() -> None:
    assert misfits(versions()) == []


def test_what_does_not_fit_is_compared_in_a_sentence_each() -> None:
    assert misfits({"omnibase-infra": "0.1.0", "omnibase-core": "0.46.8"}) == [
        "omnibase-infra 0.1.0 needs omnibase-core >= 0.4.0, < 0.5, but 0.46.8 is installed",
        "omnibase-infra 0.1.0 needs omnibase-spi >= 0.3.0, < 0.4, but none is installed",
    ]


def test_a_misfit_stops_the_start_and_says_how_to_upgrade() -> None:
    with pytest.raises(ProtocolConfigurationError) as caught:
        check_versions({**FITTING, "omnibase-core": "0.3.9"})
    assert caught.value.message == (
        "omnibase-infra 0.1.0 needs omnibase-core >= 0.4.0, < 0.5, but 0.3.9 is installed. Install versions that "
        "fit together: pip install --upgrade 'omnibase-core>=0.4.0,<0.5' 'omnibase-spi>=0.3.0,<0.4'"
    )
    assert caught.value.details["installed"] == {**FITTING, "omnibase-core": "0.3.9"}


def test_versions_that_fit_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "onex.host"):
        check_versions(FITTING)
    assert [vars(record)["event"] for record in caplog.records] == ["host.versions"]
    assert vars(caplog.records[0])["versions"] == FITTING


@pytest.mark.parametrize("package", ["omnibase_core", "omnibase_spi", "omnibase_infra"])
def test_each_package_tells_the_version_that_it_is_published_under(package: str) -> None:
    published = tomllib.loads((PACKAGES / package / "pyproject.toml").read_text())["project"]
    assert versions()[published["name"]] == published["version"]


def test_the_matrix_is_what_the_package_depends_on() -> None:
    published = tomllib.loads((PACKAGES / "omnibase_infra/pyproject.toml").read_text())["project"]
    for wanted in REQUIREMENTS:
        dependency = f"{wanted.package}>={wanted.minimum.removesuffix('.0')},<{wanted.below}"
        assert dependency in published["dependencies"]


def test_telling_versions_loads_no_library() -> None:
    program = (
        "import sys; from omnibase_infra.host.versions import versions; versions()\n"
        "print([name for name in ('pydantic', 'yaml', 'httpx', 'asyncpg', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - our own program
    assert done.stdout == "[]\n"
