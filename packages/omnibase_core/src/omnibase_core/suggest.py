"""Did you mean: what somebody probably wanted to write, where only certain names are allowed."""

import difflib
from collections.abc import Iterable
from typing import Final

LISTED: Final = 20


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, or None where none is near."""
    candidates = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name[:128].lower(), candidates, n=1, cutoff=0.6)
    return candidates[found[0]] if found else None


def hint(name: str, known: Iterable[str], label: str) -> str:
    """One sentence or two: the closest name, then all of them after `label` ("Valid handler types are")."""
    names = list(known)
    near = closest(name, names)
    return (f"Did you mean '{near}'? " if near else "") + f"{label}: {listed(names)}"


def listed(names: Iterable[str]) -> str:
    """Names as text, the first twenty of them; `none` where there are none."""
    every = list(names)
    more = len(every) - LISTED
    return (", ".join(every[:LISTED]) or "none") + (f" and {more} more" if more > 0 else "")
