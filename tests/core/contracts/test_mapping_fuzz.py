"""Damaged mappings: each is refused with a place, or runs; none ends in an exception."""

import copy
from collections.abc import Iterator
from typing import Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.contracts.load import load_node
from omnibase_core.errors import RuntimeHostError
from omnibase_core.runtime import NodeInstance

from tests.core.contracts.contracts_on_hand import reader_of
from tests.core.nodes import Mapped, contract_text
from tests.core.test_mapped_nodes import DONE, INPUT, ITEM, ORDER, POST, TOTAL, TOTALS

Path = tuple[str | int, ...]

TEXTS: Final = (
    contract_text("EFFECT", ORDER, DONE, POST, ITEM),
    contract_text("COMPUTE", ORDER, TOTALS, TOTAL, ITEM),
    contract_text(
        "EFFECT",
        ORDER,
        "[{name: rows, type: 'list[any]'}]",
        """
        io_operations:
          - type: db
            operations: [db.transaction]
            let: {first: '${{ input.items[0] }}'}
            request:
              statements:
                - {sql: 'SELECT $1, $2', parameters: ['${{ let.first.sku }}', '${{ input.items }}']}
                - {sql: SELECT 1}
              isolation: serializable
            expect: {results: [{rows: one, row_count: 1}, null]}
            response: {rows: '${{ result.results[*].rows[] }}'}
        """,
        ITEM,
    ),
)
_REPLACEMENTS: Final[tuple[object, ...]] = (
    None,
    True,
    5,
    -1.5,
    "text",
    "${{",
    "${{ input }}",
    "${{ let.x }}",
    [],
    ["a"],
    {},
    {"a": None},
)
_MAPPINGS: Final = ("let", "request", "expect", "response", "transform", "io_operations")


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """The places inside a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in parts:
        yield (*path, key)
        yield from paths(item, (*path, key))


def damaged(text: str, path: Path, change: object) -> str:
    """The contract with another value at a place; without it where the change is `...`."""
    document = copy.deepcopy(yaml.safe_load(text))
    holder = document
    for part in path[:-1]:
        holder = holder[part]
    if change is ...:
        del holder[path[-1]]
    elif change == "renamed" and isinstance(holder, dict):
        holder[f"{path[-1]}x"] = holder.pop(path[-1])
    else:
        holder[path[-1]] = change
    return yaml.safe_dump(document, sort_keys=False)


DAMAGES: Final = [
    (number, path, change)
    for number, text in enumerate(TEXTS)
    for path in paths(yaml.safe_load(text))
    if path[0] in _MAPPINGS
    for change in (..., "renamed", *_REPLACEMENTS)
]


def survives(text: str) -> None:
    """Loads the contract, and runs a request where it is accepted."""
    loaded = load_node("node.yaml", reader_of({"node.yaml": text}))
    assert all(problem.line and problem.column and problem.action for problem in loaded.problems)
    if loaded.node is None:
        assert loaded.problems
        return
    try:
        NodeInstance(loaded.node)
        Mapped(text).run(INPUT)
    except RuntimeHostError:
        pass


@pytest.mark.parametrize(("number", "path", "change"), DAMAGES)
def test_a_damaged_mapping_is_refused_or_runs(number: int, path: Path, change: object) -> None:
    survives(damaged(TEXTS[number], path, change))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEXTS), st.data())
def test_a_mapping_with_damaged_characters_is_refused_or_runs(text: str, data: st.DataObject) -> None:
    start = text.index("let" if "let" in text else "request")
    at = data.draw(st.integers(start, len(text) - 1))
    length = data.draw(st.integers(0, 3))
    put = data.draw(
        st.sampled_from(
            ["", "}", "{", "'", '"', "`", "]", "[", ".", "!", "&", "|", " ", "(", ")", "x", "*", "#", "\\"]
        )
    )
    survives(text[:at] + put + text[at + length :])
