"""One field of a JSON Schema in words: what it takes, its default, an example."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import yaml
from omnibase_core.contracts.editor import JsonSchema
from pydantic import JsonValue

_VARIABLE: Final = r"\$\{"
_WORDS: Final[Mapping[str, str]] = {"string": "text", "boolean": "true or false", "object": "map of any"}


class Config(NamedTuple):
    """A model that a field has where another field, `by`, has this value."""

    value: str
    model: str
    by: str


def anchor(heading: str) -> str:
    """The name of a heading in a link, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def code(value: JsonValue) -> str:
    """A value as it is written in YAML, in back-ticks."""
    is_plain = isinstance(value, str) and yaml.safe_load(value) == value
    return f"`{value if is_plain else json.dumps(value, ensure_ascii=False)}`"


def or_null(schema: JsonSchema) -> JsonSchema:
    """The schema without the alternatives of null and of `${VARIABLE}`, where one is left then."""
    others = [inner for inner in _alternatives(schema) if not _is_aside(inner)]
    return or_null(others[0]) if len(others) == 1 and others[0] is not schema else schema


def _is_aside(schema: JsonSchema) -> bool:
    return schema.get("type") == "null" or schema.get("pattern") == _VARIABLE


def _alternatives(schema: JsonSchema) -> Sequence[JsonSchema]:
    for keyword in ("anyOf", "allOf"):
        inner = schema.get(keyword)
        if isinstance(inner, list):
            return [one for one in inner if isinstance(one, dict)]
    return [schema]


def takes_null(schema: JsonSchema) -> bool:
    """Whether null is one of the alternatives; a schema that says nothing takes it too."""
    said = {"type", "enum", "anyOf", "allOf", "$ref", "const"} & schema.keys()
    return (
        not said
        or schema.get("type") == "null"
        or any(takes_null(inner) for inner in _alternatives(schema) if inner is not schema)
    )


def target_of(schema: JsonSchema) -> Iterator[tuple[str, str]]:
    """The models that a value may hold, with `[]` for each list and `.*` for each map on the way."""
    if isinstance(schema.get("$ref"), str):
        yield "", str(schema["$ref"]).rpartition("/")[2]
    for keyword, step in (("items", "[]"), ("additionalProperties", ".*")):
        inner = schema.get(keyword)
        if isinstance(inner, dict):
            yield from ((f"{step}{rest}", name) for rest, name in target_of(inner))
    for inner in _alternatives(schema):
        if inner is not schema:
            yield from target_of(inner)


def taken(schema: JsonSchema, links: Mapping[str, str], configs: Sequence[Config] = ()) -> str:
    """What a field takes; models are links."""
    if configs:
        listed = " or ".join(f"[{config.value}]({links[config.model]})" for config in configs)
        return f"{listed}, by `{configs[0].by}`"
    only = or_null(schema)
    if isinstance(only.get("$ref"), str):
        name = str(only["$ref"]).rpartition("/")[2]
        words = " ".join(re.findall("[A-Z][a-z]+", name)[1:]).lower()
        return f"[{words}]({links[name]})"
    if isinstance(only.get("enum"), list):
        return ", ".join(code(value) for value in list(only["enum"]))  # type: ignore[arg-type]  # it is a list
    others = [inner for inner in _alternatives(only) if not _is_aside(inner)]
    if len(others) > 1:
        return " or ".join(dict.fromkeys(taken(inner, links) for inner in others))
    return _plain(only, links)


def _plain(schema: JsonSchema, links: Mapping[str, str]) -> str:
    kind = str(schema.get("type", "any"))
    items, values = schema.get("items"), schema.get("additionalProperties")
    if kind == "array":
        return f"list of {taken(items, links)}" if isinstance(items, dict) else "list"
    if kind == "object" and isinstance(values, dict) and values:
        return f"map of {taken(values, links)}"
    if kind in ("integer", "number"):
        return _number(kind, schema)
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        return f"text `{pattern.removeprefix('^').removesuffix('$')}`"
    return _WORDS.get(kind, kind)


def _number(kind: str, schema: JsonSchema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if kind == "integer":
        least = above + 1 if isinstance(above, int) else least
        most = below - 1 if isinstance(below, int) else most
    elif above is not None:
        return f"{kind} above {above}"
    if least is None:
        return kind
    return f"{kind}, {least} to {most}" if most is not None else f"{kind}, {least} or more"


def default(schema: JsonSchema) -> str:
    """The default of a field that is not required."""
    if "default" in schema:
        return code(schema["default"])
    if takes_null(schema):
        return "`null`"
    return "`{}`" if or_null(schema).get("type") == "object" else "its own"


def example(schema: JsonSchema, root: JsonSchema) -> JsonValue:
    """The first example of a field, or one that is made of its parts."""
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        return examples[0]
    only = or_null(schema)
    values = only.get("enum")
    if isinstance(values, list) and values:
        return next((value for value in values if value != schema.get("default")), values[0])
    if only.get("type") == "boolean":
        return schema.get("default") is not True
    name = str(only.get("$ref", "")).rpartition("/")[2]
    if name:
        return _whole(name, root)
    items = only.get("items")
    if isinstance(items, dict):
        return [example(items, root)]
    return schema.get("default", {})


def _whole(name: str, root: JsonSchema) -> JsonValue:
    """A model with the fields that it requires, or else with its first."""
    definitions = root["definitions"]
    assert isinstance(definitions, dict)
    model = definitions[name]
    assert isinstance(model, dict)
    properties, required = model["properties"], model.get("required")
    assert isinstance(properties, dict)
    names = required if isinstance(required, list) and required else list(properties)[:1]
    made: dict[str, JsonValue] = {}
    for field in map(str, names):
        inner = properties[field]
        assert isinstance(inner, dict)
        made[field] = example(inner, root)
    return made
