"""Two versions of a runtime contract: its bus, handlers and nodes, and what a host of it needs to start."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelEventBusLimits, ModelHandlerBinding
from omnibase_core.contracts.changes import (
    Audience,
    Finding,
    Rule,
    Verdict,
    breaks,
    field_changes,
    lowered,
    note,
    of_field,
    ranked,
    worded,
)
from omnibase_core.contracts.expand import expand
from omnibase_core.contracts.findings import value_at
from omnibase_core.contracts.literals import is_reference
from omnibase_core.contracts.runtime_host import ModelNodeEntry, ModelRuntimeHostContract
from omnibase_core.contracts.source import Path, YamlDocument, YamlValue
from omnibase_core.enums import EnumHandlerType
from omnibase_core.paths import is_below

_BUS: Final = ("runtime", "event_bus")
_HANDLERS: Final = ("runtime", "handlers")
_NODES: Final = ("runtime", "nodes")
_START: Final = note("operators")

BUS_RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "kind": breaks("operators", "another bus carries the envelopes"),
        "max_envelope_bytes": lowered("callers", "larger envelopes are refused"),
        "ordering": ranked("callers", ("none", "key", "partition"), "a weaker order"),
        "consumer_group": breaks("operators", "a new group has no offsets of its own"),
        "bootstrap_servers": breaks("operators", "another cluster"),
    }
)
TOPIC_RULES: Final[Mapping[str, Sequence[Rule]]] = MappingProxyType(
    {
        "input": (
            breaks("callers", "requests to the old topic are not read"),
            breaks("operators", "the topic must exist, with its permissions"),
        ),
        "output": (
            breaks("callers", "responses go to another topic"),
            breaks("operators", "the topic must exist, with its permissions"),
        ),
        "dead_letter": (breaks("operators", "dead letters go elsewhere, or nowhere"),),
    }
)


def _judge_base_url(old: object, new: object) -> tuple[Verdict, str]:
    return "breaking", f"{worded(old)} -> {worded(new)}: another address gets the relative urls"


def _judge_allow(old: object, new: object) -> tuple[Verdict, str]:
    before, after = (set(side) if isinstance(side, list | tuple) else set() for side in (old, new))
    lost = sorted(before - after)
    if lost:
        return "breaking", f"no longer allowed: {', '.join(lost)}"
    return "compatible", f"allowed now: {', '.join(sorted(after - before)) or 'the same'}"


def _judge_paths(old: object, new: object) -> tuple[Verdict, str]:
    """Of `allow` of a vault handler, which allows everything where it is empty."""
    before, after = (
        [tuple(str(each).split("/")) for each in side] if isinstance(side, list | tuple) else []
        for side in (old, new)
    )
    if not after:
        return "compatible", "every path is allowed now"
    lost = [path for path in before if not is_below(path, after)]
    if lost or not before:
        return "breaking", f"no longer allowed: {', '.join('/'.join(path) for path in lost) or 'every path'}"
    return "compatible", "more paths, or the same"


HANDLER_RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "type": breaks("responders", "another kind of server is called"),
        "base_url": Rule("responders", _judge_base_url),
        "address": breaks("responders", "another server is called"),
        "mount": breaks("responders", "other secrets are meant"),
        "allow": Rule("callers", _judge_allow),
        "idempotency_key": ranked("responders", (False, True), "writes carry no Idempotency-Key any more"),
        "idempotency": breaks("operators", "an inbox needs its table; without one, what comes twice counts twice"),
        "inbox_table": breaks("operators", "the other table must exist, and does not know earlier requests"),
        "inbox_retention_hours": lowered("responders", "a request that comes again later takes effect again"),
        "max_response_bytes": lowered("callers", "larger responses become errors"),
        "max_rows": lowered("callers", "results of more rows become errors"),
        "timeout_ms": note("operators", "how long an attempt may take"),
        "dsn": note("operators", "another secret holds the address"),
        "headers": note("responders", "they are sent to base_url's origin"),
    }
)


def compare_runtimes(
    old: ModelRuntimeHostContract,
    new: ModelRuntimeHostContract,
    old_file: YamlDocument,
    new_file: YamlDocument,
) -> Iterator[Finding]:
    """Every change between two runtime contracts but those of their nodes' contracts.

    The documents are the contracts' files, in which the changes are looked up.
    """
    for name in ("name", "version", "schema_version"):
        before, after = getattr(old, name), getattr(new, name)
        path: Path = (name,) if name == "schema_version" else ("runtime", name)
        if before != after:
            yield Finding(name, "changed", "compatible", "operators", f"{before} -> {after}", path, path)
    yield from _compare_buses(old.event_bus, new.event_bus)
    yield from _compare_handlers(old, new, old_file.value, new_file.value)
    secrets: Path = ("runtime", "secrets")
    for difference in field_changes(
        old.secrets.model_dump(mode="json"), new.secrets.model_dump(mode="json"), {}, _START
    ):
        yield of_field(difference, f"secrets {difference.name}", secrets, secrets)
    registration: Path = ("runtime", "registration")
    was, now = (
        {} if each is None else each.model_dump(mode="json") for each in (old.registration, new.registration)
    )
    for difference in field_changes(was, now, {}, _START):
        yield of_field(difference, f"registration {difference.name}", registration, registration)
    yield from _compare_entries(old.nodes, new.nodes, old_file.value, new_file.value)
    yield from _compare_needs(old_file.value, new_file.value)


def _compare_buses(old: ModelEventBusBinding, new: ModelEventBusBinding) -> Iterator[Finding]:
    if old.kind != new.kind:
        rule = BUS_RULES["kind"]
        path: Path = (*_BUS, "kind")
        yield Finding("event_bus kind", "changed", *_judged(rule, old.kind, new.kind), path, path)
    before, after = (
        {**_limits(bus), **bus.options.model_dump(mode="json", exclude_none=True)} for bus in (old, new)
    )
    for difference in field_changes(before, after, BUS_RULES, _START):
        path = (*_BUS, "config")
        yield of_field(difference, f"event_bus {difference.name}", path, path)
    for name, rules in TOPIC_RULES.items():
        was, now = getattr(old.topics, name), getattr(new.topics, name)
        if was != now:
            path = (*_BUS, "config", "topics", name)
            yield from _topic(name, was, now, rules, path)


def _topic(name: str, was: object, now: object, rules: Sequence[Rule], path: Path) -> Iterator[Finding]:
    subject = f"topic {name}"
    if was is None:
        yield Finding(subject, "added", "compatible", "operators", f"new topic {now}", None, path)
    elif now is None:
        message = f"{was} removed: what is no envelope is only logged"
        yield Finding(subject, "removed", "breaking", "operators", message, path, None)
    else:
        for rule in rules:
            yield Finding(subject, "changed", *_judged(rule, was, now), path, path)


def _judged(rule: Rule, old: object, new: object) -> tuple[Verdict, Audience, str]:
    verdict, message = rule.judge(old, new)
    return verdict, rule.affects, message


def _limits(bus: ModelEventBusBinding) -> dict[str, object]:
    return {name: getattr(bus, name) for name in ModelEventBusLimits.model_fields}


def _compare_handlers(
    old: ModelRuntimeHostContract, new: ModelRuntimeHostContract, old_value: YamlValue, new_value: YamlValue
) -> Iterator[Finding]:
    before = {binding.name: binding for binding in old.handlers}
    after = {binding.name: binding for binding in new.handlers}
    old_at, new_at = (_indexes(value, _HANDLERS, ("name", "type")) for value in (old_value, new_value))
    for name in sorted(before.keys() | after.keys()):
        subject = f"handler {name}"
        if name not in before:
            yield _whole(subject, "added", "operators", "new handler", (*_HANDLERS, new_at[name]))
        elif name not in after:
            yield _whole(subject, "removed", "operators", "no node can use it", (*_HANDLERS, old_at[name]))
        else:
            flat = _nested(before[name]), _nested(after[name])
            of_paths = (
                {"allow": Rule("callers", _judge_paths)} if after[name].type is EnumHandlerType.VAULT else {}
            )
            for difference in field_changes(*flat, {**HANDLER_RULES, **of_paths}, _START):
                inside: Path = () if difference.path[0] in ModelHandlerBinding.model_fields else ("config",)
                paths = (*_HANDLERS, old_at[name], *inside), (*_HANDLERS, new_at[name], *inside)
                yield of_field(difference, f"{subject} {difference.name}", *paths)


def _compare_entries(
    old: Sequence[ModelNodeEntry], new: Sequence[ModelNodeEntry], old_value: YamlValue, new_value: YamlValue
) -> Iterator[Finding]:
    before, after = ({entry.slug: entry for entry in side} for side in (old, new))
    old_at, new_at = (_indexes(value, _NODES, ("slug",)) for value in (old_value, new_value))
    for slug in sorted(before.keys() | after.keys()):
        subject = f"node {slug}"
        if slug not in before:
            yield _whole(subject, "added", "callers", "new node", (*_NODES, new_at[slug]))
        elif slug not in after:
            path = (*_NODES, old_at[slug])
            yield Finding(subject, "removed", "breaking", "callers", "requests to it find no node", path, None)
        else:
            own = before[slug].model_dump(exclude_unset=True), after[slug].model_dump(exclude_unset=True)
            for difference in field_changes(*own, {}, _START):
                paths = (*_NODES, old_at[slug]), (*_NODES, new_at[slug])
                yield of_field(difference, f"{subject} {difference.name}", *paths)


def _whole(
    subject: str, change: Literal["added", "removed"], affects: Audience, message: str, path: Path
) -> Finding:
    """A part that came or went and breaks nobody by that."""
    places = (None, path) if change == "added" else (path, None)
    return Finding(subject, change, "compatible", affects, message, *places)


def _indexes(value: YamlValue, path: Path, names: Sequence[str]) -> dict[str, int]:
    """Where the entries of a list stand, by the first of `names` that they have."""
    entries = value_at(value, path)
    found: dict[str, int] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        written = next((entry[name] for name in names if isinstance(entry, dict) and entry.get(name)), None)
        found.setdefault(str(written), index)
    return found


def _nested(binding: ModelHandlerBinding) -> dict[str, object]:
    """The fields of a binding and of its config beside each other: no name is one of both."""
    return {**binding.model_dump(mode="json", exclude={"config"}), **binding.config.model_dump(mode="json")}


def _compare_needs(old: YamlValue, new: YamlValue) -> Iterator[Finding]:
    """What must be there before a host starts: variables without a default, and secrets."""
    before, after = dict(_needs(old, ())), dict(_needs(new, ()))
    for subject in sorted(before.keys() ^ after.keys()):
        if subject in after:
            message = "it must be there before the host starts"
            yield Finding(subject, "added", "breaking", "operators", message, None, after[subject])
        else:
            message = "no longer needed"
            yield Finding(subject, "removed", "compatible", "operators", message, before[subject], None)


def _needs(value: YamlValue, path: Path) -> Iterator[tuple[str, Path]]:
    """Each need with the place that names it, the first place last, so that it counts."""
    if isinstance(value, str):
        yield from ((f"variable {name}", path) for name in expand(value, {}).unset)
    elif is_reference(value):
        yield f"secret {value_at(value, ('secret_ref',))}", path
    elif isinstance(value, dict):
        for key in reversed(value):
            yield from _needs(value[key], (*path, key))
    elif isinstance(value, list):
        for index in reversed(range(len(value))):
            yield from _needs(value[index], (*path, index))
