"""The wiring, and the values of handlers, in lines of 80 columns. Imported within the command only."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from omnibase_core.contracts.literals import is_reference
from pydantic import JsonValue

from omnibase_infra.cli.wired import ANYTHING
from omnibase_infra.cli.wiring_models import (
    ModelBusWiring,
    ModelFieldWiring,
    ModelHandlerWiring,
    ModelModelWiring,
    ModelNodeWiring,
    ModelOperationWiring,
    ModelReach,
    ModelUnset,
    ModelWiring,
)
from omnibase_infra.config.effective import ModelConfigValue, ModelHandlerValues

WIDTH = 80
_LABEL = 13
_VALUE = 22
_ORDERS = {"key": "ordered by key", "partition": "ordered by partition", "none": "in no order"}


def wiring_table(wiring: ModelWiring) -> str:
    """Bus, handlers and nodes, one block each."""
    blocks = [
        [f"{wiring.name} {wiring.version}", *_row("contract", wiring.file), *_unset(wiring.unset)],
        ["event bus", *_bus(wiring.event_bus)],
        *(_handler(handler) for handler in wiring.handlers),
        *(_node(node) for node in wiring.nodes),
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def values_table(handlers: Sequence[ModelHandlerValues], secrets: Mapping[str, Sequence[str]]) -> str:
    """Field, value and source of each value; then each secret with the places where it is looked for."""
    blocks = ["\n".join(_values(handler)) for handler in handlers] or ["No handlers"]
    if secrets:
        lines = [line for name, places in secrets.items() for line in (f"  {name}", *(f"    {p}" for p in places))]
        blocks.append("\n".join(["secrets, looked for in this order", *lines]))
    return "\n\n".join(blocks)


def _row(label: str, *texts: str) -> list[str]:
    """A label and what belongs to it, wrapped; nothing where there is nothing."""
    lines = [
        line
        for text in texts
        for line in textwrap.wrap(
            text, WIDTH - 2 - _LABEL, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    ]
    return [f"  {label if index == 0 else '':<{_LABEL}}{line}" for index, line in enumerate(lines)]


def _unset(values: Sequence[ModelUnset]) -> list[str]:
    return _row("not set", *(f"{', '.join(value.variables)}, in {value.field}: {value.text}" for value in values))


def _bus(bus: ModelBusWiring) -> list[str]:
    return [
        *_row("kind", bus.kind),
        *_row("input", bus.topics.input),
        *_row("output", bus.topics.output),
        *_row("dead letters", bus.topics.dead_letter or "none: what is no envelope is only logged"),
        *_row(
            "window",
            f"{bus.max_inflight_envelopes} envelopes, resumes below {bus.pause_consumption_threshold} %; "
            f"{_ORDERS[bus.ordering]}; at most {bus.max_envelope_bytes:,} bytes each",
        ),
        *_row("options", *(f"{name}: {_shown(value)}" for name, value in bus.options.items())),
    ]


def _handler(handler: ModelHandlerWiring) -> list[str]:
    kind = "" if handler.name == handler.type else f" ({handler.type})"
    retry, breaker = handler.retry_policy, handler.circuit_breaker
    delays = f"{retry.backoff_strategy}, {retry.base_delay_ms} to {retry.max_delay_ms} ms"
    policies = [
        f"timeout {handler.timeout_ms} ms",
        f"{retry.max_retries} retries ({delays})",
        f"breaker opens after {breaker.failure_threshold} failures for {breaker.open_ms} ms; "
        f"calls then {handler.on_open}",
    ]
    if handler.rate_limit_per_second is not None:
        policies.append(f"{handler.rate_limit_per_second:g} calls a second")
    return [
        f"handler {handler.name}{kind}{'' if handler.enabled else ', disabled'}",
        *_row("operations", ", ".join(handler.operations)),
        *_row("policies", "; ".join(policies)),
        *_row("secrets", ", ".join(handler.secrets)),
        *_row("nodes", ", ".join(handler.nodes) or "none"),
        *_row("must exist", *(handler.needs or "").splitlines()),
    ]


def _node(node: ModelNodeWiring) -> list[str]:
    return [
        f"node {node.slug} {node.version}, {node.kind}",
        *_row("about", " ".join(node.description.split())),
        *_row("input", *_model(node.input_model)),
        *_row("output", *_model(node.output_model)),
        *(line for model in node.models for line in _row("model", *_model(model))),
        *(line for name, value in node.mapping.items() for line in _row(name, *_leaves("", value))),
        *(line for use in node.operations for line in _uses(use)),
        *_row("may reach", *_reach([use.reach for use in node.operations])),
        *_row("needs", ", ".join(node.dependencies)),
        *_row("at once", "" if node.max_inflight is None else f"{node.max_inflight} envelopes"),
        *_row("failures", "" if node.on_failure == "answer" else "answered, and dead-lettered"),
    ]


def _model(model: ModelModelWiring) -> Iterator[str]:
    yield model.name
    yield from (f"  {_field(field)}" for field in model.fields)


def _field(field: ModelFieldWiring) -> str:
    optional = "" if field.required else ", optional"
    default = "" if field.default is None else f", {_shown(field.default)} by default"
    return f"{field.name}: {field.type}{optional}{default}"


def _operation(use: ModelOperationWiring) -> str:
    target = "" if use.target is None else f", target {use.target}"
    return f"{use.operation} by {use.handler}{target}"


def _uses(use: ModelOperationWiring) -> Iterator[str]:
    yield from _row("operation", _operation(use))
    for name, value in use.mapping.items():
        yield from _row(f"  {name}", *_leaves("", value))


def _leaves(path: str, value: JsonValue) -> Iterator[str]:
    """Each value of a mapping in a line of its own."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(f"{path}[{index}]", item)
    else:
        text = " ".join(_shown(value).split())
        yield f"{path}: {text}" if path else text


