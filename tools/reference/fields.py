"""The fields of contract files as tables, from the schemas that editors complete with."""

from collections.abc import Iterator
from typing import Final, NamedTuple, get_args

from omnibase_core.contracts.editor import JsonSchema, editor_schema
from omnibase_core.contracts.schema import ContractKind

from tools.reference.takes import Config, anchor, code, default, example, or_null, taken, target_of

_HEAD: Final = """\
# Fields of contracts

<!-- written by: uv run python -m tools.reference -->

Every field of the contract files: what it takes, its default, what it means, an example. The page is written from
the models that the validator checks with, in the words that an editor shows ([schemas](authors.md#editors)). What
the fields are for, with whole contracts, is on [contracts](contracts.md); what a mistake in one is answered with,
on [refusals](refusals.md).

"text", "integer" and so on are what a field takes. A default of `null` means that the field may be left out.
Unknown fields are refused everywhere.
"""
_ABOUT: Final[dict[str, str]] = {
    "runtime": "In place of a number, of true or false, or of a name out of a list, a text with `${VARIABLE}`\n"
    "may stand ([variables](contracts.md#variables)).",
}


class Section(NamedTuple):
    """A model of a schema under the path at which it first stands."""

    path: str
    name: str
    schema: JsonSchema


def field_reference() -> str:
    """The page."""
    parts = [_HEAD]
    for kind in get_args(ContractKind):
        parts += _contract(kind)
    return "\n".join(parts)


def _contract(kind: ContractKind) -> Iterator[str]:
    schema = editor_schema(kind)
    sections = list(_sections(schema))
    headings = {section.name: _heading(kind, section.path) for section in sections}
    yield f"## {headings['']}\n"
    for section in sections:
        if section.path:
            yield f"### {headings[section.name]}\n"
        yield f"{section.schema['description']}\n"
        if not section.path and kind in _ABOUT:
            yield f"{_ABOUT[kind]}\n"
        yield "| field | takes | default | meaning | example |\n|---|---|---|---|---|"
        yield from _rows(section.schema, schema, headings)
        yield ""


def _heading(kind: ContractKind, path: str) -> str:
    """A path with the kind of contract before it, unless it begins with that anyway."""
    if not path:
        return f"{kind.capitalize()} contract"
    return path if path.partition(".")[0] == kind else f"{kind}: {path}"


def _rows(model: JsonSchema, schema: JsonSchema, headings: dict[str, str]) -> Iterator[str]:
    required = model.get("required", [])
    for name, field in _properties(model):
        if "deprecationMessage" in field:
            continue
        default_text = "required" if isinstance(required, list) and name in required else default(field)
        cells = [
            code(name),
            taken(
                field, {name: f"#{anchor(heading)}" for name, heading in headings.items()}, _configs(model, name)
            ),
            default_text,
            _meaning(field),
            code(example(field, schema)),
        ]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _meaning(field: JsonSchema) -> str:
    said = str(field["description"])
    values, meanings = or_null(field).get("enum"), field.get("enumDescriptions")
    if isinstance(values, list) and isinstance(meanings, list):
        pairs = zip(values, meanings, strict=True)
        said = ". ".join([said, *(f"{code(value)}: {meaning}" for value, meaning in pairs)])
    return said


def _sections(schema: JsonSchema) -> Iterator[Section]:
    """The models in the order in which a reader meets them, each once, where it first stands."""
    definitions = schema["definitions"]
    assert isinstance(definitions, dict)
    pending, met = [Section("", "", schema)], {""}
    while pending:
        section = pending.pop(0)
        yield section
        found = []
        for step, name in _inner(section.schema):
            model = definitions[name]
            if name not in met and isinstance(model, dict):
                met.add(name)
                found.append(Section(f"{section.path}.{step}".strip("."), name, model))
        pending = [*found, *pending]


def _inner(model: JsonSchema) -> Iterator[tuple[str, str]]:
    """The models that a model's fields hold, with the step that leads to each."""
    for field, inner in _properties(model):
        for config in _configs(model, field):
            yield f"{field} of {config.value}", config.model
        for step, target in target_of(inner):
            yield f"{field}{step}", target


def _configs(model: JsonSchema, field: str) -> list[Config]:
    """The models that a field has by the value of another one: `config` by `type`."""
    found = []
    rules = model.get("allOf", [])
    for rule in rules if isinstance(rules, list) else []:
        assert isinstance(rule, dict)
        condition, then = rule.get("if"), rule.get("then")
        if not isinstance(condition, dict) or not isinstance(then, dict):
            continue
        for inner in [dict(_properties(then)).get(field, {})]:
            deciding = [(name, str(inner["const"])) for name, inner in _properties(condition)]
            found += [Config(value, name, by) for by, value in deciding for _, name in target_of(inner)]
    return found


def _properties(model: JsonSchema) -> list[tuple[str, JsonSchema]]:
    properties = model.get("properties", {})
    assert isinstance(properties, dict)
    return [(name, field) for name, field in properties.items() if isinstance(field, dict)]
