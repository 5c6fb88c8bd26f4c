"""Declared models: which payloads fit, what expressions see of them, and what goes out again (FORMATS 4)."""

import json
import math
from collections.abc import Mapping
from datetime import timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.contracts.declarations import MAX_MODEL_DEPTH
from omnibase_core.contracts.fields import (
    MAX_PROBLEMS,
    CompiledModel,
    DeclarationProblem,
    FieldDeclarationError,
    FieldMismatchError,
    ModelDeclaredModel,
    compile_models,
    survey_models,
)
from omnibase_core.contracts.fieldtypes import (
    FieldType,
    ListOf,
    MapOf,
    RecordType,
    Slot,
    shared_validator,
    validator,
)
from omnibase_core.contracts.scalartypes import SCALARS, WAYS, Way
from pydantic import JsonValue
from pydantic_core import ValidationError

Fields = list[dict[str, Any]]  # as a contract's YAML has them

NOON: Final = "2026-01-31T12:00:00"
UUID_TEXT: Final = "0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a"


def declared(name: str, fields: Fields) -> ModelDeclaredModel:
    return ModelDeclaredModel.model_validate({"name": name, "fields": fields})


def compiled(fields: Fields, **others: Fields) -> CompiledModel:
    models = [declared("ModelRoot", fields), *(declared(name, inner) for name, inner in others.items())]
    return compile_models(models)["ModelRoot"]


def of_type(name: str, **settings: Any) -> CompiledModel:
    return compiled([{"name": "x", "type": name, **settings}])


def decoded(type_: str, wire: JsonValue) -> object:
    return of_type(type_).decode({"x": wire})["x"]


def encoded(type_: str, value: object) -> object:
    return of_type(type_).encode({"x": value})["x"]


def misfits(model: CompiledModel, value: object, way: Way = "decode") -> list[tuple[str, str]]:
    with pytest.raises(FieldMismatchError) as caught:
        getattr(model, way)(value)
    return list(caught.value.problems)


def sentence(type_: str, value: object, way: Way = "decode") -> str:
    ((path, told),) = misfits(of_type(type_), {"x": value}, way)
    assert path.startswith("x")
    return told