def _reach(reaches: Sequence[ModelReach]) -> Iterator[str]:
    if not reaches:
        yield "nothing"
    for reach in dict.fromkeys(reaches):
        if reach.hosts:
            yield from (
                f"{host}{'' if path == ANYTHING else path}" for host in reach.hosts for path in reach.paths
            )
        else:
            yield from ("any path that the payload names" if path == ANYTHING else path for path in reach.paths)
        held = "any statement that the payload holds"
        yield from (held if statement == ANYTHING else statement for statement in reach.statements)


def _values(handler: ModelHandlerValues) -> Iterable[str]:
    kind = "" if handler.handler == handler.type else f" ({handler.type})"
    yield f"handler {handler.handler}{kind}"
    width = max(len(value.field) for value in handler.values)
    for value in handler.values:
        start = f"  {value.field:<{width}}  {_shown(value.value):<{_VALUE}}"
        source = _source(value)
        if len(start) + 2 + len(source) <= WIDTH:
            yield f"{start}  {source}"
        else:
            yield from (start.rstrip(), f"    {source}")


def _source(value: ModelConfigValue) -> str:
    if value.file is None:
        return f"environment {', '.join(value.variables)}" if value.variables else "default"
    place = f"line {value.line}" if value.source == "contract" else f"config_ref {value.file}:{value.line}"
    names = ", ".join(value.variables)
    return f"{place}{f', from {names}' if names else ''}{', not set' if value.unset else ''}"


def _shown(value: JsonValue) -> str:
    plain = _without_references(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _without_references(value: JsonValue) -> JsonValue:
    """The value with each secret reference as the text `secret_ref …`."""
    if isinstance(value, dict):
        if is_reference(value):
            return f"secret_ref {value['secret_ref']}"
        return {key: _without_references(item) for key, item in value.items()}
    return [_without_references(item) for item in value] if isinstance(value, list) else value
