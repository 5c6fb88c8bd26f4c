"""What the plain library, or a simpler template, does to authors: each trap by name, and that it is closed."""

from decimal import Decimal

import jmespath
import pytest
from jmespath.exceptions import JMESPathTypeError

from tests.core.mapping.language import failure_of, fault_of, render, value_of


def test_to_string_of_null_is_no_text() -> None:
    assert jmespath.search("to_string(a)", {}) == "null"
    assert failure_of("to_string(input.a)", input={}).startswith("to_string: argument 1 must be anything but null")


def test_parallel_lists_keep_their_places_with_map() -> None:
    items = [{"a": 1, "b": 2}, {"a": 3}]
    assert jmespath.search("[*].b", items) == [2]
    assert value_of("input.items[*].b", input={"items": items}) == [2]
    assert value_of("map(&b, input.items)", input={"items": items}) == [2, None]


def test_the_root_is_in_reach_inside_a_projection() -> None:
    scope = {"items": [{"sku": "x"}], "id": 7}
    assert value_of("input.items[*].{sku: sku, order: root().input.id}", input=scope) == [{"sku": "x", "order": 7}]


def test_the_name_of_a_root_inside_a_projection_is_refused() -> None:
    assert jmespath.search("items[?sku == wanted]", {"items": [{"sku": "x"}], "wanted": "x"}) == []
    fault = fault_of("input.items[?sku == input.wanted]")
    assert "'input' is not visible here" in fault.message
    assert "root().input" in fault.hint


def test_a_negated_path_is_refused() -> None:
    assert jmespath.search("!a.paid", {"a": {"paid": False}}) is None
    assert fault_of("!input.paid").message == "'!' binds tighter than what follows it"
    assert value_of("!(input.paid)", input={"paid": False}) is True


@pytest.mark.parametrize("rest", [".b", "[]", "[?b]", ".*"])
def test_everything_that_binds_looser_than_a_negation_is_refused(rest: str) -> None:
    assert fault_of(f"!input{rest}").message == "'!' binds tighter than what follows it"


@pytest.mark.parametrize("rest", ["[0]", "[*]", "[1:]"])
def test_what_binds_tighter_than_a_negation_is_fine(rest: str) -> None:
    assert value_of(f"!input{rest}", input=[]) is True


@pytest.mark.parametrize("word", ["true", "false", "null"])
def test_a_bare_word_is_refused(word: str) -> None:
    assert jmespath.search("a == true", {"a": True}) is False
    fault = fault_of(f"input.paid == {word}")
    assert (fault.at, fault.hint) == (14, f"Write `{word}`, in backticks")


def test_words_are_fine_as_fields_and_keys() -> None:
    assert value_of("input.true", input={"true": 1}) == 1
    assert value_of("{null: input}", input=1) == {"null": 1}


def test_to_number_of_a_decimal_keeps_its_digits() -> None:
    assert jmespath.search("to_number(@)", Decimal("19.90")) == 19
    assert str(value_of("to_number(input)", input=Decimal("19.90"))) == "19.90"
    assert str(value_of("to_number(input)", input="19.90")) == "19.90"


def test_a_decimal_equals_a_literal() -> None:
    assert jmespath.search("@ == `19.9`", Decimal("19.90")) is False
    assert value_of("input == `19.9`", input=Decimal("19.90")) is True
    assert value_of("input == `19.9`", input=19.9) is True


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("sum(input)", Decimal("20.00")),
        ("max(input)", Decimal("19.90")),
        ("min(input)", Decimal("0.10")),
        ("sort_by(input, &@)", [Decimal("0.10"), Decimal("19.90")]),
        ("abs(input[0])", Decimal("19.90")),
        ("avg(input)", Decimal("10.00")),
    ],
)
def test_functions_take_decimals(expression: str, value: object) -> None:
    prices = [Decimal("19.90"), Decimal("0.10")]
    with pytest.raises(JMESPathTypeError):
        jmespath.search(expression.replace("input[0]", "[0]").replace("input", "@"), prices)
    assert value_of(expression, input=prices) == value


def test_text_against_number_is_a_typed_error() -> None:
    assert failure_of("input > `9`", input="9").startswith("a text and a number have no order")


def test_an_unknown_function_is_refused_at_load() -> None:
    jmespath.compile("lenght(a)")
    fault = fault_of("lenght(input.a)")
    assert (fault.at, fault.message) == (0, "Unknown function 'lenght'")
    assert fault.hint.startswith("Did you mean 'length'?")


