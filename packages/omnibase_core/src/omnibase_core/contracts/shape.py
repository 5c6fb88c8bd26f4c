"""Checks one section of a contract against its model, and says in people's words what does not fit.

Checking goes on after what can be repaired: texts made from variables are converted to the field's type,
unknown fields and values that are not known are left out. So one run finds everything.
"""

import json
from collections.abc import Iterator
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from omnibase_core import suggest
from omnibase_core.contracts.findings import Findings, Origin, Refusal, Section, dotted, holds, value_at
from omnibase_core.contracts.rules import REFUSED
from omnibase_core.contracts.scalars import UnrepresentableNumberError, resolve
from omnibase_core.contracts.source import Path, YamlValue
from omnibase_core.contracts.wording import WANTED, Fault, refusal_of
from omnibase_core.errors import shown

M = TypeVar("M", bound=BaseModel)

_CONVERTIBLE = {"int_type": (int,), "float_type": (int, float), "bool_type": (bool,)}


def check(model: type[M], section: Section, findings: Findings) -> M | None:
    """The model of a section; None, and problems in `findings`, where there is none."""
    value: YamlValue = _copy(section.value)
    left_out: set[Path] = set()
    while True:
        try:
            return model.model_validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            faults = list(_faults(error, value))
        repaired = [fault for fault in faults if _repair(fault, value, model, section, findings, left_out)]
        if not repaired:
            _report(faults, value, section, findings, left_out)
            return None


def _copy(value: YamlValue) -> YamlValue:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _faults(error: ValidationError, value: YamlValue) -> Iterator[Fault]:
    """The faults, without those of the alternatives that the author cannot have meant."""
    seen: set[Path] = set()
    dropped: list[Fault] = []
    for item in error.errors(include_url=False, include_input=False):
        path, tags = _resolve(item["loc"], value, is_missing=item["type"] == "missing")
        fault = Fault(item["type"], path, item["msg"], item.get("ctx", {}))
        if _is_meant(tags, fault, value):
            seen.add(path)
            yield fault
        else:
            dropped.append(fault)
    for fault in dropped:
        if not any(path[: len(fault.path)] == fault.path for path in seen):
            seen.add(fault.path)
            yield fault


def _resolve(loc: tuple[str | int, ...], value: YamlValue, *, is_missing: bool) -> tuple[Path, list[str]]:
    """The path in the value, and what pydantic put into its location to name alternatives."""
    path: list[str | int] = []
    tags: list[str] = []
    for index, part in enumerate(loc):
        if holds(value, part):
            value = value_at(value, (part,))
        elif not (is_missing and index == len(loc) - 1):
            tags.append(str(part))
            continue
        path.append(part)
    return tuple(path), tags


def _is_meant(tags: list[str], fault: Fault, value: YamlValue) -> bool:
    """Of `text or {secret_ref: …}`, the alternative that the value's own form speaks for."""
    if not tags:
        return True
    if fault.kind == "needs_python_object":
        return False
    is_mapping = isinstance(value_at(value, fault.path), dict) or fault.kind in ("missing", "extra_forbidden")
    return is_mapping != (tags[-1] == "str") or fault.kind == REFUSED


def _repair(
    fault: Fault,
    value: YamlValue,
    model: type[BaseModel],
    section: Section,
    findings: Findings,
    left_out: set[Path],
) -> bool:
    """Whether the value was changed so that checking can go on."""
    origin = section.origin(fault.path)
    if origin.file.is_unchecked(origin.path):
        return _leave_out(fault.path, value, left_out)
    if fault.kind == "extra_forbidden":
        refuse_unknown(origin, _model_at(model, fault.path[:-1]), findings)
        return _leave_out(fault.path, value, left_out)
    variables = origin.file.variables.get(origin.path)
    if variables and fault.kind in _CONVERTIBLE:
        return _convert(fault, value, variables, origin, findings, left_out)
    return False


