"""Two versions of a declared model: what may be sent, or read, that could not before, and the reverse.

An input model breaks callers where it refuses what it took; an output model where it yields what it did
not. Models are closed, so a field that an input model loses is refused from then on.
"""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from omnibase_core.contracts.changes import Change, Verdict, worded
from omnibase_core.contracts.fieldtypes import FieldType, ListOf, MapOf, RecordType, Slot
from omnibase_core.contracts.scalartypes import Scalar

Direction = Literal["input", "output"]

# The scalar types whose every wire form is one of another type too; a decimal is written out as text only.
_TEXTS: Final = {("uuid", "string"), ("date", "string"), ("datetime", "string")}
_FITS: Final = {
    "input": {("integer", "number"), ("integer", "decimal"), *_TEXTS},
    "output": {("integer", "number"), ("decimal", "string"), *_TEXTS},
}


class FieldChange(NamedTuple):
    """A change of one field. old, new: the names of model and field; None on the side that lacks it."""

    path: str
    change: Change
    verdict: Verdict
    message: str
    old: tuple[str, str] | None
    new: tuple[str, str] | None


def compare_records(old: RecordType, new: RecordType, direction: Direction) -> Iterator[FieldChange]:
    """The changes of a model and of all that it holds; a model that is held twice is compared once."""
    seen = {(old.name, new.name)}
    pending = [(direction.partition("_")[0], old, new)]
    while pending:
        path, before, after = pending.pop(0)
        for name in sorted(before.slots.keys() | after.slots.keys()):
            slots = before.slots.get(name), after.slots.get(name)
            here = f"{path}.{name}"
            owners = (before.name, name), (after.name, name)
            yield from _compare_slot(here, *slots, *owners, direction)
            inner = _inner_records(here, *slots)
            if inner is not None and (key := (inner[1].name, inner[2].name)) not in seen:
                seen.add(key)
                pending.append(inner)


def fits(value: FieldType, wanted: FieldType, direction: Direction) -> bool:
    """Whether every wire form of one type is one of the other."""
    if isinstance(wanted, Scalar):
        if wanted.name == "object":
            return isinstance(value, MapOf | RecordType) or value.name == "object"
        return wanted.name in ("any", value.name) or (value.name, wanted.name) in _FITS[direction]
    if isinstance(wanted, ListOf):
        return isinstance(value, ListOf) and fits(value.item, wanted.item, direction)
    if isinstance(wanted, MapOf):
        if wanted.item.name == "any" and (isinstance(value, RecordType) or value.name == "object"):
            return True
        return isinstance(value, MapOf) and fits(value.item, wanted.item, direction)
    return isinstance(value, RecordType)


def _compare_slot(
    path: str,
    old: Slot | None,
    new: Slot | None,
    old_owner: tuple[str, str],
    new_owner: tuple[str, str],
    direction: Direction,
) -> Iterator[FieldChange]:
    if old is None or new is None:
        if new is not None:
            yield FieldChange(path, "added", *_added(new, direction), None, new_owner)
        elif old is not None:
            yield FieldChange(path, "removed", *_removed(old, direction), old_owner, None)
        return
    for verdict, message in _differences(old, new, direction):
        yield FieldChange(path, "changed", verdict, message, old_owner, new_owner)


def _added(slot: Slot, direction: Direction) -> tuple[Verdict, str]:
    said = f"{'required' if slot.required else 'optional'} {direction} field of type {slot.type.name}"
    if direction == "input" and slot.must_come:
        return "breaking", f"new {said}: requests without it are refused"
    return "compatible", f"new {said}"


def _removed(slot: Slot, direction: Direction) -> tuple[Verdict, str]:
    lost = "requests that send it are refused" if direction == "input" else "responses lack it"
    return "breaking", f"{direction} field of type {slot.type.name} removed: {lost}"


def _strictness(slot: Slot) -> int:
    return 2 if slot.must_come else int(slot.required)


def _presence(slot: Slot) -> str:
    if not slot.required:
        return "optional"
    return "required" if slot.must_come else "required, with a default"


def _differences(old: Slot, new: Slot, direction: Direction) -> Iterator[tuple[Verdict, str]]:
    # An input may take more than before, an output may give less.
    grows: Verdict = "compatible" if direction == "input" else "breaking"
    shrinks: Verdict = "breaking" if direction == "input" else "compatible"
    if (stricter := _strictness(new) - _strictness(old)) != 0:
        said = f"{_presence(old)} -> {_presence(new)}"
        yield (shrinks if stricter > 0 else grows), f"{direction} field {said}"
    wider, narrower = fits(old.type, new.type, direction), fits(new.type, old.type, direction)
    said = f"{direction} type {old.type.name} -> {new.type.name}"
    if not (wider and narrower):
        verdict = grows if wider else shrinks if narrower else "breaking"
        word = "wider" if wider else "narrower" if narrower else "another type"
        yield verdict, f"{said}: {word}"
    elif old.type.name != new.type.name:
        yield "compatible", f"{said}: the same on the wire"
    if not (old.must_come or new.must_come) and old.defaults.get("decode") != new.defaults.get("decode"):
        values = (worded(slot.defaults.get("check")) for slot in (old, new))
        meaning = (
            "what a request without it means has changed" if direction == "input" else "filled in where absent"
        )
        yield shrinks, f"default {' -> '.join(values)}: {meaning}"


def _inner_records(path: str, old: Slot | None, new: Slot | None) -> tuple[str, RecordType, RecordType] | None:
    """The models that both fields hold in the same wrapping."""
    if old is None or new is None:
        return None
    before, after = old.type, new.type
    while (isinstance(before, ListOf) and isinstance(after, ListOf)) or (
        isinstance(before, MapOf) and isinstance(after, MapOf)
    ):
        path += "[]" if isinstance(before, ListOf) else "{}"
        before, after = before.item, after.item
    if isinstance(before, RecordType) and isinstance(after, RecordType):
        return path, before, after
    return None
