"""Two versions of a node contract: what changes for those who call it, answer it and run it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from omnibase_core import urls
from omnibase_core.contracts.changes import (
    Audience,
    Change,
    Finding,
    Rule,
    Verdict,
    breaks,
    field_changes,
    note,
    of_field,
    ranked,
    worded,
)
from omnibase_core.contracts.compare_models import Direction, FieldChange, compare_records
from omnibase_core.contracts.fields import ModelDeclaredModel
from omnibase_core.contracts.node import ModelIoOperation, ModelNodeContract
from omnibase_core.contracts.source import Path
from omnibase_core.enums import EnumHandlerType

_COMPARED_APART: Final = frozenset({"input_model", "output_model", "models", "io_operations", "dependencies"})
_PROSE: Final = frozenset({"description"})

NODE_RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "name": breaks("callers", "requests to the old slug find no node"),
        "node_type": breaks("callers", "a COMPUTE node takes no operation, an EFFECT node has operations"),
        "let": note("callers", "what the node gives may change"),
        "transform": note("callers", "what the node gives may change"),
        "on_failure": ranked("operators", ("answer", "dead_letter"), "failures are no longer dead-lettered"),
    }
)
_ROWS: Final = ("one", "optional", "many")


def _judge_expect(old: object, new: object) -> tuple[Verdict, str]:
    """Breaking where a result that was expected before is a failure now."""
    worse = new is not None and new != "many"
    if isinstance(old, dict) and new is None:
        return _judge_expect(old.get("status", []), None)
    if isinstance(old, list):
        kept = new if isinstance(new, list) else range(200, 300)
        worse = any(status not in kept for status in old)
    elif old in _ROWS and new in _ROWS:
        worse = _ROWS.index(str(new)) < _ROWS.index(str(old))
    said = "results that were expected are failures now" if worse else "no more results are failures"
    return "breaking" if worse else "compatible", f"{worded(old)} -> {worded(new)}: {said}"


ENTRY_RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "handler": note("operators", "another handler binding performs it"),
        "target": note("operators", "what the operation is meant for"),
        "let": note("responders", "what is asked for may change"),
        "request": note("responders", "what is asked for changes"),
        "expect": Rule("callers", _judge_expect),
        "response": note("callers", "what the node gives may change"),
    }
)


def compare_nodes(old: ModelNodeContract, new: ModelNodeContract) -> Iterator[Finding]:
    """Every change between two node contracts; descriptions are none."""
    before, after = (_fields(contract) for contract in (old, new))
    for difference in field_changes(before, after, NODE_RULES, note("operators")):
        yield of_field(difference, difference.name, (), ())
    yield from _compare_models(old, new, "input")
    yield from _compare_models(old, new, "output")
    yield from _compare_further_models(old, new)
    yield from _compare_operations(old, new)
    yield from _compare_dependencies(old, new)


def _fields(contract: ModelNodeContract) -> Mapping[str, object]:
    left_out = _COMPARED_APART | _PROSE
    return {name: getattr(contract, name) for name in ModelNodeContract.model_fields if name not in left_out}


def _compare_models(old: ModelNodeContract, new: ModelNodeContract, direction: Direction) -> Iterator[Finding]:
    before, after = (contract.input if direction == "input" else contract.output for contract in (old, new))
    if before.name != after.name:
        path = (f"{direction}_model", "name")
        message = f"{before.name} -> {after.name}: the model is renamed"
        yield Finding(f"{direction}_model", "changed", "compatible", "operators", message, path, path)
    for change in compare_records(before.record, after.record, direction):
        yield _field_finding(change, old, new)


def _compare_further_models(old: ModelNodeContract, new: ModelNodeContract) -> Iterator[Finding]:
    """Names that came and went, which nobody sees on the wire, and what changed where no field refers to it."""
    before, after = ({model.name: index for index, model in enumerate(side.models)} for side in (old, new))
    used = {*old.input.record.records, *old.output.record.records} & {
        *new.input.record.records,
        *new.output.record.records,
    }
    for name in sorted(before.keys() | after.keys()):
        was, now = (("models", side[name]) if name in side else None for side in (before, after))
        if was is None or now is None:
            change: Change = "removed" if now is None else "added"
            yield Finding(f"model {name}", change, "compatible", "operators", "a name of the contract", was, now)
        elif name not in used and old.models[was[1]].fields != new.models[now[1]].fields:
            message = "no field of the input or output refers to it"
            yield Finding(f"model {name}", "changed", "compatible", "operators", message, was, now)


def _field_finding(change: FieldChange, old: ModelNodeContract, new: ModelNodeContract) -> Finding:
    return Finding(
        change.path,
        change.change,
        change.verdict,
        "callers",
        change.message,
        None if change.old is None else _field_path(old, *change.old),
        None if change.new is None else _field_path(new, *change.new),
    )


def _field_path(contract: ModelNodeContract, model: str, field: str) -> Path:
    further: list[tuple[Path, ModelDeclaredModel]] = [
        (("models", index), declared) for index, declared in enumerate(contract.models)
    ]
    every = [(("input_model",), contract.input_model), (("output_model",), contract.output_model), *further]
    path, declared = next((path, declared) for path, declared in every if declared.name == model)
    return (*path, "fields", [declared_field.name for declared_field in declared.fields].index(field))


Entry = tuple[int, ModelIoOperation]


def _compare_operations(old: ModelNodeContract, new: ModelNodeContract) -> Iterator[Finding]:
    before, after = _by_operation(old), _by_operation(new)
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        subject = f"operation {name}"
        if was is None and now is not None:
            yield Finding(subject, "added", *_added(before), None, _entry_path(now))
        elif now is None and was is not None:
            message = "operation removed: requests for it are refused"
            yield Finding(subject, "removed", "breaking", "callers", message, _entry_path(was), None)
        elif was is not None and now is not None:
            yield from _compare_entries(subject, was, now)


def _by_operation(contract: ModelNodeContract) -> dict[str, Entry]:
    return {
        name: (index, entry) for index, entry in enumerate(contract.io_operations) for name in entry.operations
    }


def _added(before: Mapping[str, Entry]) -> tuple[Verdict, Audience, str]:
    if len(before) == 1:
        return "breaking", "callers", "a second operation: requests that name none are refused from now on"
    return "compatible", "callers", "new operation"


def _compare_entries(subject: str, was: Entry, now: Entry) -> Iterator[Finding]:
    left_out = {"type", "operations"}
    before, after = (
        {name: getattr(entry, name) for name in ModelIoOperation.model_fields if name not in left_out}
        for _, entry in (was, now)
    )
    rules = dict(ENTRY_RULES)
    if was[1].type is EnumHandlerType.HTTP and now[1].request is None:
        rules["target"] = _HTTP_TARGET
    for difference in field_changes(before, after, rules, note("responders")):
        yield of_field(difference, f"{subject} {difference.name}", _entry_path(was), _entry_path(now))


def _entry_path(entry: Entry) -> Path:
    return ("io_operations", entry[0])


def _judge_target(old: object, new: object) -> tuple[Verdict, str]:
    if new is None:
        return "compatible", f"{old} -> any URL that its handler allows"
    if old is not None and urls.within(str(new), str(old)):
        return "compatible", f"{old} -> {new}: wider"
    return "breaking", f"{old or 'any URL'} -> {new}: requests for URLs outside of it are refused"


_HTTP_TARGET: Final = Rule("callers", _judge_target)


def _compare_dependencies(old: ModelNodeContract, new: ModelNodeContract) -> Iterator[Finding]:
    for slug in sorted({*old.dependencies} ^ {*new.dependencies}):
        subject = f"dependency {slug}"
        if slug in new.dependencies:
            at: Path = ("dependencies", new.dependencies.index(slug))
            message = "the same runtime contract must have that node"
            yield Finding(subject, "added", "compatible", "operators", message, None, at)
        else:
            at = ("dependencies", old.dependencies.index(slug))
            yield Finding(subject, "removed", "compatible", "operators", "no longer needed", at, None)