def _leave_out(path: Path, value: YamlValue, left_out: set[Path]) -> bool:
    """Whether what stands at the path, or the nearest field that holds it, was taken away just now."""
    if any(path[:length] in left_out for length in range(len(path) + 1)):
        return False
    for length in range(len(path), 0, -1):
        parent, last = value_at(value, path[: length - 1]), path[length - 1]
        if isinstance(parent, dict) and isinstance(last, str) and last in parent:
            del parent[last]
            left_out.add(path[:length])
            return True
    return False


def _convert(
    fault: Fault,
    value: YamlValue,
    variables: tuple[str, ...],
    origin: Origin,
    findings: Findings,
    left_out: set[Path],
) -> bool:
    parent, last = value_at(value, fault.path[:-1]), fault.path[-1]
    try:
        converted = resolve(str(value_at(value, fault.path)).strip())
    except UnrepresentableNumberError:
        converted = None
    if type(converted) in _CONVERTIBLE[fault.kind]:
        parent[last] = converted  # type: ignore[index]  # the fault is at a place that exists
        return True
    refusal = Refusal(
        f"{dotted(origin.path)} must be {WANTED[fault.kind]}",
        None,
        "Correct the variable's value, or its default",
    )
    findings.add(origin, refusal)
    return _leave_out(fault.path, value, left_out)


def refuse_unknown(origin: Origin, model: type[BaseModel] | None, findings: Findings) -> None:
    """Reports a field that a model does not have: an error, a warning where the run is lenient."""
    name = str(origin.path[-1])
    known = () if model is None else _field_names(model)
    hint = suggest.hint(name, known, "Known fields are")
    action = "Correct the name, or remove the field"
    if origin.file.newer_schema is not None:
        hint += f". The contract is of schema version {origin.file.newer_schema}, newer than this host's"
        action = "Correct the name, remove the field, or upgrade omnibase-core and omnibase-infra"
    refusal = Refusal(f"Unknown field '{shown(name)}' in {dotted(origin.path[:-1])}", hint, action)
    findings.add(origin, refusal, at_key=True, severity="warning" if findings.lenient else "error")


def _field_names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The model of the mapping at a path inside a value of `model`, as far as the annotations say."""
    here: list[Any] = [model]
    for part in path:
        here = [inner for annotation in here for inner in _inside(annotation, part)]
    return next((found for annotation in here for found in _models_in(annotation)), None)


def _inside(annotation: Any, part: str | int) -> Iterator[Any]:  # an annotation can be anything at all
    """The annotations of what a value of an annotation can hold at one key or index."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        if field is not None:
            yield field.annotation
    elif get_origin(annotation) in (dict, list, tuple):
        yield get_args(annotation)[1 if get_origin(annotation) is dict else 0]
    else:
        for alternative in get_args(annotation):
            yield from _inside(alternative, part)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        if issubclass(annotation, BaseModel):
            yield annotation
    elif get_origin(annotation) not in (dict, list, tuple):
        for argument in get_args(annotation):
            yield from _models_in(argument)


def _report(
    faults: list[Fault], value: YamlValue, section: Section, findings: Findings, left_out: set[Path]
) -> None:
    missing: dict[Path, list[str]] = {}
    for fault in faults:
        origin = section.origin(fault.path)
        if fault.path in left_out or origin.file.is_unchecked(origin.path):
            continue
        if fault.kind == "missing":
            missing.setdefault(fault.path[:-1], []).append(str(fault.path[-1]))
        else:
            findings.add(origin, refusal_of(fault, origin, value_at(value, fault.path)))
    for path, names in missing.items():
        refuse_missing(section.origin(path), names, findings)


def refuse_missing(origin: Origin, names: list[str], findings: Findings) -> None:
    """Reports required fields that a mapping does not have, all of them in one problem."""
    fields = "Missing required field" + ("s" if len(names) > 1 else "")
    refusal = Refusal(
        f"{fields} {', '.join(repr(name) for name in names)} in {dotted(origin.path)}",
        None,
        "Add the missing field" + ("s" if len(names) > 1 else ""),
    )
    findings.add(origin, refusal, at_key=True)
