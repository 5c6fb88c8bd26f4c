"""What is known of a value before there is one. Null is not tracked: whatever may be missing may be null."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from omnibase_core.mapping.values import Kind, kind_of

TypeKind = Literal[
    "any", "null", "omit", "string", "boolean", "integer", "number", "decimal", "list", "map", "record"
]


class Type(NamedTuple):
    """A type. item: of a list, or of an object with any keys. fields: of an object whose keys are all known.

    `number` is what goes out as a JSON number, `decimal` what goes out as text.
    """

    kind: TypeKind
    item: "Type | None" = None
    fields: Mapping[str, "Type"] = MappingProxyType({})
    name: str = ""

    @property
    def runtime_kind(self) -> Kind | None:
        """The kind that a value of this type has, if it is not null; None where nothing is known."""
        return _RUNTIME[self.kind]

    @property
    def element(self) -> "Type":
        """What a list holds."""
        return self.item or ANY


_RUNTIME: Final[dict[TypeKind, Kind | None]] = {
    "any": None,
    "null": "null",
    "omit": "omit",
    "string": "string",
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "decimal": "number",
    "list": "list",
    "map": "object",
    "record": "object",
}
_NUMBERS: Final = ("integer", "number", "decimal")

ANY: Final = Type("any")
NULL: Final = Type("null")
OMIT: Final = Type("omit")
STRING: Final = Type("string")
BOOLEAN: Final = Type("boolean")
INTEGER: Final = Type("integer")
NUMBER: Final = Type("number")
DECIMAL: Final = Type("decimal")


def list_of(item: Type) -> Type:
    """A list of these."""
    return Type("list", item)


def map_of(item: Type) -> Type:
    """An object with any keys."""
    return Type("map", item)


def record(fields: Mapping[str, Type], name: str = "") -> Type:
    """An object with these keys; `name` is what messages call it."""
    return Type("record", fields=dict(fields), name=name)


def join(a: Type, b: Type) -> Type:
    """The type of a value that is of one of the two."""
    if a == b or b.kind in ("null", "omit"):
        return a
    if a.kind in ("null", "omit"):
        return b
    if a.kind in _NUMBERS and b.kind in _NUMBERS:
        kinds = {a.kind, b.kind} - {"integer"}
        return ANY if len(kinds) > 1 else Type(kinds.pop())
    if a.kind == b.kind == "list":
        return list_of(join(a.element, b.element))
    if a.runtime_kind == b.runtime_kind == "object":
        return map_of(join(_values(a), _values(b)))
    return ANY


def join_all(types: Iterable[Type]) -> Type:
    """The type of a value that is of one of these; of anything where there is none."""
    every = list(types)
    return reduce(join, every) if every else ANY


def arithmetic(types: Sequence[Type]) -> Type:
    """The type of what is calculated from these: a decimal where one is, an integer where all are."""
    kinds = {type_.kind for type_ in types}
    if "decimal" in kinds:
        return DECIMAL
    return INTEGER if kinds == {"integer"} else NUMBER if kinds <= {"integer", "number"} else ANY


def type_of(value: object) -> Type:
    """The type of a literal."""
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case int():
            return INTEGER
        case str():
            return STRING
        case list():
            return list_of(join_all(map(type_of, value)))
        case dict():
            return record({key: type_of(item) for key, item in value.items()})
    return NUMBER if kind_of(value) == "number" else ANY


def levels_of(type_: Type) -> int | None:
    """How deep a value of this type nests, 0 for a text; None where nothing bounds it."""
    if type_.kind == "any":
        return None
    parts = [*type_.fields.values()] if type_.kind == "record" else [] if type_.item is None else [type_.item]
    inner = [levels_of(part) for part in parts]
    if type_.runtime_kind not in ("list", "object"):
        return 0
    return None if None in inner else 1 + max((each for each in inner if each is not None), default=0)


def values_of(type_: Type) -> Type:
    """What an object's keys hold."""
    return _values(type_) if type_.runtime_kind == "object" else ANY


def _values(type_: Type) -> Type:
    return join_all(type_.fields.values()) if type_.kind == "record" else type_.element
