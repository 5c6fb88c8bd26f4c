"""The total of an order."""

from decimal import Decimal

from acme_orders.compute.order_total_models import ModelOrder, ModelTotal
from acme_orders.money import rounded


def order_total(order: ModelOrder) -> ModelTotal:
    """Prices times quantities, less the discount in percent."""
    total = sum((item.price * item.quantity for item in order.items), Decimal(0))
    return ModelTotal(total=rounded(total * (100 - order.discount) / 100))
