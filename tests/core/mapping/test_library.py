"""Our evaluator and the jmespath library give the same values; where they differ, it is listed here."""

from decimal import Decimal
from typing import Any, ClassVar

import jmespath
import pytest
from hypothesis import given, settings
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature
from jmespath.parser import Parser
from jmespath.visitor import TreeInterpreter
from omnibase_core.mapping.check import Checker
from omnibase_core.mapping.expression import compile_tree
from omnibase_core.mapping.faults import EvaluationError, ExpressionError
from omnibase_core.mapping.static import ANY, Type
from omnibase_core.mapping.tree import parse
from omnibase_core.mapping.values import kind_of

from tests.core.mapping.generated import documents, expressions


class _Refused:
    """No value: an error at run time, or a refusal at load."""

    def __repr__(self) -> str:
        return "no value"


REFUSED = _Refused()


def ours(expression: str, document: object) -> object:
    """Our value, with the document itself as what the expression is about."""
    try:
        tree = parse(expression)
    except ExpressionError:
        return REFUSED
    checker = Checker(ANY)
    checker.check(tree, ANY)
    if checker.faults:
        return REFUSED
    try:
        return compile_tree(tree)(document, document)
    except EvaluationError:
        return REFUSED


class StrictFunctions(Functions):
    """The library's functions, but that a boolean is no number for `contains` either."""

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        return search in subject if isinstance(subject, str) else any(same(item, search) for item in subject)


class StrictInterpreter(TreeInterpreter):
    """The library's evaluation, but that a boolean is no number inside of lists and objects either."""

    COMPARATOR_FUNC: ClassVar = {
        **TreeInterpreter.COMPARATOR_FUNC,
        "eq": lambda a, b: same(a, b),
        "ne": lambda a, b: not same(a, b),
    }


def theirs(expression: str, document: object) -> object:
    """The library's value; its own errors and the TypeErrors that it lets through are no value."""
    interpreter = StrictInterpreter(jmespath.Options(custom_functions=StrictFunctions()))
    try:
        value: object = interpreter.visit(Parser().parse(expression).parsed, document)
    except (JMESPathError, TypeError, ValueError):
        return REFUSED
    return value


def same(a: object, b: object) -> bool:
    """Equality of JSON: no boolean is a number, a Decimal equals the double of its shortest form."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, Decimal) and isinstance(b, int | float):
        return float(a) == b
    return a == b and (type(a) is type(b) or (isinstance(a, int | float) and isinstance(b, int | float)))


@settings(max_examples=1_500, deadline=None)
@given(expressions(), documents())
def test_a_value_of_ours_is_the_value_of_the_library(expression: str, document: object) -> None:
    mine = ours(expression, document)
    if mine is not REFUSED:
        assert same(mine, theirs(expression, document)), (expression, document)


def reason(expression: str, document: object) -> str:
    """Why an expression has no value of ours."""
    try:
        tree = parse(expression)
    except ExpressionError as error:
        return error.fault.message
    checker = Checker(ANY)
    checker.check(tree, ANY)
    if checker.faults:
        return checker.faults[0].message
    try:
        compile_tree(tree)(document, document)
    except EvaluationError as error:
        return error.sentence
    raise AssertionError("it has a value")


# Where the library has a value and we have none: what is certainly a mistake is told, not answered with null.
_STRICTER = (
    "no order",
    "not null",
    "has no fields",
    "which is no list",
    "which is no object",
    "has no field '",
    "A slice behind an index or a slice",
    "'!' binds tighter than what follows it",
    "must be a list",
    "must be a text",
    "must be a number",
    "must be an object",
    "must be all",
    "must give numbers or texts",
    "but its item",
)


@settings(max_examples=1_500, deadline=None)
@given(expressions(), documents())
def test_what_only_the_library_answers_is_one_of_the_listed_differences(expression: str, document: object) -> None:
    if ours(expression, document) is REFUSED and theirs(expression, document) is not REFUSED:
        assert any(part in reason(expression, document) for part in _STRICTER), reason(expression, document)


@settings(max_examples=1_500, deadline=None)
@given(expressions(), documents())
def test_a_value_is_of_the_type_that_was_found_before_it_ran(expression: str, document: object) -> None:
    if ours(expression, document) is REFUSED:
        return
    tree = parse(expression)
    wanted = Checker(ANY).check(tree, ANY)
    assert fits(compile_tree(tree)(document, document), wanted), expression


def fits(value: object, type_: Type) -> bool:
    """Whether a value is of a type; null is of every one."""
    if value is None or type_.runtime_kind is None:
        return True
    if kind_of(value) != type_.runtime_kind:
        return False
    if isinstance(value, list):
        return all(fits(item, type_.element) for item in value)
    if isinstance(value, dict):
        return all(fits(item, type_.fields.get(key, type_.element)) for key, item in value.items())
    return type_.kind != "integer" or isinstance(value, int)


@pytest.mark.parametrize(
    ("expression", "document", "library", "value"),
    [
        ("@ == `[true]`", [1], True, False),
        ("contains(@, `true`)", [1], True, False),
        ("to_number(@)", "1_000", 1000, None),
        ("to_number(@)", " 5 ", 5, None),
        ("to_number(@)", "1e400", float("inf"), None),
        ("avg(@)", [1, 2], 1.5, Decimal("1.5")),
        ("type(@)", Decimal("1.5"), None, "number"),
    ],
)
def test_a_deliberate_difference(expression: str, document: object, library: object, value: object) -> None:
    assert jmespath.search(expression, document) == library
    mine = ours(expression, document)
    assert mine == value
    assert type(mine) is type(value)


def test_nan_is_a_number_for_the_library_only() -> None:
    assert theirs("to_number(@)", "nan") != theirs("to_number(@)", "nan")
    assert ours("to_number(@)", "nan") is None


@pytest.mark.parametrize("expression", ["@ > `9`", "@ < `1`"])
def test_text_and_number_raise_a_bare_type_error_there_and_a_typed_one_here(expression: str) -> None:
    with pytest.raises(TypeError):
        jmespath.search(expression, "9")
    assert "no order" in reason(expression, "9")
