"""What declared models make of payloads: validation and conversion, wire form to values and back.

A model is strict and closed. A field is required unless it says otherwise; one that is not may be absent,
which stays so unless it has a default, or null, which stays null.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final, cast

from pydantic import JsonValue
from pydantic_core import ValidationError

from omnibase_core.contracts.declarations import DeclarationProblem, survey
from omnibase_core.contracts.declared import ModelDeclaredModel, ModelField
from omnibase_core.contracts.fieldtypes import RecordType, SharedValidator, levels_of, shared_validator
from omnibase_core.contracts.forms import FIELD_DEPTH, MAX_DEPTH
from omnibase_core.contracts.scalartypes import ANY, OBJECT, Problem, Scalar, Way
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import OnexError

__all__ = [
    "CompiledModel",
    "DeclarationProblem",
    "FieldDeclarationError",
    "FieldMismatchError",
    "ModelDeclaredModel",
    "ModelField",
    "compile_models",
    "survey_models",
]

MAX_PROBLEMS: Final = 20


class FieldMismatchError(OnexError):
    """A payload that is not what its model declares.

    problems: path below the model (`items[2].price`, empty for the whole) and a sentence without its subject
    ("is required, but missing"); at most MAX_PROBLEMS, never a value, foreign names cut and escaped.
    """

    def __init__(self, model: str, problems: Sequence[Problem]) -> None:
        self.model = model
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path or model} {sentence}" for path, sentence in self.problems))


class CompiledModel:
    """A declared model that validates and converts; its validators are built when first needed.

    transparent: the wire form and the values are the same, and nothing is filled in or respelled.
    bounded: what `encode` gives never nests deeper than an envelope may; else somebody has to look.
    loose: the fields that `check` takes as JSON unseen; None where such values may be anywhere in it.
    Slots, and validators shared by shape, keep what a request touches of its node's models small: with 1,000
    nodes that is what costs.
    """

    __slots__ = ("_check", "_decode", "_encode", "bounded", "fields", "loose", "name", "record", "transparent")

    def __init__(self, declared: ModelDeclaredModel, record: RecordType) -> None:
        self.name = declared.name
        self.fields: Mapping[str, ModelField] = {field.name: field for field in declared.fields}
        self.record = record
        self.transparent = not record.changed & {"decode", "check"}
        # `any` and `object` look at their own depth, which they know where they are a field of the payload itself.
        self.bounded = all(
            slot.type in (ANY, OBJECT) or levels_of(slot.type) <= MAX_DEPTH - FIELD_DEPTH + 1
            for slot in record.slots.values()
        )
        unseen = [slot.name for slot in record.slots.values() if slot.type in (ANY, OBJECT)]
        scalars = all(isinstance(slot.type, Scalar) for slot in record.slots.values())
        self.loose: Sequence[str] | None = unseen if scalars else None
        self._decode: SharedValidator | None = None
        self._encode: SharedValidator | None = None
        self._check: SharedValidator | None = None

    def decode(self, wire: Mapping[str, JsonValue]) -> dict[str, object]:
        """Wire form -> values as expressions and COMPUTE functions see them. Raises FieldMismatchError."""
        return self._through(self._decode, "decode", wire)

    def encode(self, values: Mapping[str, object]) -> JsonObject:
        """Values -> wire form, JSON whatever the values were. Raises FieldMismatchError."""
        return cast("JsonObject", self._through(self._encode, "encode", values))

    def check(self, wire: Mapping[str, JsonValue]) -> JsonObject:
        """The canonical wire form, as `encode(decode(wire))` has it; the same object where nothing changes.

        What is below a field of type `any` or `object` is taken as JSON and not looked at.
        Raises FieldMismatchError.
        """
        return cast("JsonObject", self._through(self._check, "check", wire))

    def _through(self, built: SharedValidator | None, way: Way, given: Mapping[str, object]) -> dict[str, object]:
        value = dict(given) if type(given) is not dict and isinstance(given, Mapping) else given
        validate, changed = built or self._built(way)
        try:
            converted = validate(value)
        except ValidationError:
            raise FieldMismatchError(self.name, self._problems(way, value)) from None
        return converted if changed else cast("dict[str, object]", value)

    def _built(self, way: Way) -> SharedValidator:
        built = shared_validator(self.record, way)
        setattr(self, f"_{way}", built)
        return built

    def _problems(self, way: Way, value: object) -> list[Problem]:
        found = self.record.misfits(value, "", way)
        first = [(path.removeprefix("."), sentence) for path, sentence in islice(found, MAX_PROBLEMS)]
        return first or [("", f"does not fit {self.name}")]


class FieldDeclarationError(OnexError):
    """Declared models that cannot be compiled, with every problem of theirs."""

    def __init__(self, problems: Sequence[DeclarationProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))


def compile_models(models: Sequence[ModelDeclaredModel]) -> dict[str, CompiledModel]:
    """The models by name, ready for payloads. Raises FieldDeclarationError."""
    compiled, problems = survey_models(models)
    if problems:
        raise FieldDeclarationError(problems)
    return compiled


def survey_models(
    models: Sequence[ModelDeclaredModel],
) -> tuple[dict[str, CompiledModel], Sequence[DeclarationProblem]]:
    """Every model that can be compiled, by name, and every problem of the declarations, in their order."""
    records, problems = survey([model.declaration for model in models])
    declared = {model.name: model for model in reversed(models)}
    return {name: CompiledModel(declared[name], record) for name, record in records.items()}, problems
