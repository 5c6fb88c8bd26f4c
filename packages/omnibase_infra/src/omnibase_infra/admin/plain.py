"""What the page shows without a script: the state as it was when the page was asked for, and the configuration."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.contracts.literals import is_reference
from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract
from omnibase_core.envelope import JsonObject
from pydantic import JsonValue

from omnibase_infra.config.effective import ModelConfigValue, ModelHandlerValues

_SHOWN = {
    "attention": ("what", "safe", "do"),
    "partitions": ("topic", "partition", "next_position", "lag", "outstanding", "oldest_age_s", "paused_because"),
    "nodes": ("slug", "kind", "done", "failed"),
    "handlers": ("name", "type", "status", "message", "done", "failed", "retries"),
    "failures": ("at", "code", "node", "correlation_id", "message", "hint"),
}


def snapshot_html(state: JsonObject) -> str:
    """Tables of the state, for a page that cannot renew itself."""
    host = state["host"]
    assert isinstance(host, dict)
    tables = (_listed(name, state[name], columns) for name, columns in _SHOWN.items())
    ready = "ready" if host["ready"] else "not ready"
    return f"<p>{_text(host['name'])}: {ready} ({_text(host['phase'])})</p>" + "".join(tables)


def configuration_html(
    bus: ModelEventBusBinding, handlers: Sequence[ModelHandlerValues], contract: ModelRuntimeHostContract | None
) -> str:
    """Every effective value. Secrets are references in what this is given, or asterisks.

    Of nodes there is what they override. contract: None leaves out all but bus and handlers.
    """
    blocks = [_settings("event bus", bus.model_dump(mode="json"))]
    for handler in handlers:
        rows = [(value.field, _value(value.value), _source(value)) for value in handler.values]
        blocks.append(_table(f"handler {handler.handler}", ("field", "value", "from"), rows))
    if contract is not None:
        for node in contract.nodes:
            changed = node.model_dump(mode="json", exclude_unset=True, exclude={"slug", "contract"})
            if changed:
                blocks.append(_settings(f"node {node.slug}, its own", changed))
        parts = contract.model_dump(mode="json", include={"observability", "secrets", "registration"})
        blocks += [_settings(name, part) for name, part in parts.items() if part is not None]
    return "".join(blocks)


def _settings(caption: str, values: JsonObject) -> str:
    rows = ((field, _value(value)) for field, value in _flat("", values))
    return _table(caption, ("field", "value"), rows)


def _flat(path: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict) and value and not is_reference(value):
        for name, item in value.items():
            yield from _flat(f"{path}.{name}" if path else name, item)
    else:
        yield path, value


def _source(value: ModelConfigValue) -> str:
    place = f"{value.file}:{value.line}" if value.file else value.source
    return f"{place} ({', '.join(value.variables)})" if value.variables else place


def _listed(name: str, rows: JsonValue, columns: Sequence[str]) -> str:
    assert isinstance(rows, list)
    found = [[row[column] for column in columns] for row in rows if isinstance(row, dict)]
    return _table(name, columns, ([_value(cell) for cell in row] for row in found)) if found else ""


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{_text(column.replace("_", " "))}</th>' for column in columns)
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return f"<table><caption>{_text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: Sequence[str]) -> str:
    first, *others = map(_text, row)
    return f'<th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in others)


def _value(value: JsonValue) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict) and is_reference(value):
        return f"secret {value['secret_ref']}"
    return str(value)


def _text(value: object) -> str:
    return escape(str(value))
