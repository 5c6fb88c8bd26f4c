"""Values that fit a node's input model, for its first call. Imported within commands only."""

import json
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from omnibase_core.contracts.declared import ModelDeclaredModel, ModelField
from omnibase_core.contracts.node import ModelNodeContract
from pydantic import JsonValue

_SCALARS: Final[Mapping[str, JsonValue]] = MappingProxyType(
    {
        "string": "text",
        "boolean": True,
        "integer": 1,
        "number": 1.5,
        "decimal": "9.90",
        "uuid": "00000000-0000-4000-8000-000000000001",
        "date": "2026-01-31",
        "datetime": "2026-01-31T12:00:00Z",
        "object": {},
        "any": "anything",
    }
)
_DEEPEST: Final = 4


def sample_values(node: ModelNodeContract) -> dict[str, str]:
    """For each field that the node cannot do without, a value as `onex-host call` takes it."""
    models = {model.name: model for model in (*node.models, node.output_model, node.input_model)}
    return {
        field.name: typed(_sample(field.type, models, 0)) for field in node.input_model.fields if is_needed(field)
    }


def is_needed(field: ModelField) -> bool:
    """Whether a payload must have the field: it has no default."""
    return field.required and "default" not in field.model_fields_set


def typed(value: JsonValue) -> str:
    """A value as it is typed: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def call_command(contract: str, node: ModelNodeContract, *options: str) -> str:
    """A call of the node that its input model takes, ready for a shell."""
    values = [f"{name}={value}" for name, value in sample_values(node).items()]
    return shlex.join(["onex-host", "call", contract, node.name, *values, *options])


def _sample(declared: str, models: Mapping[str, ModelDeclaredModel], depth: int) -> JsonValue:
    outer, _, inner = declared.partition("[")
    if depth >= _DEEPEST:
        return None
    if outer == "list":
        return [_sample(inner[:-1], models, depth + 1)]
    if outer == "map":
        return {"name": _sample(inner[:-1], models, depth + 1)}
    if declared in models:
        fields = models[declared].fields
        return {each.name: _sample(each.type, models, depth + 1) for each in fields if is_needed(each)}
    return _SCALARS.get(declared)
