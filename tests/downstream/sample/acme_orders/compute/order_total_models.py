"""The models of node order_total; written by: onex-host models."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelItem:
    """ModelItem of node order_total."""

    price: Decimal
    quantity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelTotal:
    """ModelTotal of node order_total."""

    total: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOrder:
    """ModelOrder of node order_total."""

    items: list[ModelItem]
    discount: Decimal
