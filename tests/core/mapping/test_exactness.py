"""Numbers are exact: what expressions calculate is what Python's decimal gives with digits enough."""

import sys
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.mapping import exact
from omnibase_core.mapping.faults import EvaluationError

from tests.core.mapping.language import failure_of, value_of

decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=12)
integers = st.integers(-(2**200), 2**200)
doubles = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100)
numbers = st.one_of(decimals, integers, doubles)


def fraction(number: object) -> Fraction:
    """A number as a fraction; a float counts as its shortest form."""
    return Fraction(repr(number)) if isinstance(number, float) else Fraction(number)  # type: ignore[call-overload]  # int or Decimal


@given(numbers, numbers)
def test_add_subtract_and_multiply_are_exact(a: object, b: object) -> None:
    assert fraction(value_of("add(input.a, input.b)", input={"a": a, "b": b})) == fraction(a) + fraction(b)
    assert fraction(value_of("subtract(input.a, input.b)", input={"a": a, "b": b})) == fraction(a) - fraction(b)
    assert fraction(value_of("multiply(input.a, input.b)", input={"a": a, "b": b})) == fraction(a) * fraction(b)


@given(st.lists(numbers, max_size=30))
def test_a_sum_is_exact(items: list[object]) -> None:
    assert fraction(value_of("sum(input)", input=items)) == sum(map(fraction, items))


@given(st.lists(decimals, min_size=1, max_size=40), st.decimals(0, 1, places=4))
def test_the_total_of_an_order_is_the_one_of_pythons_decimal(prices: list[Decimal], rate: Decimal) -> None:
    expression = "round(multiply(sum(input.prices), subtract(`1`, input.rate)), `2`, 'half_up')"
    with localcontext(Context(prec=500)):
        wanted = (sum(prices, Decimal(0)) * (1 - rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    made = value_of(expression, input={"prices": prices, "rate": rate})
    assert str(made) == str(wanted)


@given(integers, integers)
def test_integers_stay_integers(a: int, b: int) -> None:
    scope = {"a": a, "b": b}
    assert type(value_of("add(input.a, input.b)", input=scope)) is int
    assert type(value_of("multiply(input.a, input.b)", input=scope)) is int
    assert type(value_of("subtract(input.a, input.b)", input=scope)) is int
    assert type(value_of("sum([input.a, input.b])", input=scope)) is int


@given(numbers, numbers)
def test_a_quotient_has_34_digits_half_even(a: object, b: object) -> None:
    if fraction(b) == 0:
        assert failure_of("divide(input.a, input.b)", input={"a": a, "b": b}) == "divide: the divisor is zero"
        return
    context = Context(prec=34, rounding=ROUND_HALF_EVEN)
    wanted = context.divide(exact.exact(a), exact.exact(b))  # type: ignore[arg-type]  # both are numbers
    assert value_of("divide(input.a, input.b)", input={"a": a, "b": b}) == wanted


@given(st.lists(decimals, min_size=1, max_size=9))
def test_a_mean_is_the_exact_sum_divided_with_34_digits(items: list[Decimal]) -> None:
    whole = sum(map(Fraction, items), Fraction()) / len(items)
    context = Context(prec=34, rounding=ROUND_HALF_EVEN)
    wanted = context.divide(Decimal(whole.numerator), Decimal(whole.denominator))
    assert value_of("avg(input.items)", input={"items": items}) == wanted


@given(decimals, st.integers(-5, 12))
def test_rounding_is_that_of_pythons_decimal(number: Decimal, places: int) -> None:
    for how, mode in (("half_even", ROUND_HALF_EVEN), ("half_up", ROUND_HALF_UP)):
        wanted = number.quantize(Decimal(1).scaleb(-places), mode, Context(prec=500))
        made = value_of(f"round(input.n, input.p, '{how}')", input={"n": number, "p": places})
        assert str(made) == str(wanted)


@given(numbers, numbers)
def test_order_and_equality_are_those_of_the_exact_numbers(a: object, b: object) -> None:
    scope = {"a": a, "b": b}
    x, y = fraction(a), fraction(b)
    found = [value_of(f"input.a {sign} input.b", input=scope) for sign in ("<", "<=", ">", ">=", "==", "!=")]
    assert found == [x < y, x <= y, x > y, x >= y, x == y, x != y]


@given(st.lists(numbers))
def test_sorting_is_by_the_exact_numbers(items: list[object]) -> None:
    made = value_of("sort(input)", input=items)
    assert isinstance(made, list)
    assert [fraction(item) for item in made] == sorted(map(fraction, items))


@given(doubles)
def test_a_number_is_what_its_shortest_form_says(double: float) -> None:
    assert value_of("input == `0` || input == number(text(input))", input=double) is True


@pytest.mark.parametrize("expression", ["multiply(input, input)", "add(input, `1e-900`)"])
def test_what_would_have_more_than_a_thousand_digits_is_an_error(expression: str) -> None:
    assert "more than 1000 digits" in failure_of(expression, input=Decimal("1e600"))


def test_the_largest_integers_are_bounded_too() -> None:
    assert "more than 1000 digits" in failure_of("multiply(input, input)", input=10**600)


def test_a_number_beyond_a_double_is_an_error_of_number() -> None:
    assert "beyond the range of a double" in failure_of("number(input)", input=Decimal("1e400"))
    assert value_of("number(input)", input=Decimal(repr(sys.float_info.max))) == Decimal(repr(sys.float_info.max))


def test_pythons_own_context_is_not_used() -> None:
    with localcontext(Context(prec=3)):
        assert str(value_of("add(input, `0.01`)", input=Decimal("123456.78"))) == "123456.79"
        assert str(value_of("sum([input, `0.01`])", input=Decimal("123456.78"))) == "123456.79"
        assert str(value_of("abs(input)", input=Decimal("-123456.78"))) == "123456.78"


def test_an_infinity_that_a_handler_let_in_is_no_number() -> None:
    with pytest.raises(EvaluationError, match="no numbers"):
        exact.exact(float("inf"))
