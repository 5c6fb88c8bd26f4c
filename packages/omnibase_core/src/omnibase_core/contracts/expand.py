"""`${VARIABLE}` and `${VARIABLE:-default}` in the texts of runtime contracts.

Expansion comes after YAML: a variable can only be part of a value, never of the structure. The default
stands in for a variable that is unset or empty. Neither values nor defaults are expanded again. `$${` is
a literal `${`; a `$` that no brace follows is itself.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from omnibase_core.patterns import deferred

_REFERENCE = deferred(
    r"(?P<escaped>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<malformed>\$\{)"
)
_UNCLOSED = re.compile(r"(?P<escaped>\$\$\{)|(?P<malformed>\$\{)")


class Expansion(NamedTuple):
    """What became of a text. `variables` were named in it; `faults` say what cannot be expanded and why."""

    text: str
    variables: tuple[str, ...]
    unset: tuple[str, ...]
    faults: tuple[str, ...]


def expand(text: str, environment: Mapping[str, str]) -> Expansion:
    """The text with every variable replaced; one that is unset, or malformed, stays as it was written."""
    variables: list[str] = []
    unset: list[str] = []
    faults: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        if match["malformed"]:
            faults.append("'${' does not begin a variable")
            return match[0]
        name: str = match["name"]
        variables.append(name)
        found = environment.get(name) or match["default"]
        found = environment.get(name) if found is None else found
        if found is None:
            unset.append(name)
            return match[0]
        if not _is_text(found):
            faults.append(f"Variable {name} holds bytes that are not UTF-8")
            return match[0]
        return found

    # Behind the last brace nothing ends: to look for an end from each beginning takes the square of the time.
    end = text.rfind("}") + 1
    expanded = _REFERENCE.sub(replace, text[:end]) + _UNCLOSED.sub(replace, text[end:])
    return Expansion(expanded, _once(variables), _once(unset), _once(faults))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _once(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
