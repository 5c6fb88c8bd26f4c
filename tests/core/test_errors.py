"""The exception tree: it is what its docstring draws, and what it says of itself is safe to put on the bus."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core import errors
from omnibase_core.enums import EnumErrorCode, EnumHandlerType
from omnibase_core.envelope import ModelEnvelopeError
from omnibase_core.errors import (
    ContractValidationError,
    EnvelopeValidationError,
    HandlerExecutionError,
    HandlerNotFoundError,
    IndeterminateEffectError,
    IndeterminateTimeoutError,
    InvalidOperationError,
    MessageTooLargeError,
    NodeNotFoundError,
    OnexError,
    RuntimeHostError,
    shown,
)
from omnibase_core.problems import ModelProblem

CORRELATION: Final = UUID("22222222-2222-4222-8222-222222222222")
DRAWN_LINE: Final = re.compile(
    r"^(?P<indent> *)[*+.-] (?P<name>\w+)(?: +(?P<code>[A-Z_]+))?(?P<retryable> +retryable)?$"
)


class Drawn(NamedTuple):
    """One line of the picture."""

    name: str
    parent: str
    code: str | None
    retryable: bool


def drawn() -> Iterator[Drawn]:
    """The tree of the module's docstring, line by line; the parent is the last line with less indentation."""
    above: list[tuple[int, str]] = [(-1, "Exception")]
    for line in (errors.__doc__ or "").splitlines():
        match = DRAWN_LINE.match(line)
        if match is None:
            continue
        indent = len(match["indent"])
        while above[-1][0] >= indent:
            above.pop()
        yield Drawn(match["name"], above[-1][1], match["code"], match["retryable"] is not None)
        above.append((indent, match["name"]))


def classes() -> dict[str, type[OnexError]]:
    """Every error class that the module defines."""
    found = inspect.getmembers(errors, inspect.isclass)
    return {name: kind for name, kind in found if issubclass(kind, OnexError)}


def hosts() -> list[type[RuntimeHostError]]:
    """Every class that an error envelope can carry."""
    return [kind for kind in classes().values() if issubclass(kind, RuntimeHostError)]


def simple() -> list[type[RuntimeHostError]]:
    """Those whose constructor is RuntimeHostError's."""
    return [kind for kind in hosts() if kind.__init__ is RuntimeHostError.__init__]


class TestTree:
    def test_the_picture_has_every_class_once(self) -> None:
        assert sorted(line.name for line in drawn()) == sorted(classes())

    @pytest.mark.parametrize("line", tuple(drawn()), ids=lambda line: line.name)
    def test_each_line_is_as_the_class_is(self, line: Drawn) -> None:
        kind = classes()[line.name]
        assert [base.__name__ for base in kind.__bases__] == [line.parent]
        if issubclass(kind, RuntimeHostError):
            assert line.code == kind.code
            assert line.retryable is kind.retryable
        else:
            assert line.code is None

    def test_every_code_has_a_class(self) -> None:
        assert {kind.code for kind in hosts()} == set(EnumErrorCode)

    def test_a_code_is_spelled_like_its_name(self) -> None:
        assert [code.name for code in EnumErrorCode] == [code.value for code in EnumErrorCode]

    def test_what_is_retryable_is_the_class_and_not_the_code(self) -> None:
        assert {kind.__name__ for kind in hosts() if kind.retryable} == {
            "EventBusError",
            "HandlerConnectionError",
            "HandlerTimeoutError",
            "HandlerUnavailableError",
            "PoolExhaustedError",
            "RateLimitedError",
            "TransientHandlerError",
        }

    def test_every_class_says_what_it_means(self) -> None:
        assert [kind for kind in classes().values() if "__doc__" not in vars(kind) or not kind.__doc__] == []


class TestFields:
    @pytest.mark.parametrize("kind", simple(), ids=lambda kind: kind.__name__)
    def test_every_error_carries_what_applies(self, kind: type[RuntimeHostError]) -> None:
        error = kind(
            "It failed",
            correlation_id=CORRELATION,
            handler_type=EnumHandlerType.DB,
            operation="db.query",
            details={"n": 1},
        )
        assert str(error) == error.message == "It failed"
        assert error.correlation_id == CORRELATION
        assert (error.handler_type, error.operation) == (EnumHandlerType.DB, "db.query")
        assert error.details["n"] == 1

    @pytest.mark.parametrize("kind", simple(), ids=lambda kind: kind.__name__)
    def test_the_rest_is_nothing(self, kind: type[RuntimeHostError]) -> None:
        error = kind("It failed")
        assert (error.correlation_id, error.handler_type, error.operation) == (None, None, None)
        assert error.details == dict(kind.class_details)

    def test_details_are_the_errors_own(self) -> None:
        given = {"n": 1}
        error = HandlerExecutionError("x", details=dict(given))
        error.details["m"] = 2
        assert given == {"n": 1}
        assert HandlerExecutionError("x").details == {}

    @pytest.mark.parametrize("kind", [IndeterminateEffectError, IndeterminateTimeoutError])
    def test_an_effect_that_is_not_known_is_called_so(self, kind: type[IndeterminateEffectError]) -> None:
        first, second = kind("x", details={"n": 1}), kind("y")
        assert first.details == {"effect": "indeterminate", "n": 1}
        assert second.details == {"effect": "indeterminate"}
        assert not first.retryable


