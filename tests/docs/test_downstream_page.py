"""docs/downstream.md: what it shows of the sample project is what stands there, and its tables are complete."""

import re
from collections.abc import Mapping
from configparser import ConfigParser
from typing import Final

import pytest
from importlinter import Contract
from omnibase_core_lint import BANNED_BY_KIND, AllowListContract, NoTransportsContract, SingleOwnerContract

from tests.docs.tables import DOCS, section, table
from tools import docs_check

_PAGE: Final = "downstream.md"
_SAMPLE: Final = DOCS.parent / "tests" / "downstream" / "sample"
_TYPES: Final[Mapping[str, type[Contract]]] = {
    "no_transports": NoTransportsContract,
    "allow_list": AllowListContract,
    "single_owner": SingleOwnerContract,
}


@pytest.mark.parametrize("file", [".importlinter", "acme_orders/host.py", ".github/workflows/contracts.yml"])
def test_a_file_of_the_sample_is_shown_as_it_is(file: str) -> None:
    blocks = [block.text for block in docs_check.read(DOCS / _PAGE).blocks]
    assert (_SAMPLE / file).read_text() in blocks


def test_the_dependencies_are_those_of_the_sample() -> None:
    (shown,) = (block.text for block in docs_check.read(DOCS / _PAGE).blocks if block.language == "toml")
    assert shown in (_SAMPLE / "pyproject.toml").read_text()


def test_every_contract_of_the_sample_is_explained() -> None:
    parser = ConfigParser()
    parser.read(_SAMPLE / ".importlinter")
    named = [name.rpartition(":")[2] for name in parser.sections() if ":" in name]
    written = [name for cells in table(section(_PAGE, "A whole project")) for name in cells[0].split(", ")]
    assert written == named


def test_the_ban_list_is_shown_whole() -> None:
    shown = {cells[0]: tuple(cells[1].split(", ")) for cells in table(section(_PAGE, "The ban list"))}
    assert shown == dict(BANNED_BY_KIND)


@pytest.mark.parametrize("name", _TYPES)
def test_the_options_of_a_type_are_those_that_it_has(name: str) -> None:
    options = {cells[0]: set(re.findall(r"\w+", cells[1])) for cells in table(section(_PAGE, "Contract types"))}
    assert options[name] | {"broken_contract_guidance"} == set(_TYPES[name]._get_field_names())  # noqa: SLF001
