"""The models of a node contract as Python text: frozen dataclasses, for COMPUTE functions that are typed."""

import keyword
from collections.abc import Iterator, Sequence
from typing import Final

from omnibase_core.contracts.fieldtypes import FieldType, ListOf, MapOf, RecordType, Slot, records_of
from omnibase_core.contracts.node import ModelNodeContract

PYTHON_TYPES: Final[dict[str, str]] = {
    "string": "str",
    "boolean": "bool",
    "integer": "int",
    "number": "Decimal",
    "decimal": "Decimal",
    "uuid": "str",
    "date": "str",
    "datetime": "str",
    "object": "dict[str, object]",
    "any": "object",
}
_TAKEN: Final = frozenset(("str", "bool", "int", "Decimal", "dict", "list", "object", "dataclass", "self"))


def python_name(name: str) -> str:
    """The attribute of a field; a name that Python has other plans with gets an underscore behind it."""
    if name.startswith("__"):
        return f"x{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN else name


def python_type(declared: FieldType) -> str:
    """A field's type as an annotation."""
    if isinstance(declared, ListOf):
        return f"list[{python_type(declared.item)}]"
    if isinstance(declared, MapOf):
        return f"dict[str, {python_type(declared.item)}]"
    return python_name(declared.name) if isinstance(declared, RecordType) else PYTHON_TYPES[declared.name]


def annotation(slot: Slot) -> str:
    """A field's annotation; one that is not required may be None."""
    written = python_type(slot.type)
    return written if slot.required or written == "object" else f"{written} | None"


def python_models(contract: ModelNodeContract) -> str:
    """The text of a module with the models that input and output are made of; the same for the same contract."""
    records = {**records_of(contract.input.record), **records_of(contract.output.record)}
    classes = [_class(record, contract) for record in _inner_first(list(records.values()))]
    imports = ["from dataclasses import dataclass"]
    if any("Decimal" in text for text in classes):
        imports.append("from decimal import Decimal")
    head = f'"""The models of node {contract.name}; written by: onex-host models."""'
    return "\n".join([head, "", *imports, "", "", "\n\n\n".join(classes), ""])


def _inner_first(records: Sequence[RecordType]) -> Iterator[RecordType]:
    done: set[str] = set()
    waiting = list(records)
    while waiting:
        ready = [each for each in waiting if each.records.keys() - {each.name} <= done]
        yield from ready
        done |= {each.name for each in ready}
        waiting = [each for each in waiting if each.name not in done]


def _class(record: RecordType, contract: ModelNodeContract) -> str:
    declared = (contract.input_model, contract.output_model, *contract.models)
    described = next((model.description for model in declared if model.name == record.name), None)
    lines = ["@dataclass(frozen=True, kw_only=True, slots=True)", f"class {python_name(record.name)}:"]
    lines.append(f"    {_docstring(described or f'{record.name} of node {contract.name}.')}")
    if record.slots:
        lines.append("")
    for slot in record.slots.values():
        default = "" if slot.required else " = None"
        lines.append(f"    {python_name(slot.name)}: {annotation(slot)}{default}")
    return "\n".join(lines)


def _docstring(text: str) -> str:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace('"', "'")
    return f'"""{plain}"""'
