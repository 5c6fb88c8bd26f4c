"""What is said of a value that does not fit its field."""

import pytest
from omnibase_core.problems import ModelProblem

from tests.core.contracts.contracts_on_hand import load, runtime_text


def only_problem(text: str) -> ModelProblem:
    [problem] = load(text).problems
    return problem


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (".inf", "NaN and infinities are no values"),
        (".nan", "NaN and infinities are no values"),
        ("1e400", "A number beyond the range of a double"),
        ("99999999999999999999", "An integer beyond 64 bits"),
    ],
)
@pytest.mark.parametrize("field", ["timeout_ms", "rate_limit_per_second"])
def test_a_number_that_json_does_not_have_is_one_problem(field: str, value: str, message: str) -> None:
    problem = only_problem(runtime_text(handlers=f"[{{type: http, {field}: {value}}}]"))
    assert problem.message == message


def test_digits_with_underscores_are_shown_without_them() -> None:
    problem = only_problem(runtime_text(handlers="[{type: http, timeout_ms: 1_000}]"))
    assert problem.message == "runtime.handlers[0].timeout_ms must be an integer, not text"
    assert problem.action == "Write 1000"


@pytest.mark.parametrize("kind", ["[kafka]", "5", "{kafka: 1}"])
def test_what_is_no_text_is_told_the_valid_ones_too(kind: str) -> None:
    problem = only_problem(runtime_text(event_bus=f"{{kind: {kind}}}"))
    assert problem.message.startswith("runtime.event_bus.kind must be inmemory or kafka, not ")
