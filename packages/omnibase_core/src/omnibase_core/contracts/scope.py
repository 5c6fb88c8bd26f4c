"""What mappings see, as types: the declared input, the envelope, and each operation's result."""

from typing import Final

from omnibase_core.contracts.fieldtypes import FieldType, ListOf, MapOf, RecordType
from omnibase_core.contracts.operations import OPERATIONS
from omnibase_core.mapping.static import (
    ANY,
    BOOLEAN,
    DECIMAL,
    INTEGER,
    NUMBER,
    STRING,
    Type,
    list_of,
    map_of,
    record,
)

ENVELOPE: Final = record(
    {
        "envelope_id": STRING,
        "correlation_id": STRING,
        "causation_id": STRING,
        "source_node": STRING,
        "target_node": STRING,
        "timestamp": STRING,
        "metadata": map_of(ANY),
    },
    "envelope",
)
"""The root `envelope`: ids and the timestamp as texts."""

_SCALARS: Final = {
    "boolean": BOOLEAN,
    "integer": INTEGER,
    "number": NUMBER,
    "decimal": DECIMAL,
    "object": map_of(ANY),
    "any": ANY,
}
_ROWS: Final = record({"rows": list_of(map_of(ANY)), "row_count": INTEGER}, "result")
_RESULT_FIELDS: Final = {
    "status_code": INTEGER,
    "headers": map_of(STRING),
    "body_type": STRING,
    "rows": _ROWS.fields["rows"],
    "row_count": INTEGER,
    "results": list_of(_ROWS),
    "data": map_of(ANY),
    "keys": list_of(STRING),
    "version": INTEGER,
    "created_time": STRING,
    "service_id": STRING,
    "instances": list_of(ANY),
    "checks": list_of(ANY),
    "services": map_of(list_of(STRING)),
    "status": STRING,
    "deleted": BOOLEAN,
    "deregistered": BOOLEAN,
}


def type_of_field(declared: FieldType) -> Type:
    """The type of a declared field's values."""
    if isinstance(declared, ListOf):
        return list_of(type_of_field(declared.item))
    if isinstance(declared, MapOf):
        return map_of(type_of_field(declared.item))
    if isinstance(declared, RecordType):
        return type_of_model(declared)
    return _SCALARS.get(declared.name, STRING)


def type_of_model(model: RecordType) -> Type:
    """The type of a declared model's values."""
    return record({name: type_of_field(slot.type) for name, slot in model.slots.items()}, model.name)


def type_of_result(operations: tuple[str, ...]) -> Type:
    """The type of the root `result`; of several operations nothing is known."""
    described = OPERATIONS.get(operations[0]) if len(operations) == 1 else None
    if described is None or not described.result:
        return ANY
    return record({name: _RESULT_FIELDS.get(name, ANY) for name in described.result}, "result")
