"""The contract types for other projects: what they refuse, and what they say of wrong options."""

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from omnibase_core_lint import BANNED, BANNED_BY_KIND

from tests.architecture.source import ROOT, Module, command, imports

_PACKAGE: Final = ROOT / "packages" / "omnibase_core" / "src" / "omnibase_core_lint"
_HEAD: Final = """\
[importlinter]
root_package = acme
include_external_packages = True
contract_types =
    allow_list: omnibase_core_lint.AllowListContract
    no_transports: omnibase_core_lint.NoTransportsContract
    single_owner: omnibase_core_lint.SingleOwnerContract

[importlinter:contract:one]
name = Pure prices
"""
_NO_TRANSPORTS: Final = "type = no_transports\nmodules = acme.prices\n"
_ALLOW_LIST: Final = "type = allow_list\npackages = acme.prices\nallowed = decimal\n"
_SINGLE_OWNER: Final = "type = single_owner\ndrivers = httpx\nowner = acme.client\n"


def lint(folder: Path, contract: str, modules: Mapping[str, str], head: str = _HEAD) -> tuple[int, str]:
    """Exit code and output of lint-imports, one line, for a package `acme` of these modules."""
    (folder / "acme").mkdir()
    for name, code in {"__init__": "", "prices": "", "client": "", **modules}.items():
        (folder / "acme" / f"{name}.py").write_text(code)
    (folder / ".importlinter").write_text(head + contract)
    done = subprocess.run(  # noqa: S603 - our own tool on a project made here
        [command("lint-imports"), "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_the_ban_list_has_what_core_may_never_import_and_names_each_module_once() -> None:
    named = (
        "kafka aiokafka confluent_kafka httpx aiohttp requests urllib3 asyncpg psycopg hvac consul redis valkey "
        "sqlalchemy socket ssl subprocess"
    )
    assert set(named.split()) <= BANNED
    assert sum(map(len, BANNED_BY_KIND.values())) == len(BANNED)
    assert all(name.isidentifier() for name in BANNED)


def test_the_types_need_import_linter_and_the_standard_library_only() -> None:
    texts = {path: path.read_text() for path in sorted(_PACKAGE.glob("*.py"))}
    modules = [Module(path.stem, path, text, ast.parse(text)) for path, text in texts.items()]
    found = {name.partition(".")[0] for module in modules for _, name in imports(module)}
    assert found - sys.stdlib_module_names == {"omnibase_core_lint", "importlinter", "grimp"}


def test_the_types_load_nothing_of_the_runtime() -> None:
    code = "import sys, omnibase_core_lint; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not {"omnibase_core", "omnibase_spi", "omnibase_infra", "pydantic", "yaml"} & set(done.stdout.split())


def test_without_import_linter_the_import_says_what_to_install() -> None:
    code = "import sys; sys.modules['importlinter'] = None; import omnibase_core_lint"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stderr.splitlines()[-1] == (
        "ImportError: omnibase_core_lint has contract types for import-linter, which is not installed; "
        'install it with: pip install "omnibase-core[lint]"'
    )


@pytest.mark.parametrize(
    "code",
    [
        "import redis",
        "from sqlalchemy.orm import Session",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import asyncpg",
        "def later():\n    import subprocess",
        "from acme import client",
        "from omnibase_infra.wiring import build_host",
    ],
)
def test_no_transports_refuses_what_is_banned_be_it_indirect_lazy_or_for_types_only(
    code: str, tmp_path: Path
) -> None:
    status, out = lint(tmp_path, _NO_TRANSPORTS, {"prices": code, "client": "import httpx"})
    assert status == 1
    assert "Pure prices BROKEN" in out
    assert "acme.prices is not allowed to import" in out
    assert "Put the call into a handler, and take its result as an argument." in out


def test_no_transports_shows_the_way_of_an_indirect_import(tmp_path: Path) -> None:
    modules = {"prices": "\nfrom acme import client", "client": "import httpx"}
    _, out = lint(tmp_path, _NO_TRANSPORTS, modules)
    assert "acme.prices is not allowed to import httpx: - acme.prices -> acme.client (l.2)" in out
    assert "acme.client -> httpx (l.1)" in out


def test_what_a_project_forbids_beside_the_list_is_refused_too(tmp_path: Path) -> None:
    contract = f"{_NO_TRANSPORTS}also_forbidden =\n    acme.client\n    pandas\n"
    status, out = lint(tmp_path, contract, {"prices": "import pandas\nfrom acme import client"})
    assert status == 1
    assert "acme.prices is not allowed to import acme.client" in out
    assert "acme.prices is not allowed to import pandas" in out


def test_a_driver_that_is_left_out_of_the_list_may_be_imported(tmp_path: Path) -> None:
    status, out = lint(tmp_path, f"{_NO_TRANSPORTS}apart_from = httpx\n", {"prices": "import httpx"})
    assert status == 0, out


def test_pure_modules_keep_all_three_contracts(tmp_path: Path) -> None:
    contract = "\n".join(
        [
            *(_NO_TRANSPORTS, "[importlinter:contract:two]\nname = Two", _ALLOW_LIST),
            *("[importlinter:contract:three]\nname = Three", _SINGLE_OWNER),
        ]
    )
    modules = {"prices": "from decimal import Decimal", "client": "import httpx"}
    status, out = lint(tmp_path, contract, modules)
    assert status == 0, out
    assert "Contracts: 3 kept, 0 broken." in out


def test_the_guidance_of_the_project_stands_in_for_ours(tmp_path: Path) -> None:
    guidance = "broken_contract_guidance =\n    Ask the prices team.\n    They know.\n"
    _, out = lint(tmp_path, _NO_TRANSPORTS + guidance, {"prices": "import httpx"})
    assert "Ask the prices team. They know." in out
    assert "Put the call into a handler" not in out


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        (_NO_TRANSPORTS + "also_forbiden = pandas", "also_forbiden: Unrecognized option. Did you mean"),
        (_NO_TRANSPORTS + "ignore_imports = a -> b", "ignore_imports: Unrecognized option."),
        ("type = no_transports", "modules: This is a required field."),
        (
            "type = no_transports\nmodules =",
            "modules: It names no module, so that the contract would hold nothing.",
        ),
        (_NO_TRANSPORTS.replace("acme", "acne"), "modules: 'acne.prices' is in none of the root packages. Name a"),
        ("type = no_transports\nmodules = acme.*", "modules: 'acme.*' is no module name. Write one module a line"),
        ("type = no_transports\nmodules = acme.prices, acme.client", "Write one module a line"),
        (
            _NO_TRANSPORTS + "also_forbidden = urllib.request",
            "also_forbidden: 'urllib.request' is part of an external package, which is seen as a whole. Write "
            "'urllib'.",
        ),
        (
            _NO_TRANSPORTS + "apart_from = asyncpgg",
            "apart_from: 'asyncpgg' (did you mean 'asyncpg'?) is not in the ban list, so that nothing forbids it.",
        ),
        (_ALLOW_LIST.replace("acme.prices", ""), "packages: It names no module"),
        (_ALLOW_LIST.replace("decimal", "urllib.parse"), "allowed: 'urllib.parse' is part of an external package"),
        (_SINGLE_OWNER.replace("httpx", ""), "drivers: It names no module"),
        (_SINGLE_OWNER.replace("httpx", "google.cloud"), "drivers: 'google.cloud' is part of an external package"),
        (
            _SINGLE_OWNER.replace("acme.client", "acne.client"),
            "owner: 'acne.client' is in none of the root packages",
        ),
        (_SINGLE_OWNER.replace("acme.client", ""), "owner: It names no module"),
    ],
)
def test_a_wrong_option_is_named_with_its_contract_and_what_to_do(
    contract: str, said: str, tmp_path: Path
) -> None:
    status, out = lint(tmp_path, contract, {})
    assert status == 1
    assert 'Contract "Pure prices" is not configured correctly:' in out
    assert said in out


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        (
            _NO_TRANSPORTS.replace("prices", "price"),
            "modules: there is no module 'acme.price' (did you mean 'acme.prices'?) in acme. Correct the name, or "
            "remove it.",
        ),
        (_ALLOW_LIST.replace("prices", "pricing"), "packages: there is no module 'acme.pricing'"),
        (_ALLOW_LIST + "exempt = acme.local", "exempt: there is no module 'acme.local'"),
        (_NO_TRANSPORTS + "also_forbidden = acme.clients", "also_forbidden: there is no module 'acme.clients'"),
    ],
)
def test_a_module_that_is_not_there_is_named_with_its_contract_and_the_nearest_one(
    contract: str, said: str, tmp_path: Path
) -> None:
    status, out = lint(tmp_path, contract, {})
    assert status == 1
    assert f'Contract "Pure prices": {said}' in out


@pytest.mark.parametrize(
    ("contract", "instead", "said"),
    [
        (_NO_TRANSPORTS, "", "Write 'include_external_packages = True' into the section importlinter."),
        (
            _SINGLE_OWNER,
            "include_external_packages = True\nexclude_type_checking_imports = True\n",
            "It hides imports under TYPE_CHECKING, which count here. Remove it from the section importlinter.",
        ),
    ],
)
def test_a_session_in_which_a_contract_would_see_nothing_is_refused(
    contract: str, instead: str, said: str, tmp_path: Path
) -> None:
    status, out = lint(tmp_path, contract, {}, _HEAD.replace("include_external_packages = True\n", instead))
    assert status == 1
    assert said in out


def test_our_own_contracts_state_no_second_ban_list() -> None:
    text = (ROOT / ".importlinter").read_text()
    forbidden = re.findall(r"forbidden_modules =\n((?:    \S+\n)+)", text)
    assert not {name for block in forbidden for name in block.split()} & BANNED
