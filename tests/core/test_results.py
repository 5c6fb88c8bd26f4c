"""What a handler gives is JSON wherever its node's output model does not say what else it is, and not too deep."""

from typing import Any

import pytest
from omnibase_core.codec import MAX_DEPTH
from omnibase_core.errors import UnexpectedResultError

from tests.core.nodes import Mapped, contract_text

_INNER = "[{name: ModelInner, fields: [{name: free, type: any}]}]"
_PASSED = "io_operations: [{type: http, operations: [http.get]}]"


def node(type_of_field: str, value: object) -> Mapped:
    """A node that passes on what its handler gives as its one field."""
    made = f'[{{name: field, type: "{type_of_field}"}}]'
    models = _INNER if "ModelInner" in type_of_field else "[]"
    result: Any = {"field": value}
    return Mapped(contract_text("EFFECT", "[{name: url, type: string}]", made, _PASSED, models), result)


def nested(levels: int, innermost: list[object]) -> list[object]:
    """So many lists in one another."""
    for _ in range(levels - 1):
        innermost = [innermost]
    return innermost


@pytest.mark.parametrize(
    ("type_of_field", "inside"),
    [
        ("any", lambda value: value),
        ("object", lambda value: {"a": value}),
        ("list[any]", lambda value: [1, value]),
        ("list[object]", lambda value: [{"a": value}]),
        ("map[any]", lambda value: {"a": value}),
        ("ModelInner", lambda value: {"free": value}),
        ("list[ModelInner]", lambda value: [{"free": value}]),
    ],
)
@pytest.mark.parametrize("value", [{1}, float("nan"), 2**64, "\ud800", {1: 2}])
def test_what_is_no_json_is_refused_wherever_it_is(type_of_field: str, inside: Any, value: object) -> None:
    assert node(type_of_field, inside({"b": [1.5, None, "x"]})).run({"url": "/"}).payload
    with pytest.raises(UnexpectedResultError, match="is not JSON"):
        node(type_of_field, inside(value)).run({"url": "/"})


@pytest.mark.parametrize("innermost", [[], [1]], ids=["empty", "full"])
@pytest.mark.parametrize("type_of_field", ["any", "list[any]"])
def test_it_nests_as_deep_as_an_envelope_may_and_no_deeper(type_of_field: str, innermost: list[object]) -> None:
    deepest = MAX_DEPTH - 2  # below the envelope and its payload
    assert node(type_of_field, nested(deepest, innermost)).run({"url": "/"}).payload
    with pytest.raises(UnexpectedResultError, match="nested deeper"):
        node(type_of_field, nested(deepest + 1, innermost)).run({"url": "/"})
