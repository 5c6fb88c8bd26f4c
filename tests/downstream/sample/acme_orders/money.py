"""Amounts as Acme rounds them."""

from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")


def rounded(amount: Decimal) -> Decimal:
    """The amount in cents, half a cent upwards."""
    return amount.quantize(_CENT, ROUND_HALF_UP)
