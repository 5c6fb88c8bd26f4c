"""JSON Schemas of contract files, by which editors complete and check while an author types.

Made from the models that the validator checks with, so a new field is in the schema by itself; its description
comes from the model's docstring (`field: what it means`) or from `editor_texts`. The schemas are of draft 7, which
every YAML editor reads. They accept whatever the validator accepts; what no schema can say (names that must agree,
secrets, files) the validator alone refuses.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from omnibase_core.contracts.check_calls import ANSWERS
from omnibase_core.contracts.check_handlers import MOVED_OUT_OF_CONFIG
from omnibase_core.contracts.editor_text import Text
from omnibase_core.contracts.editor_texts import BUSES, HANDLERS, TEXTS
from omnibase_core.contracts.kafka_config import ModelKafkaBusConfig
from omnibase_core.contracts.load import ModelRuntimeFile
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.contracts.runtime_host import (
    CONFIG_MODELS,
    ModelEventBusEntry,
    ModelHandlerEntry,
    ModelInMemoryBusConfig,
    ModelNodeEntry,
    ModelOpenHandlerConfig,
    ModelRuntimeEntry,
)
from omnibase_core.contracts.schema import SCHEMA_VERSION, ContractKind
from omnibase_core.contracts.testing import ModelTestFile
from omnibase_core.enums import EnumHandlerType, EnumNodeKind
from omnibase_core.secret import ModelSecretRef

JsonSchema = dict[str, JsonValue]

_BUS_CONFIGS: Final[Mapping[str, type[BaseModel]]] = {
    "inmemory": ModelInMemoryBusConfig,
    "kafka": ModelKafkaBusConfig,
}
_TOPS: Final[Mapping[ContractKind, type[BaseModel]]] = {
    "runtime": ModelRuntimeFile,
    "node": ModelNodeContract,
    "test": ModelTestFile,
}
_ANNOTATIONS: Final = ("description", "default", "examples", "enumDescriptions", "deprecationMessage")
_NO_SCHEMAS: Final = ("default", "examples", "if")
_VARIABLE: Final[JsonSchema] = {"type": "string", "pattern": r"\$\{"}


def editor_schema(kind: ContractKind) -> JsonSchema:
    """The schema of the file of a runtime contract, a node contract, or contract tests."""
    definitions = _definitions(kind)
    top = _TOPS[kind]
    schema: JsonSchema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "ONEX contract tests" if kind == "test" else f"ONEX {kind} contract",
        "$comment": f"Schema version {SCHEMA_VERSION}; written by: onex-host schema {kind}",
        **{name: value for name, value in definitions.pop(top.__name__).items() if name != "title"},
        "definitions": dict(sorted(definitions.items())),
    }
    return schema


def _definitions(kind: ContractKind) -> dict[str, JsonSchemaValue]:
    if kind == "node":
        definitions = _generated([ModelNodeContract])
        _operations_by_type(definitions["ModelIoOperation"])
        _operations_by_kind(definitions["ModelNodeContract"])
        return definitions
    if kind == "test":
        definitions = _generated([ModelTestFile, *ANSWERS.values()])
        _answers_by_operation(definitions)
        return definitions
    entries: list[type[BaseModel]] = [
        ModelRuntimeFile,
        ModelRuntimeEntry,
        ModelEventBusEntry,
        ModelHandlerEntry,
        ModelNodeEntry,
    ]
    definitions = _generated([*entries, *_BUS_CONFIGS.values(), *CONFIG_MODELS.values()])
    _put(definitions["ModelRuntimeFile"], "runtime", _reference(ModelRuntimeEntry))
    runtime = definitions["ModelRuntimeEntry"]
    _put(runtime, "event_bus", _reference(ModelEventBusEntry))
    _put(runtime, "handlers", {"type": "array", "items": _reference(ModelHandlerEntry)})
    _put(runtime, "nodes", {"type": "array", "items": _reference(ModelNodeEntry)})
    _configs_by_type(definitions)
    reference = definitions.pop(ModelSecretRef.__name__)
    expanded = {name: _with_variables(schema) for name, schema in definitions.items()}
    return {**expanded, ModelSecretRef.__name__: reference}


class _Generator(GenerateJsonSchema):
    """Pydantic's schemas, with descriptions and examples, and titles that an editor can put into a sentence."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Never: a title would only repeat the name."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A model, described by its docstring and texts."""
        made = super().model_schema(schema)
        words = re.findall("[A-Z][a-z]+", schema["cls"].__name__)[1:]
        made["title"] = " ".join(words).lower()
        lineage = [base for base in schema["cls"].__mro__ if base not in BaseModel.__mro__]
        made["description"] = _about(lineage, made.get("properties", {}))
        for name, inner in made.get("properties", {}).items():
            _describe(inner, name, lineage)
        return made

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """An enumeration as its values alone; the field that has it says what they are."""
        return {"type": "string", "enum": [member.value for member in schema["members"]]}


