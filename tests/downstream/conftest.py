"""One project for all tests of this folder: building wheels takes seconds."""

import shutil

import pytest

from tests.downstream.project import Project, made
from tests.services import require_service
from tools.wheel_check import CheckError

_OFFLINE = ("Failed to fetch", "error sending request", "dns error", "Network connectivity is disabled")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The sample project with the built wheels; what changes it puts it back."""
    require_service("uv", shutil.which("uv") is not None, "pip install uv")
    try:
        return made(tmp_path_factory.mktemp("downstream"))
    except (CheckError, AssertionError) as error:
        offline = any(sign in str(error) for sign in _OFFLINE)
        require_service("a package index", not offline, "a network connection")
        raise
