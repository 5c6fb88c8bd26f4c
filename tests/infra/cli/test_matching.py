"""What is expected against what came."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_infra.cli.matching import NOTHING, Difference, differences
from pydantic import JsonValue

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, 1.0, "", "a", "1"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


def found(expected: JsonValue, got: JsonValue, *, partial: bool = False) -> list[Difference]:
    return list(differences(expected, got, partial=partial))


@given(VALUES, st.booleans())
def test_a_value_is_as_it_is(value: JsonValue, partial: bool) -> None:
    assert found(value, value, partial=partial) == []


@given(VALUES, VALUES)
def test_what_differs_differs_both_ways(one: JsonValue, other: JsonValue) -> None:
    assert {each.path for each in found(one, other)} == {each.path for each in found(other, one)}


@given(VALUES, VALUES)
def test_a_part_asks_for_no_more_than_the_whole(one: JsonValue, other: JsonValue) -> None:
    assert set(map(str, found(one, other, partial=True))) <= set(map(str, found(one, other)))


@given(st.dictionaries(st.sampled_from("abc"), VALUES), st.dictionaries(st.sampled_from("xyz"), VALUES))
def test_a_part_of_an_object_is_in_it(part: dict[str, JsonValue], more: dict[str, JsonValue]) -> None:
    assert found(part, {**part, **more}, partial=True) == []


@pytest.mark.parametrize(
    ("expected", "got", "differs"),
    [
        (1, 1.0, []),
        (1, True, [Difference((), 1, True)]),
        (0, False, [Difference((), 0, False)]),
        ("1", 1, [Difference((), "1", 1)]),
        (None, {}, [Difference((), None, {})]),
        ({"a": None}, {}, [Difference(("a",), None, NOTHING)]),
        ({}, {"a": 1}, [Difference(("a",), NOTHING, 1)]),
        ([1, 2], [1], [Difference((1,), 2, NOTHING)]),
        ([1], [1, 2], [Difference((1,), NOTHING, 2)]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [Difference(("a", 0, "b"), 1, 2)]),
    ],
)
def test_each_difference_has_its_place(expected: JsonValue, got: JsonValue, differs: list[Difference]) -> None:
    assert found(expected, got) == differs


def test_a_part_at_any_depth_may_lack_keys_but_no_items() -> None:
    assert found({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}], "d": 3}, partial=True) == []
    assert found({"a": [{}]}, {"a": [{}, {}]}, partial=True) == [Difference(("a", 1), NOTHING, {})]
