"""The models that a node contract declares, read into types; and what is wrong with them, all of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from omnibase_core import suggest
from omnibase_core.contracts.fieldtypes import FieldType, ListOf, MapOf, RecordType, Slot, validator
from omnibase_core.contracts.scalartypes import ANY, SCALARS, WAYS, Way
from omnibase_core.errors import shown

MAX_MODEL_DEPTH: Final = 30
MAX_WRAPPERS: Final = 16
_LONGEST_TYPE: Final = 256
_WRAPPED: Final = re.compile(r"(list|map)\s*\[(.*)\]", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_RESERVED: Final = frozenset({*SCALARS, "list", "map"})
_OTHER_NAMES: Final = {
    "str": "string",
    "text": "string",
    "varchar": "string",
    "int": "integer",
    "long": "integer",
    "bigint": "integer",
    "float": "number",
    "double": "number",
    "money": "decimal",
    "numeric": "decimal",
    "bool": "boolean",
    "timestamp": "datetime",
    "time": "datetime",
    "dict": "object",
    "json": "any",
    "array": "list[…]",
}


class DeclaredField(NamedTuple):
    """A field of a declared model; `type` as contracts write it, such as `list[ModelItem]`."""

    name: str
    type: str
    required: bool = True
    default: object = None
    has_default: bool = False


class Declaration(NamedTuple):
    """A model that a node contract declares, without what only readers want to know."""

    name: str
    fields: tuple[DeclaredField, ...]


class DeclarationProblem(NamedTuple):
    """What is wrong with a declaration. `path` starts with the model's index, then goes down its fields."""

    path: tuple[str | int, ...]
    message: str
    hint: str


class Survey(NamedTuple):
    """Every model that could be read, by name, and every problem, in the order of the declarations."""

    records: Mapping[str, RecordType]
    problems: Sequence[DeclarationProblem]


def survey(models: Sequence[Declaration]) -> Survey:
    """Reads declared models; the first of several with one name counts."""
    surveyor = _Surveyor(models)
    surveyor.problems.sort(key=lambda problem: [f"{part:>8}" for part in problem.path])
    return Survey(surveyor.records, surveyor.problems)


