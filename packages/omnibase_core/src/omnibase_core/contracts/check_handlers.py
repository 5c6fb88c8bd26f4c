"""Checks the `handlers` of a runtime contract: entries, config_ref files, configs by type, names."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from omnibase_core import suggest, urls
from omnibase_core.contracts.bindings import ModelHandlerBinding, ModelHandlerPolicies
from omnibase_core.contracts.check_http import check_http
from omnibase_core.contracts.check_vault import check_consul, check_vault
from omnibase_core.contracts.examine import LOCAL_REFUSED
from omnibase_core.contracts.findings import Findings, Origin, Refusal, Section
from omnibase_core.contracts.handler_config import ModelHandlerConfig
from omnibase_core.contracts.literals import is_reference
from omnibase_core.contracts.operations import CONTRACT_HANDLER_TYPES, handler_type_of
from omnibase_core.contracts.overrides import overridden
from omnibase_core.contracts.reading import Loading, beside
from omnibase_core.contracts.runtime_host import CONFIG_MODELS, ModelHandlerEntry
from omnibase_core.contracts.shape import check
from omnibase_core.contracts.source import YamlValue
from omnibase_core.enums import EnumHandlerType
from omnibase_core.errors import shown
from omnibase_core.secret import ModelSecretRef

MOVED_OUT_OF_CONFIG: Final = ("timeout_ms", "retry_policy")


class HandlerSlot(NamedTuple):
    """What nodes need to know of a handler, there even where the rest of its entry is wrong.

    based: whether paths may have a base_url to stand behind; True where that is not legible.
    origins: what an http handler may call; None where that is not legible.
    headers: names in lower case that an http handler sets itself.
    """

    type: EnumHandlerType
    name: str
    enabled: bool
    based: bool = True
    origins: frozenset[urls.Origin] | None = None
    headers: frozenset[str] = frozenset()


@dataclass
class CheckedHandlers:
    """The bindings in order of priority, and every handler that the contract names."""

    bindings: tuple[ModelHandlerBinding, ...]
    slots: tuple[HandlerSlot, ...]


def check_handlers(section: Section, loading: Loading) -> CheckedHandlers:
    """Checks the list. An empty one is a warning: only COMPUTE nodes could run."""
    entries = overridden(section.items(), loading)
    if section.value == []:
        loading.findings.add(
            section.origin(),
            Refusal(
                "No handlers are configured",
                "Only COMPUTE nodes can run without handlers",
                "Add the handlers that the nodes use",
            ),
            severity="warning",
            at_key=True,
        )
    bindings = [_check_entry(entry, loading) for entry in entries]
    _refuse_duplicates(entries, loading.findings)
    slots = [slot for entry in entries if (slot := _slot(entry)) is not None]
    ordered = sorted((binding for binding in bindings if binding is not None), key=lambda b: b.priority)
    return CheckedHandlers(tuple(ordered), tuple(slots))


def _slot(entry: Section) -> HandlerSlot | None:
    """A handler by what is legible of its entry; a misspelt type counts as the one that was meant."""
    fields = entry.mapping()
    written, name = fields.get("type"), fields.get("name")
    handler_type = handler_type_of(written)
    if handler_type is None and isinstance(written, str):
        near = suggest.closest(written, CONTRACT_HANDLER_TYPES)
        handler_type = None if near is None else EnumHandlerType(near)
    if handler_type is None:
        return None
    config, own = entry.child("config").mapping(), entry.child("config", "headers").mapping()
    return HandlerSlot(
        handler_type,
        name if isinstance(name, str) else handler_type.value,
        fields.get("enabled") is not False,
        based="config_ref" in fields or config.get("base_url") is not None,
        origins=None if "config_ref" in fields else _origins(entry.child("config")),
        headers=frozenset(header.lower() for header in own),
    )


def _origins(config: Section) -> frozenset[urls.Origin] | None:
    """What `base_url` and `allow` name; None where one of them is not known, or is wrong and told elsewhere."""
    base, listed = config.child("base_url"), config.child("allow").items()
    sections = listed if base.value is None else [base, *listed]
    if any(each.home.file.is_unchecked(each.home.path) for each in (config, config.child("allow"), *sections)):
        return None
    try:
        first = [] if base.value is None else [urls.parse_base(str(base.value)).origin]
        return frozenset([*first, *(urls.parse_origin(str(each.value)) for each in listed)])
    except urls.UrlError:
        return None


def _check_entry(entry: Section, loading: Loading) -> ModelHandlerBinding | None:
    handler_type = handler_type_of(entry.mapping().get("type"))
    if handler_type is EnumHandlerType.LOCAL and not loading.allow_local:
        loading.findings.add(entry.origin(("type",)), LOCAL_REFUSED)
    entry, config_section = effective(entry, loading)
    checked = check(ModelHandlerEntry, entry, loading.findings)
    config = _check_config(handler_type, config_section, loading.findings)
    if checked is None or config is None:
        return None
    policies = {name: getattr(checked, name) for name in ModelHandlerPolicies.model_fields}
    return ModelHandlerBinding(
        type=checked.type,
        name=checked.name or checked.type.value,
        enabled=checked.enabled,
        priority=checked.priority,
        config=config,
        **policies,
    )


def effective(entry: Section, loading: Loading) -> tuple[Section, Section]:
    """An entry and its config as they hold, each field with where it was written; `config_ref` is read."""
    return _with_deprecated_fields(entry, _with_config_ref(entry, loading), loading.findings)


def _with_config_ref(entry: Section, loading: Loading) -> Section:
    """The `config`, over the fields of the file that `config_ref` names; field by field, `config` wins."""
    inline, path = entry.child("config"), entry.mapping().get("config_ref")
    fallback = Section({} if inline.value is None else inline.value, inline.home)
    if not isinstance(path, str) or not path:
        return fallback
    at = entry.origin(("config_ref",))
    if at.file.is_unchecked(at.path):
        return fallback
    file = loading.open(beside(at.file.file, path), at=at, expands=True)
    if file is None or not isinstance(file.value, dict) or not isinstance(fallback.value, dict):
        return fallback
    if inline.value is None:
        return Section(file.value, Origin(file, ()))
    referred = {name: value for name, value in file.value.items() if name not in fallback.value}
    moved = {name: Origin(file, (name,)) for name in referred}
    return Section({**referred, **fallback.value}, inline.home, moved)


def _with_deprecated_fields(entry: Section, config: Section, findings: Findings) -> tuple[Section, Section]:
    """Policies that stand inside `config`, as old contracts have them, put where they belong."""
    entry_fields, fields = dict(entry.mapping()), dict(config.mapping())
    moved: dict[str, Origin] = {}
    for name in MOVED_OUT_OF_CONFIG:
        if name not in fields:
            continue
        origin = config.origin((name,))
        ignored = "; the one beside 'config' is used" if name in entry_fields else ""
        refusal = Refusal(
            f"'{name}' inside 'config' is deprecated{ignored}",
            "Policies stand beside 'config'",
            f"Move '{name}' out of 'config'",
        )
        findings.add(origin, refusal, at_key=True, severity="warning")
        value = fields.pop(name)
        if name not in entry_fields:
            entry_fields[name], moved[name] = value, origin
    if not moved and len(fields) == len(config.mapping()):
        return entry, config
    return Section(dict(entry_fields), entry.home, moved), Section(dict(fields), config.home, config.moved)


def _check_config(
    handler_type: EnumHandlerType | None, section: Section, findings: Findings
) -> ModelHandlerConfig | None:
    if handler_type is None or not isinstance(section.value, dict):
        return None
    config = check(CONFIG_MODELS[handler_type], section, findings)
    beyond = _BEYOND_TYPES.get(handler_type)
    if beyond is not None:
        beyond(section, findings)
    return config


def check_references(section: Section, findings: Findings) -> None:
    """Checks the form of every secret reference in a config that no model describes yet."""
    value: YamlValue = section.value
    if is_reference(value):
        check(ModelSecretRef, section, findings)
    elif isinstance(value, dict):
        for name in value:
            check_references(section.child(name), findings)
    for item in section.items():
        check_references(item, findings)


def _refuse_duplicates(entries: list[Section], findings: Findings) -> None:
    first: dict[str, Section] = {}
    for entry in entries:
        slot = _slot(entry)
        if slot is None:
            continue
        if slot.name not in first:
            first[slot.name] = entry
            continue
        written = "name" if "name" in entry.mapping() else "type"
        place = first[slot.name].origin()
        line = place.file.document.position(place.path).line
        findings.add(
            entry.origin((written,)),
            Refusal(
                f"Two handlers are named '{shown(slot.name)}'",
                f"The first is at line {line}; a handler without a name has its type's",
                "Remove one, or tell them apart with `name`",
            ),
        )


_BEYOND_TYPES: Final = {
    EnumHandlerType.HTTP: check_http,
    EnumHandlerType.VAULT: check_vault,
    EnumHandlerType.CONSUL: check_consul,
    EnumHandlerType.LOCAL: check_references,
}
