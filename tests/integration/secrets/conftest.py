"""The places of secrets that each test has for itself."""

import itertools
from pathlib import Path

import pytest

from tests.integration.secrets.keepers import Folder, Keeper, VaultKeeper

_NUMBERS = itertools.count(1)


@pytest.fixture
def own_path() -> str:
    """A path for this test's secrets."""
    return f"test{next(_NUMBERS)}"


@pytest.fixture(params=["files", "vault"])
def keeper(request: pytest.FixtureRequest, tmp_path: Path, own_path: str) -> Keeper:
    """Each place of secrets that can change while a host runs."""
    if request.param == "files":
        return Folder(tmp_path)
    return VaultKeeper(request.getfixturevalue("vault"), own_path)
