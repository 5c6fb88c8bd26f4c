"""A payload that is known to be JSON is not looked at again: so it has to be JSON, whatever came in."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.contracts.forms import is_plain_json
from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import MappingError

from tests.core.nodes import Mapped, contract_text

FIELDS: Final = """[
    {name: text, type: string}, {name: flag, type: boolean}, {name: count, type: integer},
    {name: price, type: number, required: false}, {name: amount, type: decimal}, {name: id, type: uuid},
    {name: day, type: date}, {name: at, type: datetime}, {name: names, type: "list[string]"},
    {name: prices, type: "list[number]"}, {name: amounts, type: "map[decimal]"},
    {name: items, type: "list[ModelItem]"}, {name: free, type: any, required: false}]"""
ITEM: Final = "[{name: ModelItem, fields: [{name: sku, type: string}, {name: price, type: number, default: 0.5}]}]"
NAMES: Final = [
    "text",
    "flag",
    "count",
    "price",
    "amount",
    "id",
    "day",
    "at",
    "names",
    "prices",
    "amounts",
    "items",
]
BODY: Final = "".join(f"            {name}: '${{{{ input.{name} }}}}'\n" for name in NAMES)
ENTRY: Final = """
    io_operations:
      - type: http
        operations: [http.post]
        request:
          url: '/of/${{{{ input.text }}}}/${{{{ input.count }}}}'
          headers: {{X-Price: '${{{{ input.price }}}}', X-At: '${{{{ input.at }}}}'}}
          params: {{names: '${{{{ input.names }}}}', prices: '${{{{ input.prices }}}}'}}
          body:
            literal: [1, 1.5, null, {{a: [true]}}]
            joined: 'no. ${{{{ input.count }}}} of ${{{{ input.amount }}}}'
            nested: [{{one: '${{{{ input.items[0].price }}}}'}}]
{body}
"""
NUMBERS: Final = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
EXACT: Final = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda value: f"{value:f}")
DECIMALS: Final = st.integers(-(2**63), 2**63 - 1) | EXACT
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INPUTS: Final = st.fixed_dictionaries(
    {
        "text": TEXTS.filter(lambda text: text not in ("", ".", "..")),
        "flag": st.booleans(),
        "count": st.integers(-(2**63), 2**63 - 1),
        "amount": DECIMALS,
        "id": st.uuids().map(str),
        "day": st.dates().map(str),
        "at": st.just("2026-01-31T12:00:00.50+01:00"),
        "names": st.lists(TEXTS, max_size=3),
        "prices": st.lists(NUMBERS, max_size=3),
        "amounts": st.dictionaries(TEXTS, DECIMALS, max_size=3),
        "items": st.lists(st.fixed_dictionaries({"sku": TEXTS}, optional={"price": NUMBERS}), max_size=2),
        "free": st.none(),
    },
    optional={"price": st.none() | NUMBERS},
)


def node(entry: str) -> Mapped:
    made = "[{name: status_code, type: integer}]"
    return Mapped(contract_text("EFFECT", FIELDS, made, entry, ITEM), {"status_code": 200})


def is_known(entry: str) -> bool:
    """Whether the payload of this request is taken for JSON unseen."""
    contract = parse_node_contract(contract_text("EFFECT", FIELDS, "[{name: body, type: any}]", entry, ITEM))
    return contract.mappings.mapped[0].is_json


KNOWN: Final = ENTRY.format(body=BODY)
NODE: Final = node(KNOWN)


@given(INPUTS)
def test_what_is_taken_for_json_unseen_is_json(payload: JsonObject) -> None:
    assert is_plain_json(NODE.sent(payload))


def test_a_payload_of_declared_fields_is_taken_for_json_unseen() -> None:
    assert is_known(KNOWN)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "input.free",
            "[input.free]",
            "envelope.metadata",
            "envelope.source_node",
            "add(input.count, input.count)",
        ),
        *("to_number(input.text)", "input.items[*].price", "{a: input.count}", "root().input.count"),
    ],
)
def test_what_may_be_something_else_is_looked_at(value: str) -> None:
    entry = """
        io_operations:
          - type: http
            operations: [http.post]
            request: {url: /x, body: {a: '${{ VALUE }}'}}
    """
    assert not is_known(entry.replace("VALUE", value))


def test_an_integer_that_became_too_large_is_refused() -> None:
    entry = """
        io_operations:
          - type: http
            operations: [http.post]
            request: {url: /x, body: '${{ multiply(input.count, input.count) }}'}
    """
    with pytest.raises(MappingError, match="64 bits"):
        node(entry).sent({**_GOOD, "count": 2**62})


_GOOD: Final[JsonObject] = {
    "text": "a",
    "flag": True,
    "count": 1,
    "amount": "1.5",
    "id": "0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a",
    "day": "2026-01-31",
    "at": "2026-01-31T12:00:00Z",
    "names": [],
    "prices": [],
    "amounts": {},
    "items": [],
    "free": None,
}
