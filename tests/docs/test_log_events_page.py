"""docs/log-events.md: every event at WARNING and above, with the levels that the code gives it, and no other."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from omnibase_infra.telemetry import events

from tests.architecture.source import modules
from tests.docs.tables import DOCS, table

_LEVELS: Final = {"warning": "WARNING", "error": "ERROR", "exception": "ERROR", "critical": "CRITICAL"}


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Each call that logs, with where it stands, and the text of its module."""
    for module in modules():
        if not module.name.startswith("omnibase_infra"):
            continue
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if ast.unparse(node.func.value).lower() in ("_log", "_logger"):
                yield f"{module.name}:{node.lineno}", module.text, node


def logged() -> Mapping[str, set[str]]:
    """The levels of each event, by its name; a call without an event is named by its place."""
    found = defaultdict[str, set[str]](set)
    for where, whole, call in calls():
        assert isinstance(call.func, ast.Attribute)
        text = ast.unparse(call)
        if call.func.attr == "log":
            levels = {name for name in _LEVELS.values() if f"logging.{name}" in whole}
        elif call.func.attr in _LEVELS:
            levels = {_LEVELS[call.func.attr]}
        else:
            continue
        named = {str(getattr(events, name)) for name in re.findall(r"events\.([A-Z_]+)", text)}
        for event in named or {f"none at {where}"}:
            found[event] |= levels
    return found


def test_every_event_from_warning_on_is_on_the_page_with_its_levels() -> None:
    written = {row[0].strip("`"): set(row[1].split(", ")) for row in table((DOCS / "log-events.md").read_text())}
    assert written == {event: levels for event, levels in logged().items() if levels}
