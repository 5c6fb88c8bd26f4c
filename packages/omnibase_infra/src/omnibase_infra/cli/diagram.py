"""The wiring as a mermaid flowchart. Imported within the command only."""

import re
from collections.abc import Iterator

from omnibase_infra.cli.wired import ANYTHING
from omnibase_infra.cli.wiring_models import ModelHandlerWiring, ModelNodeWiring, ModelWiring

# What ends a quoted text, starts an entity or a tag, or turns it into Markdown.
_SPECIAL = re.compile(r"[^A-Za-z0-9 _./:,$(){}\[\]*=@?&+-]")


def diagram(wiring: ModelWiring) -> str:
    """Topics into the host, nodes to handlers with their operations, handlers to what they reach."""
    lines = ["flowchart LR", *(f"  {line}" for line in _lines(wiring))]
    return "\n".join(lines)


def _lines(wiring: ModelWiring) -> Iterator[str]:
    topics = wiring.event_bus.topics
    yield f'input[/"{_text(topics.input)}"/] --> host'
    yield f'subgraph host["{_text(f"{wiring.name} {wiring.version}")}"]'
    handlers = {handler.name: f"handler{index}" for index, handler in enumerate(wiring.handlers)}
    for index, node in enumerate(wiring.nodes):
        yield f'  node{index}["{_text(node.slug)}<br/>{node.kind}"]'
    for handler in wiring.handlers:
        yield f'  {handlers[handler.name]}{{{{"{_handler(handler)}"}}}}'
    yield "end"
    yield f'host --> output[/"{_text(topics.output)}"/]'
    if topics.dead_letter is not None:
        yield f'host -. dead letters .-> deadletter[/"{_text(topics.dead_letter)}"/]'
    for index, node in enumerate(wiring.nodes):
        yield from _uses(f"node{index}", node, handlers)
    yield from _reached(wiring, handlers)


def _handler(handler: ModelHandlerWiring) -> str:
    kind = "" if handler.name == handler.type else f"<br/>{handler.type}"
    return f"{_text(handler.name)}{kind}{'' if handler.enabled else '<br/>disabled'}"


def _uses(at: str, node: ModelNodeWiring, handlers: dict[str, str]) -> Iterator[str]:
    operations: dict[str, list[str]] = {}
    for use in node.operations:
        operations.setdefault(use.handler, []).append(use.operation)
    for handler, names in operations.items():
        if handler in handlers:
            yield f'{at} -- "{_text(", ".join(names))}" --> {handlers[handler]}'


def _reached(wiring: ModelWiring, handlers: dict[str, str]) -> Iterator[str]:
    """What lies behind the handlers: the hosts by name, a database or a vault by the handler's."""
    hosts: dict[str, str] = {}
    for handler in wiring.handlers:
        reaches = [use.reach for node in wiring.nodes for use in node.operations if use.handler == handler.name]
        for host in dict.fromkeys(host for reach in reaches for host in reach.hosts):
            at = hosts.setdefault(host, f"host{len(hosts)}")
            yield f'{handlers[handler.name]} --> {at}(["{_text("any host" if host == ANYTHING else host)}"])'
        if any(reach.statements for reach in reaches):
            yield f'{handlers[handler.name]} --> {handlers[handler.name]}db[("{_text(handler.name)}")]'


def _text(text: str) -> str:
    """A text inside quotes: every character that mermaid could read as its own as an entity."""
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", text)