def _generated(models: Iterable[type[BaseModel]]) -> dict[str, JsonSchemaValue]:
    _, schema = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)],
        ref_template="#/definitions/{model}",
        schema_generator=_Generator,
    )
    definitions: dict[str, JsonSchemaValue] = schema["$defs"]
    values = {name: made for name, made in definitions.items() if made.get("type") != "object"}
    for made in values.values():
        made.pop("title", None)
    return {name: _plain(made, values) for name, made in definitions.items() if name not in values}


def _plain(schema: JsonSchemaValue, values: Mapping[str, JsonSchemaValue]) -> JsonSchemaValue:
    """References to mere values replaced by these; what stands beside another reference, which draft 7 would
    pass over, put around it."""
    made = {name: _each(name, value, lambda inner: _plain(inner, values)) for name, value in schema.items()}
    target = str(made.get("$ref", "")).rpartition("/")[2]
    if target in values:
        return {**values[target], **{name: value for name, value in made.items() if name != "$ref"}}
    if target and len(made) > 1:
        return {"allOf": [{"$ref": made.pop("$ref")}], **made}
    return made


def _about(lineage: list[type], fields: Iterable[str]) -> str:
    text = TEXTS.get(lineage[0].__name__, {}).get("")
    return text.description if text else _parts(lineage[0], fields)[""]


def _describe(schema: JsonSchemaValue, field: str, lineage: list[type]) -> None:
    """Adds to a field's schema what its model, or the first of its bases that says something, says of it."""
    if isinstance(schema.get("default", None), dict | None):
        schema.pop("default", None)
    for model in lineage:
        text = TEXTS.get(model.__name__, {}).get(field)
        written = _parts(model, getattr(model, "model_fields", {})).get(field)
        if text is None and written is None:
            continue
        text = text or Text(written or "")
        schema["description"] = text.description
        if text.examples:
            schema["examples"] = list(text.examples)
        if text.pattern is not None:
            _text_of(schema)["pattern"] = text.pattern
        return


def _text_of(schema: JsonSchemaValue) -> JsonSchemaValue:
    """The alternative of a field's schema that is of its texts."""
    alternatives: list[JsonSchemaValue] = schema.get("anyOf", [])
    return next((one for one in alternatives if one.get("type") == "string"), schema)


def _parts(model: type, fields: Iterable[str]) -> dict[str, str]:
    """A docstring taken apart: what it says of the model under "", and of each field named with a colon."""
    words = re.sub(r"\bNone\b", "null", " ".join((model.__doc__ or "").split()))
    names = "|".join(map(re.escape, fields)) or "$^"
    about, *rest = re.split(rf"(?:^|(?<=[.;] ))({names}): ", words)
    said = {"": about.strip()}
    for name, text in zip(rest[::2], rest[1::2], strict=True):
        said[name] = f"{text[:1].upper()}{text[1:]}".strip().removesuffix(".")
    return said


def _reference(model: type[BaseModel]) -> JsonSchema:
    return {"$ref": f"#/definitions/{model.__name__}"}


def _put(holder: JsonSchemaValue, field: str, schema: JsonSchema) -> None:
    """Says more of a field than its annotation does; its description stays."""
    old = holder["properties"][field]
    said = {name: old[name] for name in _ANNOTATIONS if name in old}
    holder["properties"][field] = {"allOf": [schema], **said} if "$ref" in schema else {**schema, **said}


def _when(field: str, value: str, then: JsonSchema) -> JsonSchema:
    return {"if": {"properties": {field: {"const": value}}, "required": [field]}, "then": then}