def test_a_wrong_number_of_arguments_is_refused_at_load() -> None:
    jmespath.compile("length(a, b)")
    assert fault_of("length(input.a, input.b)").message == "length() takes 1 argument, not 2"


def test_braces_of_an_expression_do_not_end_it() -> None:
    assert render("${{ {a: {b: input}} }}", {"input": 1}) == {"a": {"b": 1}}
    assert render("${{{a: {b: input}}}}", {"input": 1}) == {"a": {"b": 1}}
    assert render("${{ '}}' }}-${{ \"}}\" }}", {"}}": 1}) == "}}-1"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("length(input.a input.b)", "A comma or an operator is missing before this"),
        ("concat(input.a,)", "A comma with nothing behind it"),
        ("{a: input.x b: input.y}", "A comma or an operator is missing before this"),
        ("input[0:1 2]", "A comma or an operator is missing before this"),
        ("{a: input, a: input}", "Duplicate key 'a'"),
        ("input[::0]", "A slice with step 0"),
        ("length(&input)", "'&' belongs before an argument that takes an expression"),
        ("&input", "'&' belongs before an argument that takes an expression"),
        ("`NaN`", "NaN is no JSON"),
        ("`[Infinity]`", "Infinity is no JSON"),
        ('`{"a": 1, "a": 2}`', "Duplicate key 'a' in a literal"),
        ("input[0][1:2]", "A slice behind an index or a slice"),
        ("input.a == input.b == input.c", "A comparison of a comparison"),
        ("`1e2000`", "A number of more than 1000 digits"),
        ('`"\\ud800"`', "A lone surrogate in a literal"),
    ],
)
def test_what_the_library_lets_through_by_accident_is_refused(expression: str, message: str) -> None:
    jmespath.compile(expression)
    assert fault_of(expression).message == message


def test_text_in_backticks_is_refused() -> None:
    with pytest.warns(PendingDeprecationWarning):
        assert jmespath.search("`foo`", {}) == "foo"
    assert fault_of("`foo`").message == "What stands in backticks is no JSON"


@pytest.mark.parametrize(
    "expression", ["input.a == input.b && input.c == input.d", "(input.a == input.b) == input.c"]
)
def test_comparisons_that_are_joined_are_fine(expression: str) -> None:
    assert value_of(expression, input={"c": True, "d": True}) is True


def test_an_index_behind_a_projection_is_of_each_element() -> None:
    assert value_of("input[*][0]", input=[[1, 2], [3]]) == [1, 3]
    assert value_of("input[*] | [0]", input=[[1, 2], [3]]) == [1, 2]


@pytest.mark.parametrize("nested", ["(" * 200 + "input" + ")" * 200, "!" * 900 + "input", "input" + "[*]" * 400])
def test_deep_nesting_is_refused_or_answered_but_never_a_recursion_error(nested: str) -> None:
    try:
        value_of(nested, input=[])
    except Exception as error:  # noqa: BLE001 - which error it is, is what the test is about
        assert type(error).__name__ == "RefusedError"  # noqa: PT017


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("input.a > 1", "A number is written in backticks: `1`"),
        ("input.a * 2", "A product is written multiply(a, b)"),
        ("input.a + input.b", "Write add(a, b)"),
        ("input.a - input.b", "Write subtract(a, b)"),
        ("input.a / input.b", "Write divide(a, b)"),
        ("input.a = input.b", "Equality is written =="),
        ("input.a and input.b", "'and' is written &&"),
        ("input.a or input.b", "'or' is written ||"),
        ("input.a in input.b", "Write contains(list, value)"),
        ("input.a ? input.b : input.c", "Write if(condition, a, b), or list[?condition] for a filter"),
        ("$.input.a", "An expression starts with a name: input, envelope, let or result"),
        ('input.a == "x"', "A text stands in single quotes: 'x'. What is visible here: input, envelope"),
        ("iff(input.a, `1`, `2`)", "Did you mean 'if'?"),
        ("length", "length(…) is a function."),
        ("`foo`", "Backticks hold JSON: '…' is text"),
    ],
)
def test_what_other_languages_write_is_answered_with_how_it_is_written_here(expression: str, hint: str) -> None:
    assert fault_of(expression).hint.startswith(hint)
