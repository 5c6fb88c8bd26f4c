"""docs/architecture.md: rooms and owners are those that import-linter checks, and its index is complete."""

import re
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from functools import cache

import pytest

from tests.docs.tables import DOCS, section, table

PAGE = "architecture.md"


@cache
def contracts() -> ConfigParser:
    """The contracts of .importlinter."""
    parser = ConfigParser()
    parser.read(DOCS.parent / ".importlinter")
    return parser


def listed(contract: str, option: str) -> Sequence[str]:
    """The lines of an option."""
    return contracts()[f"importlinter:contract:{contract}"][option].split("\n")[1:]


@pytest.mark.parametrize("package", ["core", "spi", "infra"])
def test_the_rooms_of_a_package_are_its_layers(package: str) -> None:
    written = [layer for layer, _ in table(section(PAGE, f"omnibase_{package}"))]
    assert written == listed(f"{package}-layers", "layers")


def test_the_packages_are_in_the_order_of_their_layers() -> None:
    written = [package for package, *_ in table(section(PAGE, "Packages"))]
    assert written == listed("packages", "layers")


def test_the_owners_of_drivers_are_those_that_are_checked() -> None:
    owners: Mapping[str, str] = {
        ", ".join(part["drivers"].split()): part["owner"]
        for part in contracts().values()
        if part.get("type") == "single_owner"
    }
    assert [tuple(cells) for cells in table(section(PAGE, "Drivers"))] == list(owners.items())


def test_the_owner_of_a_question_exists_where_the_page_says() -> None:
    owners = [owner for _, owner, _ in table(section(PAGE, "One owner for each question"))]
    assert len(owners) > 10
    for owner in owners:
        path = re.search(r"\((.+?)\)", owner)
        name = re.search(r"\) (\w+)", owner)
        assert path, owner
        source = (DOCS / path[1]).read_text()
        if name and name[1] != "and":
            assert re.search(rf"^(def|class|async def) {name[1]}\b", source, re.MULTILINE), owner


def test_every_decision_is_in_the_index_and_has_its_three_parts() -> None:
    records = sorted((DOCS / "decisions").glob("*.md"))
    written = table(section(PAGE, "Decisions"))
    assert [link for link, _ in written] == [f"[{path.name[:4]}](decisions/{path.name})" for path in records]
    for number, (path, (_, title)) in enumerate(zip(records, written, strict=True), 1):
        assert path.name.startswith(f"{number:04}-")
        assert path.read_text().startswith(f"# {number}. {title}\n")
        parts = re.findall(r"^\*\*(\w+)\.\*\*", path.read_text(), re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences"], path.name


def test_every_page_is_in_the_index_of_pages() -> None:
    index = (DOCS / "index.md").read_text()
    pages = [path.name for path in DOCS.glob("*.md") if path.name != "index.md"]
    assert [name for name in pages if f"]({name}" not in index] == [], "give each page a row in docs/index.md"
