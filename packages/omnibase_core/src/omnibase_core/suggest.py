"""Did you mean: what somebody probably wanted to write, where only certain names are allowed."""

import re
from collections.abc import Iterable
from typing import Final

LISTED: Final = 20
_LONGEST: Final = 256
_PARTS: Final = re.compile("[._]")


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, or else the only one that it is a part of; None without one."""
    import difflib  # for whoever misspelt something, and loaded by nobody else

    candidates = {candidate.lower(): candidate for candidate in known}
    written = name[:128].lower()
    found = difflib.get_close_matches(written, candidates, n=1, cutoff=0.6)
    if not found:
        found = [candidate for candidate in candidates if written in _PARTS.split(candidate)]
    return candidates[found[0]] if len(found) == 1 else None


def hint(name: str, known: Iterable[str], label: str) -> str:
    """One sentence or two: the closest name, then all of them after `label` ("Valid handler types are")."""
    names = list(known)
    near = closest(name, names)
    return (f"Did you mean '{_cut(near)}'? " if near else "") + f"{label}: {listed(names)}"


def listed(names: Iterable[str]) -> str:
    """Names as text, the first twenty of them; `none` where there are none."""
    every = list(names)
    more = len(every) - LISTED
    return (", ".join(map(_cut, every[:LISTED])) or "none") + (f" and {more} more" if more > 0 else "")


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
