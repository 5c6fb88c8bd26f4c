"""docs/errors.md: every code and class of the tree, its retryability, and every field of details."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from omnibase_core import errors
from omnibase_core.enums import EnumErrorCode
from omnibase_core.errors import RuntimeHostError

from tests.architecture.source import Module, modules
from tests.docs.tables import DOCS, section

PAGE: Final = "errors.md"
# Details of a health check are figures for operators, and no part of an error.
_OF_HEALTH: Final = {
    *("dev_test_only", "open_connections", "partitions", "outstanding", "waiting_to_publish"),
    *("failures_in_a_row", "consumer_restarts", "silence_s"),
}


def classes() -> Iterator[type[RuntimeHostError]]:
    """Every error that can be answered with."""
    found = vars(errors).values()
    return (each for each in found if isinstance(each, type) and issubclass(each, RuntimeHostError))


def entries() -> Mapping[str, str]:
    """The text of each code's section."""
    headings = re.findall(r"^### (\w+)$", (DOCS / PAGE).read_text(), re.MULTILINE)
    return {heading: section(PAGE, heading) for heading in headings}


def points(text: str) -> Mapping[str, str]:
    """What a section says under Classes, Cause, Do and Details."""
    joined = re.sub(r"\n  +", " ", text)
    return dict(re.findall(r"^- (\w+): (.+)$", joined, re.MULTILINE))


def details(module: Module) -> Iterator[str]:
    """The constant keys of what a module calls details."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.keyword) and node.arg == "details":
            yield from _keys(node.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if _is_details(target) and node.value is not None:
                yield from _keys(node.value)
            elif isinstance(target, ast.Subscript) and _is_details(target.value):
                yield from _text(target.slice)


def _is_details(node: ast.expr) -> bool:
    return ast.unparse(node).rpartition(".")[2] in {"details", "class_details"}


def _keys(value: ast.expr) -> Iterator[str]:
    for node in ast.walk(value):
        if isinstance(node, ast.Dict):
            for key in node.keys:
                yield from _text(key)


def _text(node: ast.expr | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_every_code_has_its_section_and_no_other_has_one() -> None:
    assert sorted(entries()) == sorted(EnumErrorCode)


def test_a_section_names_the_classes_of_its_code_and_whether_they_are_retryable() -> None:
    for code, text in entries().items():
        written = set(points(text)["Classes"].split("; "))
        expected = {
            f"`{each.__name__}`" + " (retryable)" * each.retryable for each in classes() if each.code == code
        }
        assert written == expected, code


def test_a_section_says_cause_remedy_and_details() -> None:
    assert [
        code for code, text in entries().items() if list(points(text)) != ["Classes", "Cause", "Do", "Details"]
    ] == []


def test_every_field_of_details_is_on_the_page() -> None:
    page = set(re.findall(r"`(\w+)`", " ".join(points(text)["Details"] for text in entries().values())))
    used = {name for module in modules() for name in details(module)} - _OF_HEALTH
    assert len(used) > 15
    assert used - page == set()


def test_no_field_of_details_is_invented() -> None:
    named = {match for text in entries().values() for match in re.findall(r"`(\w+)`", points(text)["Details"])}
    source = "\n".join(module.text for module in modules())
    assert [name for name in sorted(named) if f'"{name}"' not in source] == []
