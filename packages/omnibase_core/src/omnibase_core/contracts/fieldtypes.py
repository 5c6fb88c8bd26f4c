"""The types of FORMATS 4, each as a schema for pydantic's validator and as a walk that says what is wrong.

The validator converts and says yes or no; only after a no does the walk look for the problems, one by one,
so that a caller can stop at a bound whatever the size of the input. A property test holds the two together.

There are three ways through a type: `decode` wire -> values, `encode` values -> wire, and `check` wire ->
canonical wire.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Final

from pydantic_core import CoreSchema, SchemaValidator, core_schema

from omnibase_core import suggest
from omnibase_core.contracts import forms
from omnibase_core.contracts.forms import MisfitError
from omnibase_core.contracts.scalartypes import (
    ANY,
    OBJECT,
    STRING,
    STRING_SCHEMA,
    WAYS,
    Convert,
    Problem,
    Scalar,
    Way,
)
from omnibase_core.errors import shown

UNBOUNDED: Final = 1_000

_MOST_SHARED: Final = 4_096
SharedValidator = tuple[Callable[[object], dict[str, object]], bool]
"""What validates, and whether a value may come out as another one."""

_SHARED: Final[dict[tuple[Hashable, Way], SharedValidator]] = {}


class ListOf:
    """list[T]."""

    __slots__ = ("item",)

    def __init__(self, item: "FieldType") -> None:
        self.item = item

    @property
    def name(self) -> str:
        """The type as contracts write it."""
        return f"list[{self.item.name}]"

    @property
    def changed(self) -> frozenset[Way]:
        """As for Scalar."""
        return self.item.changed

    def schema(self, way: Way) -> CoreSchema:
        """As for Scalar."""
        return core_schema.list_schema(self.item.schema(way), strict=True)

    def misfits(self, value: object, path: str, way: Way) -> Iterator[Problem]:
        """As for Scalar."""
        if not isinstance(value, list):
            yield path, forms.misfit("a list", value).sentence
            return
        for index, item in enumerate(value):
            yield from self.item.misfits(item, f"{path}[{index}]", way)


class MapOf:
    """map[T]: an object with any texts as keys."""

    __slots__ = ("item",)

    def __init__(self, item: "FieldType") -> None:
        self.item = item

    @property
    def name(self) -> str:
        """The type as contracts write it."""
        return f"map[{self.item.name}]"

    @property
    def changed(self) -> frozenset[Way]:
        """As for Scalar."""
        return self.item.changed

    def schema(self, way: Way) -> CoreSchema:
        """As for Scalar."""
        return core_schema.dict_schema(STRING_SCHEMA, self.item.schema(way), strict=True)

    def misfits(self, value: object, path: str, way: Way) -> Iterator[Problem]:
        """As for Scalar."""
        if not isinstance(value, dict):
            yield path, forms.misfit("an object", value).sentence
            return
        for key, item in value.items():
            name = f"{path}.{shown(str(key))}"
            yield from ((name, sentence) for _, sentence in STRING.misfits(key, "", way))
            yield from self.item.misfits(item, name, way)


class Slot:
    """A field of a model. `defaults` has what fills an absent one on each way; empty where nothing does."""

    __slots__ = ("defaults", "name", "required", "type")

    def __init__(self, name: str, type: "FieldType", required: bool, defaults: Mapping[Way, object]) -> None:  # noqa: A002 - as contracts call it
        self.name = name
        self.type = type
        self.required = required
        self.defaults = defaults

    @property
    def must_come(self) -> bool:
        """Whether it may not be absent: it is required, and nothing fills it."""
        return self.required and not self.defaults

    def schema(self, way: Way) -> core_schema.TypedDictField:
        """As for Scalar."""
        schema = self.type.schema(way)
        if not self.required:
            schema = core_schema.nullable_schema(schema)
        elif self.type is ANY:
            schema = core_schema.no_info_plain_validator_function(_present(ANY.convert[way]))
        if self.defaults:
            schema = core_schema.with_default_schema(schema, default=self.defaults[way])
        return core_schema.typed_dict_field(schema, required=self.must_come)


class RecordType:
    """A declared model as a type: strict and closed.

    levels: as `levels_of` has it. shape: what it declares, whatever its own name; equal shapes, equal validators.
    """

    def __init__(self, name: str, slots: Mapping[str, Slot]) -> None:
        self.name = name
        self.slots = slots
        self.levels: int = 1 + max((levels_of(slot.type) for slot in slots.values()), default=0)
        inner = {key: record for slot in slots.values() for key, record in records_of(slot.type).items()}
        self.records: Mapping[str, RecordType] = {**inner, name: self}
        self.changed: frozenset[Way] = frozenset(
            way for slot in slots.values() for way in (WAYS if slot.defaults else slot.type.changed)
        )
        self.shape: Hashable = (
            tuple((slot.name, slot.type.name, slot.required, repr(slot.defaults)) for slot in slots.values()),
            tuple((key, record.shape) for key, record in sorted(inner.items())),
        )

    def schema(self, way: Way) -> CoreSchema:
        """As for Scalar; a reference to `definition`, so that a model is built once wherever it is used."""
        return core_schema.definition_reference_schema(self.name)

    def definition(self, way: Way) -> CoreSchema:
        """The model itself."""
        fields = {name: slot.schema(way) for name, slot in self.slots.items()}
        return core_schema.typed_dict_schema(fields, extra_behavior="forbid", strict=True, ref=self.name)

    def misfits(self, value: object, path: str, way: Way) -> Iterator[Problem]:
        """As for Scalar."""
        if not isinstance(value, dict):
            yield path, forms.misfit("an object", value).sentence
            return
        for name, slot in self.slots.items():
            inner = f"{path}.{name}"
            if name not in value:
                if slot.must_come:
                    yield inner, "is required, but missing"
            elif value[name] is not None:
                yield from slot.type.misfits(value[name], inner, way)
            elif slot.required:
                yield inner, "is null, but required"
        for key in value:
            if key not in self.slots:
                near = suggest.closest(str(key), self.slots)
                meant = f" (did you mean '{near}'?)" if near else ""
                sentence = f"is no field of {self.name}{meant}; its fields are {suggest.listed(self.slots)}"
                yield f"{path}.{shown(str(key))}", sentence


FieldType = Scalar | ListOf | MapOf | RecordType


def records_of(type_: FieldType) -> Mapping[str, RecordType]:
    """The models that a value of this type may hold, by name."""
    while isinstance(type_, ListOf | MapOf):
        type_ = type_.item
    return type_.records if isinstance(type_, RecordType) else {}


def levels_of(type_: FieldType) -> int:
    """How deep a value of this type nests: 0 for a text, 1 for a list of them, `UNBOUNDED` and more for JSON."""
    wrappers = 0
    while isinstance(type_, ListOf | MapOf):
        type_ = type_.item
        wrappers += 1
    if isinstance(type_, RecordType):
        return wrappers + type_.levels
    return wrappers + (UNBOUNDED if type_ in (ANY, OBJECT) else 0)


def validator(of: FieldType, way: Way) -> SchemaValidator:
    """The compiled validator of a type."""
    definitions = [record.definition(way) for record in records_of(of).values()]
    schema = of.schema(way)
    return SchemaValidator(core_schema.definitions_schema(schema, definitions) if definitions else schema)


def shared_validator(of: RecordType, way: Way) -> SharedValidator:
    """The validator of a model, built once for all of its shape: hosts have families of nodes declared alike."""
    key = (of.shape, way)
    found = _SHARED.get(key)
    if found is None:
        if len(_SHARED) >= _MOST_SHARED:
            _SHARED.clear()
        found = _SHARED[key] = validator(of, way).validate_python, way in of.changed
    return found


def _present(convert: Convert) -> Convert:
    """The same for values that may not be null."""

    def convert_present(value: object) -> object:
        if value is None:
            raise MisfitError("is null, but required")
        return convert(value)

    return convert_present
