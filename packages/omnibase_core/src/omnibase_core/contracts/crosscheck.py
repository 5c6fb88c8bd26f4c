"""What a node contract and its runtime contract must agree on: the slug, the handlers, the dependencies."""

from collections.abc import Iterable, Sequence
from typing import Final

from omnibase_core import suggest, urls
from omnibase_core.contracts.check_handlers import HandlerSlot
from omnibase_core.contracts.findings import Findings, Refusal, Section
from omnibase_core.contracts.operations import handler_type_of
from omnibase_core.enums import EnumHandlerType
from omnibase_core.errors import shown
from omnibase_core.patterns import deferred

_ORIGIN: Final = deferred(r"(?i:https?)://[^/?#\\\s$]+")


def check_slug(node: Section, slug: str, runtime_file: str, findings: Findings) -> None:
    """The node contract's name is the slug under which the runtime contract lists it."""
    name = node.mapping().get("name")
    if isinstance(name, str) and name != slug:
        findings.add(
            node.origin(("name",)),
            Refusal(
                f"The node is named '{shown(name)}', but its slug is '{shown(slug)}'",
                f"{runtime_file} lists it as '{shown(slug)}'",
                "Make the name and the slug the same, or point `contract` at the file of that node",
            ),
        )


def check_dependencies(node: Section, slugs: Sequence[str], runtime_file: str, findings: Findings) -> None:
    """Every dependency is a node of the same runtime contract."""
    for dependency in node.child("dependencies").items():
        slug = dependency.value
        if isinstance(slug, str) and slug not in slugs:
            findings.add(
                dependency.origin(),
                Refusal(
                    f"Dependency '{shown(slug)}' is no node of {runtime_file}",
                    suggest.hint(slug, slugs, "Its nodes are"),
                    "Add the node to the runtime contract, or remove the dependency",
                ),
            )


def check_operations(node: Section, slots: Sequence[HandlerSlot], runtime_file: str, findings: Findings) -> None:
    """Every operation that the node may use has a handler that is configured and enabled."""
    for entry in node.child("io_operations").items():
        handler_type = handler_type_of(entry.mapping().get("type"))
        if handler_type is not None:
            _check_entry(entry, handler_type, slots, runtime_file, findings)


def _check_entry(
    entry: Section,
    handler_type: EnumHandlerType,
    slots: Sequence[HandlerSlot],
    runtime_file: str,
    findings: Findings,
) -> None:
    written = entry.mapping().get("handler")
    name = written if isinstance(written, str) and written else handler_type.value
    of_type = [slot for slot in slots if slot.type is handler_type]
    origin = entry.origin(("handler" if name is written else "type",))
    chosen = next((slot for slot in of_type if slot.name == name and slot.enabled), None)
    if chosen is not None:
        if handler_type is EnumHandlerType.HTTP:
            _check_base(entry, chosen, runtime_file, findings)
            _check_origin(entry, chosen, runtime_file, findings)
            _check_headers(entry, chosen, runtime_file, findings)
        return
    if any(slot.name == name for slot in of_type):
        refusal = Refusal(
            f"Handler '{name}' is disabled, and the node uses {_operations(entry)}",
            f"{runtime_file} sets `enabled: false`",
            "Enable the handler, or remove the node",
        )
    elif of_type:
        refusal = Refusal(
            f"No handler of type '{handler_type}' is named '{shown(name)}'",
            suggest.hint(name, _names(of_type), f"Handlers of type '{handler_type}' in {runtime_file} are"),
            f"Name the handler that the node uses, such as `handler: {_names(of_type)[0]}`",
        )
    else:
        refusal = Refusal(
            f"No configured handler supports {_operations(entry)}",
            f"Handlers in {runtime_file}: {suggest.listed(_names(slots))}",
            f"Add a handler of type '{handler_type}' to it, or remove the operation",
        )
    findings.add(origin, refusal)


def _check_base(entry: Section, slot: HandlerSlot, runtime_file: str, findings: Findings) -> None:
    """A request to a path needs a base_url that it stands behind."""
    url = entry.child("request", "url")
    is_path = isinstance(url.value, str) and url.value.startswith("/")
    if is_path and not slot.based:
        findings.add(
            url.origin(),
            Refusal(
                f"This url is a path, and handler '{shown(slot.name)}' has no base_url",
                f"{runtime_file} configures the handler",
                "Set base_url in the handler's config, or write the url with scheme and host",
            ),
        )


def _check_origin(entry: Section, slot: HandlerSlot, runtime_file: str, findings: Findings) -> None:
    """The origin of a request is literal, and must be one that the handler may call."""
    url = entry.child("request", "url")
    found = _ORIGIN.match(url.value) if isinstance(url.value, str) else None
    if found is None or slot.origins is None:
        return
    try:
        origin = urls.parse_origin(found[0])
    except urls.UrlError:
        return
    if origin not in slot.origins:
        refusal = Refusal(
            f"Handler '{shown(slot.name)}' may not call {shown(str(origin))}",
            f"In {runtime_file} it may call: {suggest.listed(sorted(map(str, slot.origins)))}",
            "List the origin under `allow` in the handler's config, or correct the url",
        )
        findings.add(url.origin(), refusal)


def _check_headers(entry: Section, slot: HandlerSlot, runtime_file: str, findings: Findings) -> None:
    """A request sets no header that the handler sets itself."""
    written = entry.child("request", "headers")
    for name in written.mapping():
        if name.lower() in slot.headers:
            refusal = Refusal(
                f"Header '{shown(name)}' is set by the config of handler '{shown(slot.name)}'",
                f"{runtime_file} configures the handler",
                "Remove the header here or there",
            )
            findings.add(written.origin((name,)), refusal, at_key=True)


def _names(slots: Iterable[HandlerSlot]) -> list[str]:
    return [shown(slot.name) for slot in slots]


def _operations(entry: Section) -> str:
    names = [shown(item.value) for item in entry.child("operations").items() if isinstance(item.value, str)]
    return ", ".join(f"'{name}'" for name in names[:20]) or "its operations"


def check_registration(section: Section, slots: Sequence[HandlerSlot], findings: Findings) -> None:
    """Reports a `handler` that is no consul handler of this contract, or is disabled."""
    if section.value is None:
        return
    wanted = section.mapping().get("handler", "consul")
    known = [slot.name for slot in slots if slot.enabled and slot.type is EnumHandlerType.CONSUL]
    if isinstance(wanted, str) and wanted not in known:
        refusal = Refusal(
            f"No consul handler is named '{shown(wanted)}'",
            suggest.hint(wanted, known, "Enabled consul handlers are")
            if known
            else "No consul handler is enabled",
            "Add a handler of type consul, or name the one that there is",
        )
        written = "handler" in section.mapping()
        findings.add(section.origin(("handler",) if written else ()), refusal, at_key=not written)
