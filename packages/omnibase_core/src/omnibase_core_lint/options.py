"""What is wrong with a contract's options: each message names what stands there and says what to write instead."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def session_errors(session: Mapping[str, Any]) -> dict[str, str]:
    """What the section importlinter must say for a contract of ours to see every import."""
    errors = {}
    if not _is_true(session.get("include_external_packages")):
        errors["include_external_packages"] = (
            "Without it no driver and no standard module is seen. Write 'include_external_packages = True' into "
            "the section importlinter."
        )
    if _is_true(session.get("exclude_type_checking_imports")):
        errors["exclude_type_checking_imports"] = (
            "It hides imports under TYPE_CHECKING, which count here. Remove it from the section importlinter."
        )
    return errors


def _is_true(value: object) -> bool:
    return value in ("True", "true")


def spelling(names: Iterable[str], roots: Iterable[str]) -> str | None:
    """What is wrong with these module names, whatever the graph has; None where nothing is.

    External packages are one node of the graph, so that nothing below them can be named.
    """
    own = tuple(roots)
    for name in sorted(names):
        if not all(part.isidentifier() for part in name.split(".")):
            return f"'{name}' is no module name. Write one module a line, such as 'orders.compute'; no wildcards."
        top = name.partition(".")[0]
        if top != name and top not in {root.partition(".")[0] for root in own}:
            return f"'{name}' is part of an external package, which is seen as a whole. Write '{top}'."
    return None


def stranger(names: Iterable[str], known: Iterable[str]) -> str | None:
    """The first name that is not known, with the nearest one that is; None where all are known."""
    choices = sorted(known)
    for name in sorted(set(names) - set(choices)):
        return f"'{name}'{_did_you_mean(name, choices)}"
    return None


def _did_you_mean(name: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(name, choices, n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def internal(names: Iterable[str], roots: Iterable[str]) -> Iterator[str]:
    """The names that are modules of the root packages."""
    own = tuple(roots)
    return (name for name in names if within(name, own))


def within(module: str, packages: Iterable[str]) -> bool:
    """Whether a module is one of the packages or beneath one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)
