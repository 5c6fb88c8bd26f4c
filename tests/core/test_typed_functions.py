"""COMPUTE functions with dataclasses of the contract's models: generated, checked at start, and called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, make_dataclass
from decimal import Decimal
from typing import Any, Final

import pytest
from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.contracts.python_models import python_models
from omnibase_core.errors import HandlerExecutionError, ProtocolConfigurationError
from omnibase_core.runtime import NodeInstance

from tests.core.nodes import Mapped, contract_text

GIVEN: Final = (
    "[{name: items, type: 'list[ModelItem]'}, {name: by_sku, type: 'map[ModelItem]', required: false}, "
    "{name: rate, type: number, required: false, default: 0.5}, {name: class, type: any, required: false}]"
)
MADE: Final = "[{name: total, type: decimal}, {name: first, type: ModelItem, required: false}]"
ITEM: Final = (
    "[{name: ModelItem, description: 'One \"line\"', fields: [{name: sku, type: string}, "
    "{name: price, type: decimal}, {name: note, type: string, required: false}]}]"
)
TEXT: Final = contract_text("COMPUTE", GIVEN, MADE, "", ITEM)
CONTRACT: Final = parse_node_contract(TEXT)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelItem:
    """As `onex-host models` writes it."""

    sku: str
    price: Decimal
    note: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelIn:
    """As `onex-host models` writes it."""

    items: list[ModelItem]
    by_sku: dict[str, ModelItem] | None = None
    rate: Decimal | None = None
    class_: object = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOut:
    """As `onex-host models` writes it."""

    total: Decimal
    first: ModelItem | None = None


def calculate(order: ModelIn) -> ModelOut:
    """A typed function."""
    assert order.rate is not None
    total = sum((item.price for item in order.items), Decimal(0)) * order.rate
    return ModelOut(total=total, first=order.items[0] if order.items else None)


def run(function: Callable[[Any], Any], payload: dict[str, Any]) -> Mapping[str, object]:
    """The payload that a node with this function makes."""
    return Mapped(TEXT, function=function).run(payload).payload


def refusal(function: Callable[[Any], Any]) -> str:
    """Why a function is refused at start."""
    with pytest.raises(ProtocolConfigurationError) as caught:
        NodeInstance(CONTRACT, function)
    return caught.value.message


def test_a_function_takes_and_gives_instances_of_its_models() -> None:
    line = {"sku": "x", "price": "19.90"}
    assert run(calculate, {"items": [line, line]}) == {"total": "19.900", "first": line}
    assert run(calculate, {"items": []}) == {"total": "0.0"}


def test_models_inside_maps_and_null_are_instances_too() -> None:
    seen: list[ModelIn] = []

    def keep(order: ModelIn) -> ModelOut:
        seen.append(order)
        return ModelOut(total=Decimal(1))

    run(keep, {"items": [], "by_sku": {"x": {"sku": "x", "price": 5, "note": None}}, "class": {"a": [1]}})
    assert seen == [
        ModelIn(
            items=[], by_sku={"x": ModelItem(sku="x", price=Decimal(5))}, rate=Decimal("0.5"), class_={"a": [1]}
        )
    ]


def test_the_generated_models_are_those_that_are_accepted() -> None:
    text = python_models(CONTRACT)
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(text, "models.py", "exec"), names)  # noqa: S102 - generated text, which is what this is about

    def typed(order: Any) -> Any:
        return names["ModelOut"](total=order.items[0].price)

    typed.__annotations__ = {"order": names["ModelIn"], "return": names["ModelOut"]}
    assert run(typed, {"items": [{"sku": "x", "price": "1.10"}]}) == {"total": "1.10"}


def test_the_generated_text() -> None:
    assert python_models(CONTRACT) == (
        '"""The models of node node; written by: onex-host models."""\n'
        "\n"
        "from dataclasses import dataclass\n"
        "from decimal import Decimal\n"
        "\n\n"
        "@dataclass(frozen=True, kw_only=True, slots=True)\n"
        "class ModelItem:\n"
        '    """One \'line\'"""\n'
        "\n"
        "    sku: str\n"
        "    price: Decimal\n"
        "    note: str | None = None\n"
        "\n\n"
        "@dataclass(frozen=True, kw_only=True, slots=True)\n"
        "class ModelIn:\n"
        '    """ModelIn of node node."""\n'
        "\n"
        "    items: list[ModelItem]\n"
        "    by_sku: dict[str, ModelItem] | None = None\n"
        "    rate: Decimal | None = None\n"
        "    class_: object = None\n"
        "\n\n"
        "@dataclass(frozen=True, kw_only=True, slots=True)\n"
        "class ModelOut:\n"
        '    """ModelOut of node node."""\n'
        "\n"
        "    total: Decimal\n"
        "    first: ModelItem | None = None\n"
    )


def other(name: str, *fields: tuple[str, Any]) -> type:
    """A dataclass of another shape."""
    return make_dataclass(name, fields)


@pytest.mark.parametrize(
    ("given", "made", "said"),
    [
        (ModelOut, ModelOut, "it names ModelOut where the contract has ModelIn"),
        (ModelIn, ModelIn, "it names ModelIn where the contract has ModelOut"),
        (ModelIn, None, "it names no class where the contract has ModelOut"),
        (dict, ModelOut, "it names dict where the contract has ModelIn"),
        (ModelIn, other("ModelOut", ("total", Decimal)), "ModelOut lacks the field 'first'"),
        (
            ModelIn,
            other("ModelOut", ("total", Decimal), ("first", ModelItem | None), ("more", int)),
            "ModelOut has, and the contract has not, the field 'more'",
        ),
        (
            ModelIn,
            other("ModelOut", ("total", float), ("first", ModelItem | None)),
            "ModelOut.total is not annotated as Decimal",
        ),
        (
            ModelIn,
            other("ModelOut", ("total", Decimal), ("first", ModelItem)),
            "ModelOut.first is not annotated as ModelItem | None",
        ),
        (
            ModelIn,
            other("ModelOut", ("total", Decimal), ("first", dict | None)),
            "it names dict where the contract has ModelItem",
        ),
    ],
)
def test_a_signature_that_is_not_the_contracts_is_refused_at_start(given: Any, made: Any, said: str) -> None:
    def function(order: Any) -> Any:
        raise AssertionError

    function.__annotations__ = {"order": given, **({} if made is None else {"return": made})}
    message = refusal(function)
    assert said in message
    assert "expected def node(input: ModelIn) -> ModelOut" in message


def test_an_annotation_that_cannot_be_read_is_refused() -> None:
    def function(order: "ModelNowhere") -> ModelOut:  # type: ignore[name-defined]  # noqa: F821 - the point of it
        raise AssertionError

    assert "its annotation 'ModelNowhere' is not importable" in refusal(function)


def test_a_function_of_plain_values_stays_as_it_is() -> None:
    def plain(values: dict[str, Any]) -> Mapping[str, object]:
        return {"total": len(values["items"])}

    assert run(plain, {"items": []}) == {"total": "0"}


def test_a_result_of_another_class_is_a_failure_of_the_function() -> None:
    def wrong(order: ModelIn) -> ModelOut:
        return order  # type: ignore[return-value]  # the point of it

    with pytest.raises(HandlerExecutionError, match="The function of COMPUTE node 'node' failed"):
        run(wrong, {"items": []})
