"""A Vault for the session, and the places of secrets that each test has for itself."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.secrets.keepers import Folder, Keeper, VaultKeeper
from tests.services import standing
from tools.services.vault import Vault

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """The Vault that tests share; secrets and roles have names of their own."""
    for service in standing("vault", tmp_path_factory.mktemp("services") / "vault"):
        assert isinstance(service, Vault)
        yield service


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
