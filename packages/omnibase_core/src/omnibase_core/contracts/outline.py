"""The shape of a node contract as a validator of its own, for those who only want to know whether it is sound.

It says yes where `ModelNodeContract` finds no fault in the shape, and no where it finds one, by the same rules;
what the fault is, the model says. Loading pydantic's models costs several times what validating a file does, and
most files have no fault. A test holds the two together.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema
from pydantic_core.core_schema import ValidationInfo

from omnibase_core.contracts import rules
from omnibase_core.contracts.source import YamlValue
from omnibase_core.enums import EnumNodeKind


def is_sound(contract: YamlValue) -> bool:
    """Whether a node contract has the shape of one."""
    try:
        _validator().validate_python(contract, strict=True)
    except ValidationError:
        return False
    return True


@cache
def _validator() -> SchemaValidator:
    text, rule = core_schema.str_schema, core_schema.no_info_after_validator_function
    declared = _declared()
    values = core_schema.nullable_schema(core_schema.dict_schema(text()))
    of_compute = core_schema.with_info_after_validator_function
    entries = core_schema.with_info_after_validator_function(_fit_kind, core_schema.list_schema(_entry(values)))
    required = {
        "node_version": rule(rules.valid_version, text()),
        "name": rule(rules.valid_name, text()),
        "node_type": core_schema.literal_schema([EnumNodeKind.EFFECT.value, EnumNodeKind.COMPUTE.value]),
        "input_model": declared,
        "output_model": declared,
    }
    optional = {
        "schema_version": text(),
        "description": text(),
        "models": core_schema.list_schema(declared),
        "io_operations": core_schema.with_default_schema(entries, default=[], validate_default=True),
        "let": of_compute(rules.of_compute, values),
        "transform": of_compute(rules.of_compute, core_schema.any_schema()),
        "dependencies": core_schema.list_schema(text()),
        "on_failure": core_schema.literal_schema(["answer", "dead_letter"]),
    }
    return SchemaValidator(_closed(required, optional))


def _declared() -> CoreSchema:
    text = core_schema.str_schema()
    described = {"description": core_schema.nullable_schema(text)}
    field = _closed(
        {"name": text, "type": text},
        {"required": core_schema.bool_schema(), "default": core_schema.any_schema(), **described},
    )
    return _closed({"name": text, "fields": core_schema.list_schema(field)}, described)


def _entry(values: CoreSchema) -> CoreSchema:
    """An entry of io_operations; `values` is an object or null."""
    text, rule = core_schema.str_schema, core_schema.with_info_after_validator_function
    operations = core_schema.list_schema(rule(rules.known_operation, text()))
    required = {
        "type": core_schema.no_info_plain_validator_function(rules.known_handler_type),
        "operations": core_schema.no_info_after_validator_function(rules.some_operation, operations),
    }
    optional = {
        "handler": text(max_length=63),
        "target": rule(rules.http_target, core_schema.nullable_schema(text(min_length=1))),
        "let": values,
        "request": rule(rules.one_operation, values),
        "expect": values,
        "response": core_schema.any_schema(),
    }
    return _closed(required, optional)


def _closed(required: Mapping[str, CoreSchema], optional: Mapping[str, CoreSchema]) -> CoreSchema:
    """A mapping of these fields and no others; rules see those that stand before theirs, in this order."""
    fields = {name: core_schema.typed_dict_field(schema) for name, schema in required.items()}
    more = {name: core_schema.typed_dict_field(schema, required=False) for name, schema in optional.items()}
    return core_schema.typed_dict_schema({**fields, **more}, extra_behavior="forbid")


def _fit_kind(entries: Sequence[Mapping[str, Sequence[str]]], info: ValidationInfo) -> object:
    names = [name for entry in entries for name in entry["operations"]]
    rules.fit_kind(info.data.get("node_type"), names, is_empty=not entries)
    return entries