class TypeTextError(ValueError):
    """A type that is not written as FORMATS 4 says; `hint` is the way out."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def split_type(text: str) -> tuple[tuple[str, ...], str]:
    """`list[map[T]]` -> (("list", "map"), "T"). Raises TypeTextError where brackets or their type are missing."""
    if len(text) > _LONGEST_TYPE:
        raise TypeTextError("A type this long", "Declare a model, and use its name")
    wrappers: list[str] = []
    leaf = text.strip()
    while (match := _WRAPPED.fullmatch(leaf)) is not None:
        wrappers.append(match[1])
        leaf = match[2].strip()
    if len(wrappers) > MAX_WRAPPERS:
        raise TypeTextError(
            f"A type nested deeper than {MAX_WRAPPERS} levels", "Declare a model for the inner part"
        )
    if leaf in ("list", "map", ""):
        wrapper = leaf or (wrappers[-1] if wrappers else "list")
        raise TypeTextError(
            f"'{shown(text)}' does not say of what", f"Write what it holds, such as {wrapper}[string]"
        )
    return tuple(wrappers), leaf


def wrapped(wrappers: tuple[str, ...], leaf: FieldType) -> FieldType:
    """The type that `split_type` took apart."""
    for wrapper in reversed(wrappers):
        leaf = ListOf(leaf) if wrapper == "list" else MapOf(leaf)
    return leaf


class _Field(NamedTuple):
    declared: DeclaredField
    at: int
    wrappers: tuple[str, ...]
    leaf: str


class _Surveyor:
    """Models in the order of who holds whom: innermost first."""

    def __init__(self, models: Sequence[Declaration]) -> None:
        self.records: dict[str, RecordType] = {}
        self.problems: list[DeclarationProblem] = []
        self._models = models
        self._indexes: dict[str, int] = {}
        for index, model in enumerate(models):
            self._name(index, model.name)
        self._fields = {index: list(self._read_fields(index)) for index in self._indexes.values()}
        self._compile()

    def _add(self, path: tuple[str | int, ...], message: str, hint: str) -> None:
        self.problems.append(DeclarationProblem(path, message, hint))

    def _name(self, index: int, name: str) -> None:
        path = (index, "name")
        if name in _RESERVED:
            self._add(
                path,
                f"A model cannot be named '{name}'",
                "That is a type already; names such as ModelOrder are free",
            )
        elif _NAME.fullmatch(name) is None:
            self._add(path, f"'{shown(name)}' is no name of a model", _NAME_HINT)
        elif name in self._indexes:
            self._add(path, f"Two models are named '{name}'", "Rename one, or remove it")
        else:
            self._indexes[name] = index

    def _read_fields(self, index: int) -> Iterator[_Field]:
        seen = set[str]()
        for at, field in enumerate(self._models[index].fields):
            path = (index, "fields", at)
            if _NAME.fullmatch(field.name) is None:
                self._add((*path, "name"), f"'{shown(field.name)}' is no name of a field", _NAME_HINT)
            elif field.name in seen:
                self._add((*path, "name"), f"Two fields are named '{field.name}'", "Rename one, or remove it")
            else:
                seen.add(field.name)
                yield _Field(field, at, *self._read_type((*path, "type"), field.type))

    def _read_type(self, path: tuple[str | int, ...], text: str) -> tuple[tuple[str, ...], str]:
        try:
            wrappers, leaf = split_type(text)
        except TypeTextError as error:
            self._add(path, str(error), error.hint)
            return (), ANY.name
        if leaf in SCALARS or leaf in self._indexes:
            return wrappers, leaf
        other = _OTHER_NAMES.get(leaf.lower())
        types = [*SCALARS, "list[…]", "map[…]", *self._indexes]
        hint = suggest.hint(leaf, types, "The types are")
        if other:
            hint = f"Did you mean '{other}'? The types are: {suggest.listed(types)}"
        self._add(path, f"Unknown type '{shown(leaf)}'", hint)
        return wrappers, ANY.name

    def _compile(self) -> None:
        pending = dict(self._indexes)
        depth = 0
        while ready := [name for name, at in pending.items() if not self._held_by(at) & pending.keys()]:
            depth += 1
            if depth > MAX_MODEL_DEPTH:
                self._add((pending[ready[0]], "name"), _TOO_DEEP, "Flatten the models, or use the type object")
                return
            self.records.update({name: self._record(pending.pop(name)) for name in ready})
        self._report_unfinished(pending)

    def _held_by(self, index: int) -> set[str]:
        return {field.leaf for field in self._fields[index]}

    def _record(self, index: int) -> RecordType:
        slots = {field.declared.name: self._slot(index, field) for field in self._fields[index]}
        return RecordType(self._models[index].name, slots)

    def _slot(self, index: int, field: _Field) -> Slot:
        declared = field.declared
        type_ = wrapped(field.wrappers, SCALARS.get(field.leaf) or self.records[field.leaf])
        defaults: dict[Way, object] = {}
        if declared.has_default:
            path = (index, "fields", field.at, "default")
            defaults = self._defaults(path, declared, type_)
        return Slot(declared.name, type_, declared.required, defaults)

    def _defaults(
        self, path: tuple[str | int, ...], declared: DeclaredField, type_: FieldType
    ) -> dict[Way, object]:
        default = declared.default
        if default is None and declared.required:
            self._add(path, "A default of null for a required field", "Write required: false where null may come")
            return {}
        if default is None:
            return dict.fromkeys(WAYS)
        misfit = next(type_.misfits(default, "", "decode"), None)
        if misfit is not None:
            where = f"{misfit[0].removeprefix('.')} " if misfit[0] else ""
            self._add(path, f"The default is no {type_.name}: {where}{misfit[1]}", "Write it as it would be sent")
            return {}
        wire = validator(type_, "check").validate_python(default)
        return {"decode": validator(type_, "decode").validate_python(default), "encode": wire, "check": wire}

    def _report_unfinished(self, pending: Mapping[str, int]) -> None:
        told = set[str]()
        for start in pending:
            steps = self._walk(start, pending)
            last = steps[-1].leaf
            names = [start, *(step.leaf for step in steps)]
            circle = names[names.index(last) :]
            if told.isdisjoint(circle):
                step = steps[names.index(last)]
                path = (pending[last], "fields", step.at, "type")
                self._add(
                    path,
                    f"A model that holds itself: {' -> '.join(circle)}",
                    "Use the type object for the inner one",
                )
            told.update(circle)

    def _walk(self, start: str, pending: Mapping[str, int]) -> list[_Field]:
        """The fields from a model to one that was met before."""
        steps: list[_Field] = []
        met, name = {start}, start
        while True:
            step = next(field for field in self._fields[pending[name]] if field.leaf in pending)
            steps.append(step)
            name = step.leaf
            if name in met:
                return steps
            met.add(name)


_TOO_DEEP: Final = f"Models that hold each other more than {MAX_MODEL_DEPTH} levels deep"
_NAME_HINT: Final = "A name starts with a letter or _ and goes on with letters, digits and _, up to 128 characters"