class TestTypes:
    @pytest.mark.parametrize(
        ("type_", "wire", "value", "out"),
        [
            ("string", "", "", ""),
            ("string", "é\x00", "é\x00", "é\x00"),
            ("boolean", False, False, False),
            ("integer", 2**63 - 1, 2**63 - 1, 2**63 - 1),
            ("integer", -(2**63), -(2**63), -(2**63)),
            ("number", 5, Decimal("5"), 5),
            ("number", 5.0, Decimal("5.0"), 5.0),
            ("number", 19.9, Decimal("19.9"), 19.9),
            ("number", 0.1, Decimal("0.1"), 0.1),
            ("number", 1e22, Decimal("1E+22"), 1e22),
            ("number", 5e-324, Decimal("5E-324"), 5e-324),
            ("decimal", "19.90", Decimal("19.90"), "19.90"),
            ("decimal", 3, Decimal(3), "3"),
            ("decimal", "+1.50", Decimal("1.50"), "1.50"),
            ("decimal", "-0.00", Decimal("-0.00"), "0.00"),
            ("decimal", "1E+3", Decimal("1E+3"), "1000"),
            ("decimal", "1e-5", Decimal("0.00001"), "0.00001"),
            ("decimal", "9" * 1000, Decimal("9" * 1000), "9" * 1000),
            ("decimal", "1e999", Decimal("1e999"), "1" + "0" * 999),
            ("uuid", UUID_TEXT.upper(), UUID_TEXT, UUID_TEXT),
            ("date", "2024-02-29", "2024-02-29", "2024-02-29"),
            ("datetime", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("datetime", "2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            (
                "datetime",
                "2026-01-31T12:00:00.120+05:30",
                "2026-01-31T12:00:00.12+05:30",
                "2026-01-31T12:00:00.12+05:30",
            ),
            ("datetime", "2026-01-31T12:00:00.000Z", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            (
                "datetime",
                "2026-01-31T12:00:00.123456789Z",
                "2026-01-31T12:00:00.123456789Z",
                "2026-01-31T12:00:00.123456789Z",
            ),
            ("list[integer]", [1, 2], [1, 2], [1, 2]),
            ("map[decimal]", {"a b": "1"}, {"a b": Decimal(1)}, {"a b": "1"}),
            ("list[ map [list[number]] ]", [{"a": [1.5]}], [{"a": [Decimal("1.5")]}], [{"a": [1.5]}]),
            ("object", {"a": [None, {"b": 1.5}]}, {"a": [None, {"b": 1.5}]}, {"a": [None, {"b": 1.5}]}),
            ("any", [None, "x", True], [None, "x", True], [None, "x", True]),
        ],
    )
    def test_each_has_its_wire_form_its_value_and_its_form_out(
        self, type_: str, wire: JsonValue, value: object, out: object
    ) -> None:
        model = of_type(type_)
        assert repr(decoded(type_, wire)) == repr(value)
        assert repr(encoded(type_, value)) == repr(out)
        assert repr(model.check({"x": wire})) == repr({"x": out})

    @pytest.mark.parametrize(
        ("type_", "wire", "told"),
        [
            ("string", 1, "must be a string, not an integer"),
            ("boolean", 1, "must be a boolean, not an integer"),
            ("boolean", "true", "must be a boolean, not a string"),
            ("integer", True, "must be an integer, not a boolean"),
            ("integer", 1.0, "must be an integer, not a number"),
            ("integer", "1", "must be an integer, not a string"),
            ("integer", 2**63, "must be an integer of 64 bits, and is beyond that"),
            ("number", True, "must be a number, not a boolean"),
            ("number", "1.5", "must be a number, not a string"),
            ("number", math.nan, "must be a finite number"),
            ("number", math.inf, "must be a finite number"),
            ("decimal", 1.5, 'must be a decimal as text, such as "19.90", or an integer, not a number'),
            ("decimal", True, 'must be a decimal as text, such as "19.90", or an integer, not a boolean'),
            ("decimal", "1e999999999", 'must be a decimal such as "19.90"'),
            ("decimal", "1e1000", "must have at most 1000 digits when written out"),
            ("decimal", "1e-1000", "must have at most 1000 digits when written out"),
            ("decimal", "1" * 1001, "must have at most 1000 digits when written out"),
            ("decimal", "1" * 100_000, "must have at most 1000 digits when written out"),
            ("list[string]", {"a": "b"}, "must be a list, not an object"),
            ("map[string]", ["a"], "must be an object, not a list"),
            ("object", [], "must be an object, not a list"),
        ],
    )
    def test_each_refuses_other_types(self, type_: str, wire: JsonValue, told: str) -> None:
        assert sentence(type_, wire).startswith(told)
        assert sentence(type_, wire, "check").startswith(told)

    @pytest.mark.parametrize(
        ("type_", "told", "texts"),
        [
            (
                "decimal",
                'must be a decimal such as "19.90"',
                ["", " 1", "1_0", "1,5", "1.", ".5", "NaN", "Infinity", "\u0663", "1e", "0x1", "1\n"],
            ),
            (
                "uuid",
                "must be a UUID with dashes",
                ["", UUID_TEXT.replace("-", ""), f"{{{UUID_TEXT}}}", f"urn:uuid:{UUID_TEXT}", f"{UUID_TEXT}\n", 5],
            ),
            (
                "date",
                "must be a date of the calendar, written YYYY-MM-DD",
                ["2026-02-30", "20260131", "2026-1-31", f"{NOON}Z", "0000-01-01", "2026-W05-6", "2026-01-31\n", 0],
            ),
            (
                "datetime",
                "must be a time with its offset (RFC 3339)",
                [
                    *("2026-01-31", NOON, "2026-01-31 12:00:00Z", "2026-02-30T12:00:00Z", "2026-01-31T24:00:00Z"),
                    *(
                        "1700000000",
                        "2026-01-31T12:00:60Z",
                        f"{NOON}+0100",
                        f"{NOON}+24:00",
                        "2026-01-31t12:00:00z",
                    ),
                    *(f"{NOON}.1234567890Z", f"{NOON}.Z", f"{NOON}Z\n", 1.5),
                ],
            ),
        ],
    )
    def test_texts_with_a_form_have_that_form_only(self, type_: str, told: str, texts: list[JsonValue]) -> None:
        for text in texts:
            assert sentence(type_, text).startswith(told)
            assert sentence(type_, text, "check").startswith(told)

    @pytest.mark.parametrize("type_", [name for name in SCALARS if name != "any"] + ["list[any]", "map[any]"])
    def test_null_is_no_value_of_any_type_inside_a_list(self, type_: str) -> None:
        ((path, told),) = misfits(of_type(f"list[{type_}]"), {"x": [None]})
        assert path == "x[0]"
        assert told.startswith("must be a")

    def test_null_is_a_value_of_type_any_inside_a_list_but_no_required_field(self) -> None:
        assert decoded("list[any]", [None]) == [None]
        for way in WAYS:
            assert misfits(of_type("any"), {"x": None}, way) == [("x", "is null, but required")]


class TestEncoding:
    @pytest.mark.parametrize(
        ("type_", "value", "out"),
        [
            ("integer", Decimal("3"), 3),
            ("integer", Decimal("3.00"), 3),
            ("integer", Decimal("1E+3"), 1000),
            ("number", 3, 3),
            ("number", 1.5, 1.5),
            ("number", Decimal("0.3333333333333333333333"), 0.3333333333333333),
            ("number", 2**64, 1.8446744073709552e19),
            ("number", Decimal(2**64), 1.8446744073709552e19),
            ("number", Decimal("1E-400"), 0.0),
            ("decimal", 3, "3"),
            ("decimal", "19.90", "19.90"),
            ("decimal", Decimal("1E+3"), "1000"),
            ("any", Decimal("19.90"), 19.9),
            ("any", Decimal("3"), 3),
            ("any", {"a": [Decimal("0.5")]}, {"a": [0.5]}),
            ("object", {"a": Decimal(1)}, {"a": 1}),
        ],
    )
    def test_results_of_calculations_go_out_in_their_wire_form(
        self, type_: str, value: object, out: object
    ) -> None:
        assert repr(encoded(type_, value)) == repr(out)

    @pytest.mark.parametrize(
        ("type_", "value", "path", "told"),
        [
            ("integer", Decimal("3.5"), "x", "must be an integer of 64 bits, and has a fraction"),
            ("integer", Decimal("1E+999999"), "x", "must be an integer of 64 bits"),
            ("integer", Decimal("NaN"), "x", "must be an integer of 64 bits"),
            ("integer", 3.0, "x", "must be an integer, not a number"),
            ("number", Decimal("1E+400"), "x", "must be a number within the range of a double"),
            ("number", Decimal("NaN"), "x", "must be a number within the range of a double"),
            ("number", Decimal("sNaN"), "x", "must be a number within the range of a double"),
            ("number", 10**400, "x", "must be a number within the range of a double"),
            ("number", math.inf, "x", "must be a number within the range of a double"),
            ("decimal", 1.5, "x", "must be a decimal as text"),
            ("decimal", Decimal("Infinity"), "x", "must be a finite decimal"),
            ("decimal", Decimal("1E+999999999"), "x", "must have at most 1000 digits"),
            ("string", "\ud800", "x", "must be text of valid Unicode"),
            ("list[string]", ("a",), "x", "must be a list, not a value that JSON lacks"),
            ("list[string]", {"a"}, "x", "must be a list, not a value that JSON lacks"),
            ("map[string]", {1: "a"}, "x.1", "must be a string, not an integer"),
            ("any", {"a": [0, math.nan]}, "x.a[1]", "must be a number within the range of a double"),
            ("any", {"a": {1, 2}}, "x.a", "must be a JSON value"),
            ("any", [b"bytes"], "x[0]", "must be a JSON value"),
            ("any", {"a": {1: 2}}, "x.a", "must have texts as keys only"),
            ("any", {"\ud800": 1}, "x.\\ud800", "must be text of valid Unicode"),
            ("any", [2**63], "x[0]", "must be an integer of 64 bits"),
            ("any", [Decimal(1) / 3], "x[0]", "must be rounded first, or be a field of type decimal"),
            ("object", {"a": object()}, "x.a", "must be a JSON value"),
            ("object", [], "x", "must be an object, not a list"),
        ],
    )
    def test_what_json_cannot_carry_is_refused_with_its_path(
        self, type_: str, value: object, path: str, told: str
    ) -> None:
        ((where, what),) = misfits(of_type(type_), {"x": value}, "encode")
        assert where == path
        assert what.startswith(told)

    def test_a_value_that_holds_itself_is_refused(self) -> None:
        circle: list[object] = []
        circle.append(circle)
        ((path, told),) = misfits(of_type("any"), {"x": circle}, "encode")
        assert path.startswith("x[0][0]")
        assert told == "must not be nested deeper than 32 levels"

    @pytest.mark.parametrize("result", [None, [], "text", 5, object()])
    def test_a_result_that_is_no_mapping_is_refused_as_a_whole(self, result: object) -> None:
        ((path, told),) = misfits(of_type("string"), result, "encode")
        assert path == ""
        assert told.startswith("must be an object, not ")

    def test_any_mapping_will_do_as_a_result(self) -> None:
        assert of_type("string").encode(MappingProxyType({"x": "a"})) == {"x": "a"}


class TestModels:
    order = compiled(
        [
            {"name": "id", "type": "string"},
            {"name": "items", "type": "list[ModelItem]"},
            {"name": "note", "type": "string", "required": False},
        ],
        ModelItem=[
            {"name": "price", "type": "decimal"},
            {"name": "tags", "type": "map[string]", "required": False},
        ],
    )

    def test_every_problem_is_told_with_its_path(self) -> None:
        wire: dict[str, JsonValue] = {
            "items": [{"price": "1"}, {"price": 1.5, "tags": {"a b": 5}}, {"colour": "red", "prize": "2"}, "no"],
            "note": 5,
        }
        assert misfits(self.order, wire) == [
            ("id", "is required, but missing"),
            ("items[1].price", 'must be a decimal as text, such as "19.90", or an integer, not a number'),
            ("items[1].tags.a b", "must be a string, not an integer"),
            ("items[2].price", "is required, but missing"),
            ("items[2].colour", "is no field of ModelItem; its fields are price, tags"),
            ("items[2].prize", "is no field of ModelItem (did you mean 'price'?); its fields are price, tags"),
            ("items[3]", "must be an object, not a string"),
            ("note", "must be a string, not an integer"),
        ]

    def test_foreign_names_are_cut_and_escaped(self) -> None:
        ((path, _),) = misfits(of_type("string"), {"x": "a", "\x1b[31m" + "k" * 500: 1})
        assert path == "\\x1b[31m" + "k" * 59 + "…"

    def test_problems_are_cut_at_a_bound(self) -> None:
        assert len(misfits(of_type("list[string]"), {"x": [1] * 100_000})) == MAX_PROBLEMS
        assert len(misfits(self.order, {f"k{n}": n for n in range(100_000)})) == MAX_PROBLEMS

    def test_the_error_names_the_model_and_never_a_value(self) -> None:
        with pytest.raises(FieldMismatchError) as caught:
            self.order.decode({"id": None, "items": "s3cret"})
        assert str(caught.value) == "id is null, but required; items must be a list, not a string"
        assert caught.value.model == "ModelRoot"

    def test_absent_stays_absent_and_null_stays_null(self) -> None:
        wire: dict[str, JsonValue] = {"id": "1", "items": []}
        for way in (self.order.decode, self.order.encode, self.order.check):
            assert way(wire) == wire
            assert way({**wire, "note": None}) == {**wire, "note": None}

    def test_a_default_fills_what_is_absent_and_nothing_else(self) -> None:
        model = compiled(
            [
                {"name": "total", "type": "decimal", "required": False, "default": "0.00"},
                {"name": "tags", "type": "list[string]", "required": False, "default": []},
                {"name": "note", "type": "string", "required": False, "default": None},
            ]
        )
        filled: dict[str, JsonValue] = {"total": "0.00", "tags": [], "note": None}
        assert model.decode({}) == {"total": Decimal("0.00"), "tags": [], "note": None}
        assert model.encode({}) == model.check({}) == filled
        assert model.check({"total": None, "tags": None}) == {"total": None, "tags": None, "note": None}

    def test_a_default_is_never_shared_between_payloads(self) -> None:
        model = of_type("list[string]", required=False, default=["a"])
        first = model.check({})
        assert isinstance(first["x"], list)
        first["x"].append("b")
        assert model.check({}) == {"x": ["a"]}

    def test_the_given_payload_is_never_changed(self) -> None:
        model = compiled(
            [{"name": "x", "type": "uuid"}, {"name": "y", "type": "integer", "required": False, "default": 1}]
        )
        wire: Mapping[str, JsonValue] = MappingProxyType({"x": UUID_TEXT.upper()})
        assert model.check(wire) == {"x": UUID_TEXT, "y": 1}
        assert wire == {"x": UUID_TEXT.upper()}

    @pytest.mark.parametrize(
        ("fields", "transparent"),
        [
            (
                [{"name": "x", "type": "map[list[string]]"}, {"name": "y", "type": "integer", "required": False}],
                True,
            ),
            ([{"name": "x", "type": "date"}, {"name": "y", "type": "any"}, {"name": "z", "type": "object"}], True),
            ([{"name": "x", "type": "number"}], False),
            ([{"name": "x", "type": "list[decimal]"}], False),
            ([{"name": "x", "type": "uuid"}], False),
            ([{"name": "x", "type": "datetime"}], False),
            ([{"name": "x", "type": "string", "required": False, "default": "a"}], False),
            ([{"name": "x", "type": "list[ModelInner]"}], False),
        ],
    )
    def test_a_model_is_transparent_where_nothing_is_converted(self, fields: Fields, transparent: bool) -> None:
        inner: Fields = [{"name": "d", "type": "decimal"}]
        assert compiled(fields, ModelInner=inner).transparent is transparent

    def test_a_transparent_payload_comes_back_as_the_same_object(self) -> None:
        wire: dict[str, JsonValue] = {"id": "1", "items": []}
        model = compiled([{"name": "id", "type": "string"}, {"name": "items", "type": "list[any]"}])
        assert model.check(wire) is wire
        assert model.decode(wire) is wire

    def test_models_used_in_many_places_are_not_copied_into_each(self) -> None:
        levels = 20
        models = {
            f"ModelL{n}": [{"name": side, "type": f"ModelL{n + 1}", "required": False} for side in ("a", "b")]
            for n in range(levels)
        }
        models[f"ModelL{levels}"] = [{"name": "leaf", "type": "decimal"}]
        root = compiled([{"name": "x", "type": "ModelL0"}], **models)
        assert misfits(root, {"x": {"a": {"b": {"c": 1}}}}) == [
            ("x.a.b.c", "is no field of ModelL2; its fields are a, b"),
        ]

    def test_no_fields_at_all_is_the_empty_object(self) -> None:
        model = compiled([])
        assert model.check({}) == {}
        assert misfits(model, {"a": 1}) == [("a", "is no field of ModelRoot; its fields are none")]


class TestSharedValidators:
    def test_models_that_declare_the_same_share_one_whatever_their_names(self) -> None:
        inner: Fields = [{"name": "y", "type": "decimal"}]
        fields: Fields = [
            {"name": "x", "type": "list[ModelInner]"},
            {"name": "z", "type": "any", "required": False, "default": 1},
        ]
        one, other = (
            compile_models([declared(name, fields), declared("ModelInner", inner)])[name].record
            for name in ("ModelOne", "ModelOther")
        )
        for way in WAYS:
            assert shared_validator(one, way) is shared_validator(other, way)

    @pytest.mark.parametrize(
        "other",
        [
            [{"name": "y", "type": "integer", "required": False, "default": 1}],
            [{"name": "x", "type": "number", "required": False, "default": 1}],
            [{"name": "x", "type": "integer", "required": False, "default": 2}],
            [{"name": "x", "type": "integer", "required": False}],
            [{"name": "x", "type": "integer"}],
            [
                {"name": "x", "type": "integer", "required": False, "default": 1},
                {"name": "y", "type": "any", "required": False},
            ],
        ],
    )
    def test_models_that_differ_in_a_field_do_not(self, other: Fields) -> None:
        model = compiled([{"name": "x", "type": "integer", "required": False, "default": 1}])
        assert model.decode({}) == {"x": 1}
        for way in WAYS:
            assert shared_validator(model.record, way) is not shared_validator(compiled(other).record, way)

    def test_models_that_differ_in_an_inner_model_do_not(self) -> None:
        outer: Fields = [{"name": "x", "type": "ModelInner"}]
        one = compiled(outer, ModelInner=[{"name": "y", "type": "string"}])
        other = compiled(outer, ModelInner=[{"name": "y", "type": "integer"}])
        assert one.decode({"x": {"y": "text"}}) == {"x": {"y": "text"}}
        assert misfits(other, {"x": {"y": "text"}}) == [("x.y", "must be an integer, not a string")]


class TestDeclarations:
    def problems(self, *models: tuple[str, Fields]) -> list[DeclarationProblem]:
        return list(survey_models([declared(name, fields) for name, fields in models])[1])

    @pytest.mark.parametrize(
        ("type_", "message", "hint"),
        [
            ("strng", "Unknown type 'strng'", "Did you mean 'string'?"),
            ("str", "Unknown type 'str'", "Did you mean 'string'?"),
            ("float", "Unknown type 'float'", "Did you mean 'number'?"),
            ("timestamp", "Unknown type 'timestamp'", "Did you mean 'datetime'?"),
            ("list[ModelOther]", "Unknown type 'ModelOther'", "The types are: string, boolean"),
            ("list", "'list' does not say of what", "list[string]"),
            ("map[]", "'map[]' does not say of what", "map[string]"),
            ("list[list]", "'list[list]' does not say of what", "list[string]"),
            ("list[string", "Unknown type 'list[string'", "The types are"),
            ("string, null", "Unknown type 'string, null'", "The types are"),
            ("", "'' does not say of what", "list[string]"),
            ("\x1b[31m", "Unknown type '\\x1b[31m'", "The types are"),
            ("list[" * 17 + "string" + "]" * 17, "A type nested deeper than 16 levels", "Declare a model"),
            ("list[" * 50_000, "A type this long", "Declare a model"),
        ],
        ids=lambda shown: str(shown)[:30],
    )
    def test_a_wrong_type_is_told_with_the_way_out(self, type_: str, message: str, hint: str) -> None:
        (problem,) = self.problems(("ModelA", [{"name": "x", "type": type_}]))
        assert problem.path == (0, "fields", 0, "type")
        assert problem.message == message
        assert hint in problem.hint

    @pytest.mark.parametrize("name", ["", "1st", "with-dash", "with.dot", "é", "a" * 129, "a\n"])
    def test_names_are_identifiers(self, name: str) -> None:
        problems = self.problems(
            (name, [{"name": name, "type": "string"}]), ("ModelB", [{"name": name, "type": "any"}])
        )
        assert [problem.path for problem in problems] == [(0, "name"), (1, "fields", 0, "name")]

    @pytest.mark.parametrize("name", ["string", "list", "map", "any", "decimal"])
    def test_a_model_cannot_take_the_name_of_a_type(self, name: str) -> None:
        (problem,) = self.problems((name, []))
        assert problem.message == f"A model cannot be named '{name}'"

    def test_names_are_unique_among_models_and_among_the_fields_of_one(self) -> None:
        field = {"name": "x", "type": "string"}
        problems = self.problems(("ModelA", [field, field]), ("ModelB", [field]), ("ModelA", []))
        assert [(problem.path, problem.message) for problem in problems] == [
            ((0, "fields", 1, "name"), "Two fields are named 'x'"),
            ((2, "name"), "Two models are named 'ModelA'"),
        ]

    def test_a_model_that_holds_itself_is_told_once_with_its_way(self) -> None:
        problems = self.problems(
            ("ModelTop", [{"name": "b", "type": "ModelB"}]),
            (
                "ModelA",
                [{"name": "n", "type": "string"}, {"name": "b", "type": "list[ModelB]", "required": False}],
            ),
            ("ModelB", [{"name": "a", "type": "map[ModelA]"}]),
            ("ModelSelf", [{"name": "me", "type": "ModelSelf"}]),
        )
        assert [(problem.path, problem.message) for problem in problems] == [
            ((2, "fields", 0, "type"), "A model that holds itself: ModelB -> ModelA -> ModelB"),
            ((3, "fields", 0, "type"), "A model that holds itself: ModelSelf -> ModelSelf"),
        ]

    def test_models_may_hold_each_other_up_to_a_depth(self) -> None:
        def chain(length: int) -> list[tuple[str, Fields]]:
            inner: Fields = [{"name": "x", "type": "string"}]
            links: list[tuple[str, Fields]] = [
                (f"Model{n}", [{"name": "x", "type": f"Model{n + 1}"}]) for n in range(length - 1)
            ]
            return [*links, (f"Model{length - 1}", inner)]

        assert self.problems(*chain(MAX_MODEL_DEPTH)) == []
        (problem,) = self.problems(*chain(5_000))
        assert problem.message == f"Models that hold each other more than {MAX_MODEL_DEPTH} levels deep"

    @pytest.mark.parametrize(
        ("type_", "default", "message"),
        [
            ("integer", "5", "The default is no integer: must be an integer, not a string"),
            ("list[integer]", [1, None], "The default is no list[integer]: [1] must be an integer, not null"),
            ("map[list[string]]", {"a": ["b", 1]}, "The default is no map[list[string]]: a[1] must be a string"),
            ("decimal", 1.5, "The default is no decimal: must be a decimal as text"),
            ("ModelInner", {}, "The default is no ModelInner: d is required, but missing"),
        ],
    )
    def test_a_default_fits_its_type_in_its_wire_form(self, type_: str, default: object, message: str) -> None:
        field = {"name": "x", "type": type_, "required": False, "default": default}
        (problem,) = self.problems(("ModelA", [field]), ("ModelInner", [{"name": "d", "type": "date"}]))
        assert problem.path == (0, "fields", 0, "default")
        assert problem.message.startswith(message)

    def test_a_default_of_null_for_a_required_field_is_a_contradiction(self) -> None:
        (problem,) = self.problems(("ModelA", [{"name": "x", "type": "string", "default": None}]))
        assert problem[:2] == ((0, "fields", 0, "default"), "A default of null for a required field")
        assert "required: false" in problem.hint

    def test_a_required_field_with_a_default_is_filled_where_absent_and_refuses_null(self) -> None:
        model = compiled([{"name": "x", "type": "integer", "default": 3}, {"name": "y", "type": "any", "default": [1]}])
        assert model.decode({}) == {"x": 3, "y": [1]}
        assert model.check({"x": 4}) == {"x": 4, "y": [1]}
        assert misfits(model, {"x": None, "y": None}) == [
            ("x", "is null, but required"),
            ("y", "is null, but required"),
        ]

    def test_problems_come_in_the_order_of_the_declarations(self) -> None:
        wrong = [{"name": f"f{n}", "type": "nothing"} for n in range(12)]
        problems = self.problems(*((f"Model{n}", wrong) for n in range(12)))
        assert [problem.path[0] for problem in problems] == [n for n in range(12) for _ in range(12)]
        assert [problem.path[2] for problem in problems[:12]] == list(range(12))

    def test_compiling_refuses_all_of_them_at_once(self) -> None:
        with pytest.raises(FieldDeclarationError) as caught:
            compile_models([declared("ModelA", [{"name": "x", "type": "a"}, {"name": "y", "type": "b"}])])
        assert str(caught.value) == "Unknown type 'a'; Unknown type 'b'"

    def test_models_without_problems_are_compiled_beside_those_that_have_some(self) -> None:
        good, bad = declared("ModelA", [{"name": "x", "type": "string"}]), declared("string", [])
        models, problems = survey_models([good, bad])
        assert list(models) == ["ModelA"]
        assert len(problems) == 1

    def test_fields_are_there_for_those_who_look_for_names(self) -> None:
        model = compiled([{"name": "x", "type": "list[string]", "description": "why"}])
        assert model.name == "ModelRoot"
        assert model.fields["x"].type == "list[string]"
        assert model.fields["x"].required is True


_INT64: Final = st.integers(-(2**63), 2**63 - 1)
_DOUBLES: Final = st.floats(allow_nan=False, allow_infinity=False)
_OFFSETS: Final = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_WIRE: Final[Mapping[str, st.SearchStrategy[JsonValue]]] = {
    "string": st.text(),
    "boolean": st.booleans(),
    "integer": _INT64,
    "number": _DOUBLES | _INT64,
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str) | _INT64,
    "uuid": st.uuids().flatmap(lambda one: st.sampled_from([str(one), str(one).upper()])),
    "date": st.dates().map(str),
    "datetime": st.datetimes(timezones=_OFFSETS).map(lambda one: one.isoformat()),
    "object": st.dictionaries(st.text(), st.none() | _INT64 | st.lists(st.text(), max_size=2), max_size=3),
    "any": st.booleans() | st.text() | st.lists(st.none() | st.integers(0, 9), max_size=3),
}


def _record(types: list[FieldType]) -> RecordType:
    slots = {f"f{n}": Slot(f"f{n}", type_, required=n % 2 == 0, defaults={}) for n, type_ in enumerate(types)}
    return RecordType(f"Model{abs(hash(tuple(slots.values())))}", slots)


_TYPES: Final[st.SearchStrategy[FieldType]] = st.recursive(
    st.sampled_from(list(SCALARS.values())),
    lambda inner: inner.map(ListOf) | inner.map(MapOf) | st.lists(inner, max_size=3).map(_record),
    max_leaves=6,
)


def _wire_of(type_: FieldType) -> st.SearchStrategy[JsonValue]:
    if isinstance(type_, ListOf):
        return st.lists(_wire_of(type_.item), max_size=3)
    if isinstance(type_, MapOf):
        return st.dictionaries(st.text(), _wire_of(type_.item), max_size=3)
    if isinstance(type_, RecordType):
        slots = type_.slots.values()
        required = {slot.name: _wire_of(slot.type) for slot in slots if slot.required}
        optional = {slot.name: st.none() | _wire_of(slot.type) for slot in slots if not slot.required}
        return st.fixed_dictionaries(required, optional=optional)
    return _WIRE[type_.name]


_ODD: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.decimals()
    | st.text(st.characters(exclude_categories=()))
    | st.binary(max_size=3)
    | st.sampled_from([UUID_TEXT, "2026-01-31", "2026-01-31T12:00:00Z", "1.50", "1e2000"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["f0", "f1", "f2", 1, "\ud800"]), inner, max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=8,
)


class TestLaws:
    @given(_TYPES.flatmap(lambda type_: st.tuples(st.just(type_), _wire_of(type_))))
    @settings(max_examples=300)
    def test_what_goes_out_is_json_that_comes_in_again_the_same(self, case: tuple[FieldType, JsonValue]) -> None:
        type_, wire = case
        decode, encode, check = (validator(type_, way).validate_python for way in WAYS)
        out = encode(decode(wire))
        assert _text(encode(decode(out))) == _text(check(wire)) == _text(check(out)) == _text(out)
        assert json.loads(_text(out)) == out
        assert list(type_.misfits(wire, "", "decode")) == []

    @given(_TYPES, _ODD)
    @settings(max_examples=1000)
    def test_the_validator_and_the_walk_that_explains_agree(self, type_: FieldType, value: object) -> None:
        for way in WAYS:
            if way != "encode" and not _is_json(value):
                continue
            try:
                validator(type_, way).validate_python(value)
                fits = True
            except ValidationError:
                fits = False
            assert fits == (next(type_.misfits(value, "", way), None) is None)

    @given(_TYPES, _ODD)
    @settings(max_examples=500)
    def test_whatever_encoding_lets_through_is_json(self, type_: FieldType, value: object) -> None:
        try:
            out = validator(type_, "encode").validate_python(value)
        except ValidationError:
            return
        assert _is_json(out)

    @given(_TYPES.flatmap(lambda type_: st.tuples(st.just(type_), _wire_of(type_))))
    def test_ways_that_change_nothing_give_the_same_content(self, case: tuple[FieldType, JsonValue]) -> None:
        type_, wire = case
        for way in set(WAYS) - type_.changed:
            assert _text(validator(type_, way).validate_python(wire)) == _text(wire)

    @given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
    def test_decimals_are_exact(self, value: Decimal) -> None:
        out = encoded("decimal", value)
        assert Decimal(str(out)) == value
        assert "E" not in str(out)
        assert decoded("decimal", str(out)) == value

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_numbers_are_the_decimal_that_was_written(self, value: float) -> None:
        assert decoded("number", value) == Decimal(repr(value))
        assert repr(encoded("number", decoded("number", value))) == repr(value)

    @given(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1), st.data())
    def test_each_missing_and_each_unknown_field_is_told_with_its_path(
        self, names: list[str], data: st.DataObject
    ) -> None:
        inner: Fields = [{"name": name, "type": "string"} for name in names]
        model = compiled([{"name": "x", "type": "map[list[ModelInner]]"}], ModelInner=inner)
        missing = data.draw(st.sampled_from(names))
        record: dict[str, JsonValue] = {name: "v" for name in names if name != missing} | {"unknown_name": None}
        problems = misfits(model, {"x": {"k": [record]}})
        assert [path for path, _ in problems] == [f"x.k[0].{missing}", "x.k[0].unknown_name"]


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _is_json(value: object) -> bool:
    """JSON as an envelope may hold it: what the codec lets through."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(key) for key in value) and all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() == value
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is None or (isinstance(value, float) and math.isfinite(value))