class TestSentences:
    def test_a_handler_that_is_missing(self) -> None:
        error = HandlerNotFoundError("db", ["vault", "http"], operation="db.query")
        assert error.message == "No handler 'db' is configured; configured: http, vault"
        assert error.details == {"available_handlers": ["http", "vault"]}
        assert error.operation == "db.query"
        assert HandlerNotFoundError("db", []).message == "No handler 'db' is configured; configured: none"

    def test_a_node_that_is_missing_is_shown_safely(self) -> None:
        error = NodeNotFoundError("\x1b[31m" + "x" * 100, ["b", "a"])
        assert error.message == rf"No node '\x1b[31m{'x' * 59}…' in this host; its nodes: a, b"
        assert error.details == {"target_node": rf"\x1b[31m{'x' * 59}…", "available_nodes": ["a", "b"]}

    def test_of_many_nodes_the_first_twenty_are_named(self) -> None:
        nodes = [f"n{number:02}" for number in range(25)]
        error = NodeNotFoundError("x", nodes)
        assert error.message.endswith("n18, n19 and 5 more")
        assert error.details["available_nodes"] == nodes[:20]
        assert error.available_nodes == nodes

    def test_an_operation_that_is_none(self) -> None:
        error = InvalidOperationError("No such", ["http.put", "http.get"], operation="é" * 100)
        assert error.message == "No such; available operations: http.get, http.put"
        assert error.details == {"available_operations": ["http.get", "http.put"]}
        assert error.operation == r"\xe9" * 64 + "…"

    def test_an_envelope_that_is_wrong_says_where(self) -> None:
        error = EnvelopeValidationError("is required", path="$.payload.user_id")
        assert (error.message, error.path) == ("$.payload.user_id: is required", "$.payload.user_id")
        assert error.details == {"path": "$.payload.user_id"}
        assert EnvelopeValidationError("x", offset=0).details == {"path": "$", "offset": 0}

    def test_contract_problems_come_in_the_order_of_their_places(self) -> None:
        places: list[tuple[str, int | None]] = [("b.yaml", 1), ("a.yaml", 10), ("a.yaml", 2), ("a.yaml", None)]
        problems = [ModelProblem(file=file, line=line, code="X", message="m") for file, line in places]
        error = ContractValidationError(problems)
        assert [problem.where for problem in error.problems] == ["a.yaml", "a.yaml:2", "a.yaml:10", "b.yaml:1"]
        assert error.message.splitlines()[:3] == ["Failed to load contract", "  File: a.yaml", "  Error: m"]

    def test_a_message_that_is_too_large_says_how_large(self) -> None:
        error = MessageTooLargeError(11, 10)
        assert error.message.startswith("The message has 11 bytes, the bus takes 10;")
        assert error.details == {"size_bytes": 11, "limit_bytes": 10}
        assert not error.retryable


class TestOnTheBus:
    @pytest.mark.parametrize("kind", simple(), ids=lambda kind: kind.__name__)
    def test_each_is_told_with_its_code_and_whether_to_try_again(self, kind: type[RuntimeHostError]) -> None:
        error = kind("It failed", handler_type=EnumHandlerType.DB, operation="db.query", details={"n": [1]})
        told = ModelEnvelopeError.of(error)
        assert told.model_dump() == {
            "code": kind.code,
            "message": "It failed",
            "handler_type": EnumHandlerType.DB,
            "operation": "db.query",
            "retryable": kind.retryable,
            "details": {**kind.class_details, "n": [1]},
        }

    @pytest.mark.parametrize(
        "error",
        [
            HandlerNotFoundError("x", ["http"]),
            NodeNotFoundError("x", ["y"]),
            InvalidOperationError("x", ["y"]),
            EnvelopeValidationError("x", offset=3),
            ContractValidationError([]),
            MessageTooLargeError(2, 1),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_so_is_each_with_fields_of_its_own(self, error: RuntimeHostError) -> None:
        told = ModelEnvelopeError.of(error)
        assert (told.code, told.message, told.details) == (error.code, error.message, error.details)


class TestShown:
    @pytest.mark.parametrize(
        ("text", "safe"),
        [
            ("", ""),
            ("user_id", "user_id"),
            ("a b", "a b"),
            ("é", r"\xe9"),
            ("😀", r"\U0001f600"),
            ("a\nb\t\x00\x1b", r"a\nb\t\x00\x1b"),
            ("\ud800", r"\ud800"),
            ("\u202e", r"\u202e"),
            ("x" * 64, "x" * 64),
            ("x" * 65, "x" * 64 + "…"),
        ],
    )
    def test_foreign_text_is_cut_and_escaped(self, text: str, safe: str) -> None:
        assert shown(text) == safe

    def test_the_cut_can_be_elsewhere(self) -> None:
        assert shown("abcdef", 3) == "abc…"

    @settings(deadline=None)
    @given(st.text(st.characters(exclude_categories=())), st.integers(0, 80))
    def test_whatever_the_text_it_fits_on_one_line_of_printable_ascii(self, text: str, limit: int) -> None:
        safe: Any = shown(text, limit).removesuffix("…")
        assert safe.isascii()
        assert safe == "" or safe.isprintable()
        assert len(safe) <= limit * len(r"\U0001f600")
