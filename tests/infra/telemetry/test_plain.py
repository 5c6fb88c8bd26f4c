"""Any value as JSON: bounded, and never asked for a text that may hold a secret."""

import json
import os
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.enums import EnumHandlerType
from omnibase_core.secret import Secret
from omnibase_infra.telemetry.plain import plain_exception, plain_fields, storable
from pydantic import BaseModel

CANARY = "c4n4ry-s3cr3t"


@dataclass
class Login:
    password: str


class ModelLogin(BaseModel):
    password: str


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class HostileError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class EnumOdd(Enum):
    SELF = Login(CANARY)


def plain(value: object) -> object:
    return plain_fields({"it": value})["it"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (0.5, 0.5),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (1 << 5_000, "<integer of 5001 bits>"),
        ("text", "text"),
        ("half \ud800", "half \\ud800"),
        (EnumHandlerType.HTTP, "http"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (timedelta(seconds=1.5), "0:00:01.500000"),
        (Decimal("1.10"), "1.10"),
        (Path("/a/b"), "/a/b"),
        (Secret(CANARY), "********"),
        (ValueError(Secret(CANARY)), "ValueError: ********"),
        ((1, [2, {"three": {4}}]), [1, [2, {"three": [4]}]]),
        (OrderedDict(a=1), {"a": 1}),
        ({1: "int", None: "none", UUID(int=2): "id"}, {"1": "int", "None": "none", str(UUID(int=2)): "id"}),
        (b"bytes", "<builtins.bytes>"),
        (print, "<builtins.builtin_function_or_method>"),
    ],
)
def test_known_types_become_json_and_others_their_type(value: object, expected: object) -> None:
    assert plain(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        Login(CANARY),
        ModelLogin(password=CANARY),
        os.environ,
        Hostile(),
        EnumOdd.SELF,
        {Login: Hostile()},
        [Hostile()],
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_are_named_by_type_and_never_asked_for_their_text(
    value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    assert CANARY not in json.dumps(plain(value))


def test_a_value_that_contains_itself_ends() -> None:
    circle: list[object] = []
    circle.append([circle, circle])
    assert len(json.dumps(plain(circle))) < 20_000


def test_a_deep_value_is_cut() -> None:
    deep: object = "bottom"
    for _ in range(500):
        deep = {"down": deep}
    text = json.dumps(plain(deep), ensure_ascii=False)
    assert "bottom" not in text
    assert '"…"' in text


def test_a_wide_value_is_cut() -> None:
    wide = plain(list(range(1_000_000)))
    assert isinstance(wide, list)
    assert len(wide) < 1_001


def test_a_long_text_is_cut() -> None:
    assert len(storable("x" * 1_000_000)) < 17_000


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.binary()
        | st.decimals()
        | st.uuids(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner)
        ),
    )
)
def test_whatever_comes_is_strict_json(value: object) -> None:
    text = json.dumps(plain_fields({"it": value}), allow_nan=False, ensure_ascii=False)
    assert json.loads(text.encode()) is not None


class TestExceptions:
    def test_type_message_and_stack_are_fields(self) -> None:
        def fail() -> None:
            raise ValueError("first line\nsecond line")

        with pytest.raises(ValueError, match="first") as caught:
            fail()
        told = plain_exception(caught.value)
        assert (told["type"], told["message"]) == ("ValueError", "first line\nsecond line")
        assert isinstance(told["stack"], list)
        innermost = str(told["stack"][-1])
        assert innermost.startswith(f"{__file__}:")
        assert innermost.endswith(" in TestExceptions.test_type_message_and_stack_are_fields.<locals>.fail")

    def test_the_cause_is_told_and_a_suppressed_context_is_not(self) -> None:
        error, cause = ValueError("outer"), KeyError("inner")
        error.__cause__ = cause
        told = plain_exception(error)["cause"]
        assert isinstance(told, dict)
        assert (told["type"], told["message"]) == ("KeyError", "'inner'")
        error.__cause__, error.__context__, error.__suppress_context__ = None, cause, True
        assert "cause" not in plain_exception(error)

    def test_the_exceptions_of_a_group_are_told(self) -> None:
        told = plain_exception(ExceptionGroup("both", [ValueError("a"), OSError(5, "b")]))
        assert told["message"] == "both (2 sub-exceptions)"
        assert [one["type"] for one in told["exceptions"] if isinstance(one, dict)] == [  # type: ignore[union-attr]  # JSON
            "ValueError",
            "OSError",
        ]

    def test_a_circle_of_causes_ends(self) -> None:
        one, two = ValueError("one"), ValueError("two")
        one.__cause__, two.__cause__ = two, one
        assert json.dumps(plain_exception(one)).count("ValueError") == 2

    def test_a_long_chain_is_cut(self) -> None:
        error = ValueError("0")
        for number in range(5_000):
            outer = ValueError(str(number))
            outer.__cause__, error = error, outer
        assert json.dumps(plain_exception(error)).count('"ValueError"') == 20

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (ValueError(), ""),
            (HostileError(), "<exception str() failed>"),
            (SyntaxError("broken", ("file.py", 3, 1, "x x", 3, 2)), "broken"),
            (
                UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
                "'utf-8' codec can't decode byte 0xff in position 0: bad",
            ),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_odd_exceptions_are_told_too(self, error: Exception, message: str) -> None:
        assert plain_exception(error)["message"] == message

    def test_an_exception_of_a_library_is_named_with_its_module(self) -> None:
        assert plain_exception(HostileError())["type"] == f"{__name__}.HostileError"
