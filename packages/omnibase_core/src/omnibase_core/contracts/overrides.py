"""Fields of handlers that environment variables override: `ONEX_HANDLER_<NAME>_<FIELD>`.

Off unless the entry says `env_overrides: true`. An override is put into the entry as if it were written there, so
it wins over `config_ref`, and is checked by the same rules; what is wrong with it is told at the entry.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from omnibase_core import suggest
from omnibase_core.contracts.bindings import ModelHandlerPolicies
from omnibase_core.contracts.findings import Refusal, Section, Severity, dotted
from omnibase_core.contracts.literals import looks_secret
from omnibase_core.contracts.operations import handler_type_of
from omnibase_core.contracts.reading import Loading
from omnibase_core.contracts.runtime_host import CONFIG_MODELS
from omnibase_core.contracts.source import Path, YamlValue
from omnibase_core.errors import shown
from omnibase_core.secret import ModelSecretRef

PREFIX: Final = "ONEX_HANDLER_"
_NOT_IN_A_NAME = re.compile(r"[^A-Z0-9]")
_OF_ENTRY: Final = ("enabled", "priority")


class _Field(NamedTuple):
    """A field that may be overridden: its path in the entry. why_not: the reason why it may not."""

    path: Path
    is_list: bool = False
    why_not: str | None = None


class _Owner(NamedTuple):
    """A handler's entry with what its variables begin with, and its fields by what follows."""

    entry: Section
    prefix: str
    allows: bool
    fields: Mapping[str, _Field]


def overridden(entries: list[Section], loading: Loading) -> list[Section]:
    """The entries with the overrides of the environment in them; problems go to the findings."""
    given = {name: text for name, text in (loading.environment or {}).items() if name.startswith(PREFIX) and text}
    owners = [_owner(entry) for entry in entries]
    for name in sorted(given):
        owners = _applied(name, given[name], owners, loading)
    return [owner.entry for owner in owners]


def variable_of(name: str, path: Path) -> str:
    """The variable of a field of the handler with this name; `config` is left out of the path."""
    inner = path[1:] if path[:1] == ("config",) else path
    return PREFIX + _upper("_".join([name, *map(str, inner)]))


def _upper(text: str) -> str:
    return _NOT_IN_A_NAME.sub("_", text.upper())


def _owner(entry: Section) -> _Owner:
    written = entry.mapping()
    handler_type = handler_type_of(written.get("type"))
    name = written.get("name") or written.get("type")
    models = [
        (ModelHandlerPolicies, ()),
        (None if handler_type is None else CONFIG_MODELS[handler_type], ("config",)),
    ]
    found = [
        *((_Field((field,))) for field in _OF_ENTRY),
        *(f for model, path in models for f in _fields(model, path)),
    ]
    prefix = f"{PREFIX}{_upper(str(name))}_"
    return _Owner(
        entry,
        prefix,
        written.get("env_overrides") in (True, "true"),
        {variable_of(str(name), field.path): field for field in found},
    )


def _fields(model: type[BaseModel] | None, path: Path) -> Iterator[_Field]:
    """The fields of a model, those of models inside it by themselves."""
    for name, info in ({} if model is None else model.model_fields).items():
        here, kinds = (*path, name), _kinds(info)
        inner = [kind for kind in kinds if issubclass(kind, BaseModel) and kind is not ModelSecretRef]
        if ModelSecretRef in kinds:
            yield _Field(here, why_not="is a secret field, and takes a secret_ref in the contract")
        elif dict in kinds:
            yield _Field(here, why_not="is a map, and stands in the contract")
        elif inner:
            yield from (field for each in inner for field in _fields(each, here))
        else:
            yield _Field(here, is_list=tuple in kinds)


def _kinds(info: FieldInfo) -> list[type]:
    """The classes that a field's values may have."""
    alternatives = [info.annotation, *get_args(info.annotation)]
    return [kind for each in alternatives if isinstance(kind := get_origin(each) or each, type)]


def _applied(name: str, text: str, owners: list[_Owner], loading: Loading) -> list[_Owner]:
    """The owners after one variable: the handler with the longest name that has such a field is meant."""
    meant = sorted((each for each in owners if name.startswith(each.prefix)), key=lambda each: -len(each.prefix))
    owner = next((each for each in meant if name in each.fields), meant[0] if meant else None)
    if owner is None:
        _stranger(name, owners, loading)
    elif not owner.allows:
        refusal = Refusal(
            f"Environment variable {name} is set, and this handler takes no overrides: it changes nothing",
            None,
            "Write `env_overrides: true` beside `config`, or unset the variable",
        )
        loading.findings.add(owner.entry.origin(("type",)), refusal, severity="warning")
    elif (field := owner.fields.get(name)) is None:
        refusal = Refusal(
            f"Environment variable {shown(name)} names no field of this handler",
            _meant(name, owner.fields),
            "Correct the name, or unset the variable",
        )
        severity: Severity = "warning" if loading.findings.lenient else "error"
        loading.findings.add(owner.entry.origin(("env_overrides",)), refusal, severity=severity)
    else:
        changed = owner._replace(entry=_put(owner.entry, name, text, field, loading))
        return [changed if each is owner else each for each in owners]
    return owners


def _stranger(name: str, owners: list[_Owner], loading: Loading) -> None:
    """Reports a variable of a handler that there is not; another host's, perhaps, so it ends nothing."""
    allowing = [each for each in owners if each.allows]
    if allowing:
        every = [variable for each in allowing for variable in each.fields]
        refusal = Refusal(
            f"Environment variable {shown(name)} names no handler of this contract: it changes nothing",
            _meant(name, every),
            "Correct the name, or unset the variable",
        )
        loading.findings.add(allowing[0].entry.origin(("env_overrides",)), refusal, severity="warning")


def _meant(name: str, known: Iterable[str]) -> str:
    near = suggest.closest(name, known)
    meant = f"Did you mean '{near}'? " if near else ""
    return f"{meant}A variable is {PREFIX}, the handler's name, _ and the field's"


def _put(entry: Section, name: str, text: str, field: _Field, loading: Loading) -> Section:
    """The entry with an override in it; the field then says which variable its text comes from."""
    origin = entry.origin(field.path)
    why_not = field.why_not
    if why_not is None and looks_secret(text):
        why_not = "takes no credential: that is a secret_ref in the contract"
    elif why_not is None and not text.isprintable():
        why_not = "takes printable text only"
    if why_not is not None:
        refusal = Refusal(
            f"Environment variable {name} overrides {dotted(origin.path)}, which {why_not}",
            None,
            "Unset the variable, and say it in the contract",
        )
        loading.findings.add(origin, refusal)
        return entry
    value: YamlValue = [part.strip() for part in text.split(",")] if field.is_list else text
    origin.file.unchecked.discard(origin.path)
    for path in [origin.path, *((*origin.path, i) for i in range(len(value) if isinstance(value, list) else 0))]:
        origin.file.variables[path] = (name,)
    return entry._replace(value=_with(entry.value, field.path, value))


def _with(inside: YamlValue, path: Path, value: YamlValue) -> YamlValue:
    """The value with another one at a path; something there that is no mapping is told elsewhere, and stays."""
    if not path:
        return value
    if not isinstance(inside, dict | None):
        return inside
    held = inside or {}
    return {**held, str(path[0]): _with(held.get(str(path[0])), path[1:], value)}


def is_override(variables: tuple[str, ...]) -> bool:
    """Whether a value comes from a variable that overrides it."""
    return variables[:1] != () and variables[0].startswith(PREFIX)
