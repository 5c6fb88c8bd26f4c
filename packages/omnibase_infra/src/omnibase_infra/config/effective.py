"""The effective values of handler bindings, each with where it comes from. It reads the contract's files."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from omnibase_core.contracts.bindings import ModelHandlerPolicies, default_on_open
from omnibase_core.contracts.check_handlers import effective
from omnibase_core.contracts.findings import Findings, Origin, Section, holds, value_at
from omnibase_core.contracts.operations import handler_type_of
from omnibase_core.contracts.overrides import is_override, overridden
from omnibase_core.contracts.reading import Loading
from omnibase_core.contracts.runtime_host import CONFIG_MODELS
from omnibase_core.contracts.source import Path
from omnibase_core.enums import EnumHandlerType
from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_core import to_jsonable_python

from omnibase_infra.config.files import read_contract_file


class ModelConfigValue(BaseModel):
    """One effective value of a handler binding and where it comes from.

    source: `contract`, `config_ref` (file, line and column say where), `environment` (a variable overrides what is
    written) or `default`. variables: those that the text was made from. unset: one of them has no value, and the
    text stands as it was written.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    field: str
    value: JsonValue
    source: Literal["contract", "config_ref", "environment", "default"]
    file: str | None
    line: int | None
    column: int | None
    variables: tuple[str, ...]
    unset: bool


class ModelHandlerValues(BaseModel):
    """Every effective value of a handler binding: policies first, then its config."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    handler: str
    type: EnumHandlerType
    values: tuple[ModelConfigValue, ...]


def effective_values(path: str, environment: Mapping[str, str]) -> list[ModelHandlerValues]:
    """The values of each handler of a sound contract, in the contract's order."""
    loading = Loading(read_contract_file, environment, Findings(), tolerant=True)
    file = loading.open(path, expands=True)
    if file is None:
        return []
    runtime = Section(file.value, Origin(file, ())).child("runtime")
    on_open = default_on_open(str(runtime.child("event_bus", "kind").value))
    entries = overridden(runtime.child("handlers").items(), loading)
    return [_values(entry, handler_type, on_open, loading) for entry, handler_type in _known(entries)]


def _known(entries: Iterable[Section]) -> Iterator[tuple[Section, EnumHandlerType]]:
    for entry in entries:
        handler_type = handler_type_of(entry.mapping().get("type"))
        if handler_type is not None:
            yield entry, handler_type


def _values(written: Section, handler_type: EnumHandlerType, on_open: str, loading: Loading) -> ModelHandlerValues:
    entry, config = effective(written, loading)
    contract = written.home.file.file
    values = [
        *_fields(entry, {"enabled": True, "priority": 0, "env_overrides": False}, (), contract),
        *_fields(entry, {**_defaults(ModelHandlerPolicies), "on_open": on_open}, (), contract),
        *_fields(config, {**_defaults(CONFIG_MODELS[handler_type]), **_further(config)}, (), contract),
    ]
    name = entry.mapping().get("name")
    return ModelHandlerValues(handler=str(name or handler_type), type=handler_type, values=tuple(values))


def _defaults(model: type[BaseModel]) -> dict[str, object]:
    """The fields of a model with their defaults; a required one, which is always written, with None."""
    return {
        name: None if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
    }


def _further(config: Section) -> dict[str, object]:
    """What is written in a config: a type whose model is open takes fields that the model does not name."""
    return dict.fromkeys(config.mapping())


def _fields(
    section: Section, defaults: Mapping[str, object], path: Path, contract: str
) -> Iterator[ModelConfigValue]:
    for name, default in defaults.items():
        here = (*path, name)
        if isinstance(default, BaseModel):
            yield from _fields(section, dict(default), here, contract)
        elif _is_written(section, here):
            yield _written(section, here, contract)
        else:
            yield _default(here, default)


def _is_written(section: Section, path: Path) -> bool:
    return holds(value_at(section.value, path[:-1]), path[-1])


def _written(section: Section, path: Path, contract: str) -> ModelConfigValue:
    origin = section.origin(path)
    document = origin.file.document
    place = document.position(origin.path)
    unset = origin.file.is_unchecked(origin.path)
    variables = origin.file.variables.get(origin.path, ())
    value = ModelConfigValue(
        field=_named(path),
        value=value_at(document.value if unset else section.value, origin.path if unset else path),
        source="contract" if origin.file.file == contract else "config_ref",
        file=origin.file.file,
        line=place.line,
        column=place.column,
        variables=variables,
        unset=unset,
    )
    if is_override(variables):
        return value.model_copy(update={"source": "environment", "file": None, "line": None, "column": None})
    return value


def _default(path: Path, value: object) -> ModelConfigValue:
    shown: JsonValue = to_jsonable_python(value)
    return ModelConfigValue(
        field=_named(path),
        value=shown,
        source="default",
        file=None,
        line=None,
        column=None,
        variables=(),
        unset=False,
    )


def _named(path: Path) -> str:
    return ".".join(str(part) for part in path)
