"""Holds what a mapping gives to the model that its node declares, as far as that is known before it runs."""

from collections.abc import Mapping
from itertools import islice

from omnibase_core import suggest
from omnibase_core.contracts.fieldtypes import FieldType, ListOf, MapOf, RecordType
from omnibase_core.contracts.scalartypes import Scalar
from omnibase_core.errors import shown
from omnibase_core.mapping.compiler import TemplateCompiler
from omnibase_core.mapping.faults import Place
from omnibase_core.mapping.static import Type
from omnibase_core.mapping.template import Template
from omnibase_core.mapping.values import Kind, said

_WANTED: Mapping[str, frozenset[Kind]] = {
    "string": frozenset(("string",)),
    "uuid": frozenset(("string",)),
    "date": frozenset(("string",)),
    "datetime": frozenset(("string",)),
    "boolean": frozenset(("boolean",)),
    "integer": frozenset(("number",)),
    "number": frozenset(("number",)),
    "decimal": frozenset(("number", "string")),
    "object": frozenset(("object",)),
}


def check_output(
    template: Template, written: object, model: RecordType | None, compiler: TemplateCompiler, place: Place
) -> None:
    """Records a fault for each field that cannot fit."""
    if template.type.kind == "null":
        compiler.fault(place, 0, "This must be an object, not null", "Write the fields of the output")
    elif model is not None and not compiler.faults:
        _Output(compiler).check(template.type, written, model, place)


class _Output:
    def __init__(self, compiler: TemplateCompiler) -> None:
        self._compiler = compiler

    def check(self, type_: Type, written: object, model: FieldType, place: Place) -> None:
        if type_.kind in ("any", "omit", "null"):
            return
        if isinstance(model, RecordType):
            self._model(type_, written, model, place)
        elif isinstance(model, Scalar):
            self._scalar(type_, written, model, place)
        else:
            self._collection(type_, written, model, place)

    def _model(self, type_: Type, written: object, model: RecordType, place: Place) -> None:
        if type_.runtime_kind != "object":
            self._misfit(place, f"an object ({model.name})", type_)
            return
        if type_.kind != "record":
            return
        for name, each in type_.fields.items():
            if name not in model.slots:
                hint = suggest.hint(name, model.slots, f"The fields of {model.name} are")
                self._compiler.fault(
                    _below(place, written, name), 0, f"'{shown(name)}' is no field of {model.name}", hint
                )
                continue
            slot = model.slots[name]
            if each.kind == "null" and slot.required:
                where = _below(place, written, name)
                self._compiler.fault(where, 0, f"'{name}' is null, but required", "Give it a value")
            self.check(each, _inside(written, name), slot.type, _below(place, written, name))
        missing = [name for name, slot in model.slots.items() if slot.required and name not in type_.fields]
        if missing:
            names = ", ".join(f"'{name}'" for name in missing)
            hint = "Add it, or declare it with required: false"
            self._compiler.fault(place, 0, f"{model.name} requires {names}, which is not given", hint)

    def _scalar(self, type_: Type, written: object, model: Scalar, place: Place) -> None:
        wanted = _WANTED.get(model.name)
        if wanted is None:
            return
        if type_.runtime_kind not in wanted:
            self._misfit(place, f"of type {model.name}", type_)
        elif _is_literal(written):
            for _, sentence in islice(model.misfits(written, "", "encode"), 1):
                self._compiler.fault(place, 0, f"This {sentence}", "Correct the value")

    def _collection(self, type_: Type, written: object, model: ListOf | MapOf, place: Place) -> None:
        wanted: Kind = "list" if isinstance(model, ListOf) else "object"
        if type_.runtime_kind != wanted:
            self._misfit(place, said(wanted), type_)
        elif isinstance(model, ListOf):
            self.check(type_.element, None, model.item, place)
        elif type_.kind == "record":
            for name, each in type_.fields.items():
                self.check(each, _inside(written, name), model.item, _below(place, written, name))

    def _misfit(self, place: Place, wanted: str, type_: Type) -> None:
        came = said(type_.runtime_kind) if type_.runtime_kind else "something else"
        self._compiler.fault(
            place, 0, f"This must be {wanted}, not {came}", "Correct the value or the field's type"
        )


def _is_literal(written: object) -> bool:
    return isinstance(written, bool | int | float) or (isinstance(written, str) and "${{" not in written)


def _below(place: Place, written: object, name: str) -> Place:
    """The place of a field where it is written as one; the whole expression where it comes out of one."""
    return (*place, name) if isinstance(written, dict) else place


def _inside(written: object, name: str) -> object:
    return written.get(name) if isinstance(written, dict) else None
