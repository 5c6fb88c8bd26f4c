"""JSON values as YAML: the contract reader reads them back as they were."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.contracts.source import parse_yaml
from omnibase_infra.cli.yaml_text import yaml_lines
from pydantic import JsonValue

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["yes", "null", "1_0", "0o17", "1e3", "- a", "a: b", " #", "", "~", "2026-01-01", "\u2028", "\x85", "\ufeff"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=12
)


@given(VALUES)
def test_a_value_comes_back(value: JsonValue) -> None:
    document, problems = parse_yaml("\n".join(yaml_lines({"value": value})), "v.yaml")
    assert problems == []
    assert document is not None
    assert document.value == {"value": value}
    assert repr(document.value) == repr({"value": value}), "1 is not 1.0"


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"a": 1, "b": "x"}, ["a: 1", 'b: "x"']),
        ({"a": {"b": [1, 2]}}, ["a:", "  b: [1, 2]"]),
        ([{"a": {"b": 1}}, 2], ["- a: {b: 1}", "- 2"]),
        ({"no": {}, "x-y": []}, ['"no": {}', "x-y: []"]),
        ({}, ["{}"]),
    ],
)
def test_what_is_short_stands_in_one_line(value: JsonValue, lines: list[str]) -> None:
    assert yaml_lines(value) == lines
