"""Paths of secrets: checked segment by segment, so that none leads out of where it was allowed to go."""

from collections.abc import Iterable
from typing import Final

MAX_PATH_LENGTH: Final = 1_024
# A client may decode what is percent-encoded, and cut at what begins a query or a fragment.
_REFUSED: Final = frozenset("%?#\\")


class PathError(ValueError):
    """A path that is refused; the message is a clause that says why, to stand after a field's name."""


def segments(path: str) -> tuple[str, ...]:
    """The segments of a path without slashes at its ends; raises PathError."""
    if len(path) > MAX_PATH_LENGTH:
        raise PathError(f"is longer than {MAX_PATH_LENGTH} characters")
    if not path.isprintable() or not _REFUSED.isdisjoint(path):
        raise PathError("has a character that no path of a secret has: %, ?, #, a backslash or an invisible one")
    parts = tuple(path.split("/"))
    if any(part.partition(";")[0] in (".", "..") or not part.strip() for part in parts):
        raise PathError("has an empty segment, '.' or '..': it is written a/b, without slashes at its ends")
    return parts


def is_below(path: tuple[str, ...], prefixes: Iterable[tuple[str, ...]]) -> bool:
    """Whether the path is one of the prefixes or lies below it, whole segments compared."""
    return any(path[: len(prefix)] == prefix for prefix in prefixes)
