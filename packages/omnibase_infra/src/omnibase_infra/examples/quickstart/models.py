"""The models of node calculate_total; written by: onex-host models."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelItem:
    """ModelItem of node calculate_total."""

    name: str
    price: Decimal
    quantity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelTotal:
    """ModelTotal of node calculate_total."""

    pieces: int
    total: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOrder:
    """ModelOrder of node calculate_total."""

    items: list[ModelItem]
    rate: Decimal
