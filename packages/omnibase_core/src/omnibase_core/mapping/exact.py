"""Exact numbers: integers stay integers, everything else is Decimal, and nothing is rounded unasked."""

from collections.abc import Sequence
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from math import isfinite
from typing import Final

from omnibase_core.mapping.faults import EvaluationError

Number = int | float | Decimal

MAX_DIGITS: Final = 1_000
DIVISION_DIGITS: Final = 34
_MAX_BITS: Final = 3_322  # of an integer of 1,000 digits
_MAX_PLACES: Final = 100
_ROUNDINGS: Final = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP}

_EXACT: Final = Context(prec=4 * MAX_DIGITS, traps=[Inexact, InvalidOperation, Overflow, Clamped])
_DIVIDING: Final = Context(
    prec=DIVISION_DIGITS, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero]
)
_ROUNDING: Final = Context(prec=4 * MAX_DIGITS, traps=[InvalidOperation])


def exact(number: Number) -> Decimal:
    """The number as a Decimal; a float counts as its shortest form."""
    if type(number) is Decimal:
        return number
    if isinstance(number, float):
        if not isfinite(number):
            raise EvaluationError("NaN and infinities are no numbers")
        return Decimal(repr(number))
    return Decimal(number)


def is_held(value: Decimal) -> bool:
    """Whether a finite number has at most MAX_DIGITS digits when written out."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and max(value.adjusted() + 1, 1) + max(-exponent, 0) <= MAX_DIGITS


def add(a: Number, b: Number) -> Number:
    """a + b."""
    if isinstance(a, int) and isinstance(b, int):
        return _bounded(a + b)
    return _held(_EXACT.add(exact(a), exact(b)))


def subtract(a: Number, b: Number) -> Number:
    """a - b."""
    if isinstance(a, int) and isinstance(b, int):
        return _bounded(a - b)
    return _held(_EXACT.subtract(exact(a), exact(b)))


def multiply(a: Number, b: Number) -> Number:
    """a * b."""
    if isinstance(a, int) and isinstance(b, int):
        return _bounded(a * b)
    return _held(_EXACT.multiply(exact(a), exact(b)))


def divide(a: Number, b: Number) -> Decimal:
    """a / b with 34 digits, half even."""
    divisor = exact(b)
    if not divisor:
        raise EvaluationError("the divisor is zero")
    return _held(_DIVIDING.divide(exact(a), divisor))


def total(numbers: Sequence[Number]) -> Number:
    """The sum; 0 of none."""
    result: Number = 0
    for number in numbers:
        result = add(result, number)
    return result


def average(numbers: Sequence[Number]) -> Decimal | None:
    """The sum divided by the count; null of none."""
    return divide(total(numbers), len(numbers)) if numbers else None


def rounded(number: Number, places: Number, how: str = "half_even") -> Decimal:
    """The number with that many decimal places."""
    if not isinstance(places, int) or abs(places) > _MAX_PLACES:
        raise EvaluationError(f"the places must be an integer from -{_MAX_PLACES} to {_MAX_PLACES}")
    if how not in _ROUNDINGS:
        raise EvaluationError("the third argument must be 'half_even' or 'half_up'")
    return _held(exact(number).quantize(Decimal((0, (1,), -places)), _ROUNDINGS[how], _ROUNDING))


def absolute(number: Number) -> Number:
    """The number without its sign."""
    return abs(number) if isinstance(number, int) else exact(number).copy_abs()


def ceiling(number: Number) -> int:
    """The smallest integer that is not below the number."""
    return number if isinstance(number, int) else int(exact(number).to_integral_value(ROUND_CEILING, _ROUNDING))


def floor(number: Number) -> int:
    """The largest integer that is not above the number."""
    return number if isinstance(number, int) else int(exact(number).to_integral_value(ROUND_FLOOR, _ROUNDING))


def nearest_double(number: Number) -> Number:
    """What a JSON number keeps of this one: 64-bit integers as they are, else the shortest form of a double."""
    if isinstance(number, int) and -(2**63) <= number < 2**63:
        return number
    try:
        double = float(number)
    except OverflowError:
        double = float("inf")
    if not isfinite(double):
        raise EvaluationError("the number is beyond the range of a double")
    return exact(double)


def plain(number: Number) -> str:
    """The number's digits, without an exponent."""
    return str(number) if isinstance(number, int) else format(exact(number), "f")


def _held(value: Decimal) -> Decimal:
    if not is_held(value):
        raise EvaluationError(f"the result has more than {MAX_DIGITS} digits")
    return value


def _bounded(value: int) -> int:
    if value.bit_length() > _MAX_BITS:
        raise EvaluationError(f"the result has more than {MAX_DIGITS} digits")
    return value
