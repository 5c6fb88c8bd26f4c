"""The types of one value (FORMATS 4): for each the functions of `forms`, and a validator that does the same."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from pydantic_core import CoreSchema, core_schema

from omnibase_core.contracts import forms
from omnibase_core.contracts.forms import MisfitError

Way = Literal["decode", "encode", "check"]
Problem = tuple[str, str]
Convert = Callable[[object], object]

WAYS: Final[tuple[Way, ...]] = ("decode", "encode", "check")


class Scalar:
    """A type of one value. `changed`: the ways on which a value may come out as another one."""

    __slots__ = ("changed", "convert", "name", "schemas")

    def __init__(
        self,
        name: str,
        convert: Mapping[Way, Convert],
        schemas: Mapping[Way, CoreSchema],
        changed: frozenset[Way],
    ) -> None:
        self.name = name
        self.convert = convert
        self.schemas = schemas
        self.changed = changed

    def schema(self, way: Way) -> CoreSchema:
        """What pydantic's validator is built from."""
        return self.schemas[way]

    def misfits(self, value: object, path: str, way: Way) -> Iterator[Problem]:
        """Every problem of a value: path and sentence."""
        try:
            self.convert[way](value)
        except MisfitError as error:
            yield path + error.path, error.sentence


def _function(convert: Convert) -> CoreSchema:
    return core_schema.no_info_plain_validator_function(convert)


def _scalar(
    name: str, decode: Convert, encode: Convert, same: CoreSchema | None = None, *, changed: bool = False
) -> Scalar:
    """A type from its functions. `same`: the validator that does what they do, on every way."""

    def check(value: object) -> object:
        return encode(decode(value))

    functions: dict[Way, Convert] = {"decode": decode, "encode": encode, "check": check}
    schemas = {way: same or _function(functions[way]) for way in WAYS}
    return Scalar(name, functions, schemas, frozenset(WAYS if changed else ()))


# A constraint makes pydantic look into the text, and so refuse lone surrogates.
STRING_SCHEMA: Final = core_schema.str_schema(strict=True, min_length=0)
_INTEGER: Final = core_schema.int_schema(strict=True, ge=-forms.INT_LIMIT, le=forms.INT_LIMIT - 1)
_DOUBLE: Final = core_schema.float_schema(strict=True, allow_inf_nan=False)
_UUID: Final = core_schema.str_schema(strict=True, pattern=forms.UUID_FORM, to_lower=True)


def _same(value: object) -> object:
    return value


def _an_object(value: object) -> object:
    if not isinstance(value, dict):
        raise forms.misfit("an object", value)
    return value


STRING: Final = _scalar("string", forms.string, forms.string, STRING_SCHEMA)
ANY: Final = Scalar(
    "any",
    {"decode": _same, "encode": forms.json_out, "check": _same},
    {"decode": core_schema.any_schema(), "encode": _function(forms.json_out), "check": core_schema.any_schema()},
    frozenset(("encode",)),
)
OBJECT: Final = Scalar(
    "object",
    {"decode": _an_object, "encode": forms.object_out, "check": _an_object},
    {
        "decode": core_schema.dict_schema(strict=True),
        "encode": _function(forms.object_out),
        "check": core_schema.dict_schema(strict=True),
    },
    frozenset(("encode",)),
)
INTEGER: Final = Scalar(
    "integer",
    {"decode": forms.integer, "encode": forms.integer_out, "check": forms.integer},
    {
        "decode": _INTEGER,
        "encode": core_schema.union_schema([_INTEGER, _function(forms.integer_out)], mode="left_to_right"),
        "check": _INTEGER,
    },
    frozenset(("encode",)),
)
NUMBER: Final = Scalar(
    "number",
    {
        "decode": forms.number,
        "encode": forms.number_out,
        "check": lambda value: forms.number_out(forms.number(value)),
    },
    {
        "decode": _function(forms.number),
        "encode": _function(forms.number_out),
        "check": core_schema.union_schema([_INTEGER, _DOUBLE], mode="left_to_right"),
    },
    frozenset(("decode", "encode")),
)
SCALARS: Final[Mapping[str, Scalar]] = {
    scalar.name: scalar
    for scalar in (
        STRING,
        _scalar("boolean", forms.boolean, forms.boolean, core_schema.bool_schema(strict=True)),
        INTEGER,
        NUMBER,
        _scalar("decimal", forms.decimal, forms.decimal_out, changed=True),
        _scalar("uuid", forms.uuid, forms.uuid, _UUID, changed=True),
        _scalar("date", forms.day, forms.day),
        _scalar("datetime", forms.moment, forms.moment, changed=True),
        OBJECT,
        ANY,
    )
}