def _configs_by_type(definitions: dict[str, JsonSchemaValue]) -> None:
    handlers = definitions["ModelHandlerEntry"]
    handlers["allOf"] = []
    for handler_type, model in CONFIG_MODELS.items():
        if model is ModelOpenHandlerConfig:
            continue
        definitions[model.__name__]["properties"].update({name: _moved(name) for name in MOVED_OUT_OF_CONFIG})
        handlers["allOf"].append(_when("type", handler_type.value, {"properties": {"config": _or_null(model)}}))
    definitions.pop(ModelOpenHandlerConfig.__name__, None)
    handlers["properties"]["type"]["enumDescriptions"] = [HANDLERS[known] for known in EnumHandlerType]
    bus = definitions["ModelEventBusEntry"]
    bus["allOf"] = [
        _when("kind", "inmemory", {"properties": {"config": _or_null(ModelInMemoryBusConfig)}}),
        _when(
            "kind", "kafka", {"properties": {"config": _reference(ModelKafkaBusConfig)}, "required": ["config"]}
        ),
    ]
    bus["properties"]["kind"]["enumDescriptions"] = [BUSES[kind] for kind in _BUS_CONFIGS]


def _or_null(model: type[BaseModel]) -> JsonSchema:
    return {"anyOf": [_reference(model), {"type": "null"}]}


def _moved(field: str) -> JsonSchema:
    message = f"'{field}' inside 'config' is deprecated: it stands beside 'config'"
    return {"description": message, "deprecationMessage": message}


def _operations_by_type(entry: JsonSchemaValue) -> None:
    entry["allOf"] = [
        _when(
            "type",
            handler_type.value,
            {"properties": {"operations": {"minItems": 1, "items": {"enum": list(operations_of(handler_type))}}}},
        )
        for handler_type in EnumHandlerType
    ]
    entry["properties"]["type"]["enumDescriptions"] = [HANDLERS[known] for known in EnumHandlerType]


def _operations_by_kind(node: JsonSchemaValue) -> None:
    some: JsonSchema = {"properties": {"io_operations": {"minItems": 1}}, "required": ["io_operations"]}
    none: JsonSchema = {"properties": {"io_operations": {"maxItems": 0}}}
    node["allOf"] = [
        _when("node_type", EnumNodeKind.EFFECT.value, some),
        _when("node_type", EnumNodeKind.COMPUTE.value, none),
    ]


def _answers_by_operation(definitions: dict[str, JsonSchemaValue]) -> None:
    call, response = definitions["ModelTestCall"], definitions["ModelTestResponse"]
    _put(
        call,
        "operation",
        {"anyOf": [{"type": "string", "enum": list(ANSWERS)}, {"type": "string"}, {"type": "null"}]},
    )
    call["anyOf"] = [{"required": [field]} for field in ("answer", "fails")]
    response["anyOf"] = [{"required": [field]} for field in ("payload", "payload_includes", "error")]
    call["allOf"] = []
    for operation, model in ANSWERS.items():
        described = operation_table()[operation]
        sent: JsonSchema = {"properties": dict.fromkeys((*described.required, *described.optional), True)}
        payload: JsonSchema = {"anyOf": [{**sent, "additionalProperties": False}, {"type": "null"}]}
        fields: JsonSchema = {"sent": payload, "sent_includes": payload, "answer": _or_null(model)}
        call["allOf"].append(_when("operation", operation, {"properties": fields}))


def _with_variables(schema: JsonSchemaValue) -> JsonSchemaValue:
    """The same schema, where a text with `${VARIABLE}` stands for any scalar."""
    made = {name: _each(name, value, _with_variables) for name, value in schema.items()}
    is_scalar = made.get("type") in ("integer", "number", "boolean", "string")
    if not is_scalar or not ({"enum", "pattern"} & made.keys() or made["type"] != "string"):
        return made
    outside: JsonSchemaValue = {name: made.pop(name) for name in _ANNOTATIONS if name in made}
    return {**outside, "anyOf": [made, dict(_VARIABLE)]}


def _each(keyword: str, value: JsonValue, change: Callable[[JsonSchemaValue], JsonSchemaValue]) -> JsonValue:
    """A keyword's value with every schema in it changed."""
    if keyword in _NO_SCHEMAS:
        return value
    if keyword == "properties" and isinstance(value, dict):
        return {field: _each("", inner, change) for field, inner in value.items()}
    if isinstance(value, dict):
        return change(value)
    return (
        [change(item) if isinstance(item, dict) else item for item in value] if isinstance(value, list) else value
    )
