"""An app-specific host: it registers the function of the COMPUTE node, and nothing else."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, TypedDict, cast

from omnibase_core.runtime import ComputeFunction

from omnibase_infra.host.process import BaseRuntimeHostProcess


class Item(TypedDict):
    """A value of ModelItem, as the contract's types say."""

    name: str
    price: Decimal
    quantity: int


class Order(TypedDict):
    """A value of ModelOrder."""

    items: list[Item]
    rate: Decimal


def calculate_total(values: dict[str, object]) -> Mapping[str, object]:
    """Values of the node's input model in, of its output model out; the contract has checked them."""
    order = cast("Order", values)
    total = sum((item["price"] * item["quantity"] for item in order["items"]), Decimal(0)) * order["rate"]
    return {
        "pieces": sum(item["quantity"] for item in order["items"]),
        "total": total.quantize(Decimal("0.01")),
    }


class QuickstartHost(BaseRuntimeHostProcess):
    """The host of runtime.yaml."""

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"calculate_total": calculate_total}
