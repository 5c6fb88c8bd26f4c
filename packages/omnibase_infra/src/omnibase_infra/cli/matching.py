"""What is expected against what came: every place where the two differ. Imported within commands only."""

from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from pydantic import JsonValue

Path = tuple[str | int, ...]


class Absence(Enum):
    """Stands where there is no value, not even null."""

    NOTHING = "nothing"


NOTHING: Final = Absence.NOTHING
Given = JsonValue | Absence


class Difference(NamedTuple):
    """A place below the whole, and the two values there; NOTHING on the side that has none."""

    path: Path
    expected: Given
    got: Given


def differences(expected: JsonValue, got: JsonValue, *, partial: bool, path: Path = ()) -> Iterator[Difference]:
    """Where two JSON values differ, in the order in which they are written.

    Numbers are equal as numbers, so 2 is 2.0, and true is no number. partial: objects may have more keys than are
    expected, at any depth; lists have as many items.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected:
            if key in got:
                yield from differences(expected[key], got[key], partial=partial, path=(*path, key))
            else:
                yield Difference((*path, key), expected[key], NOTHING)
        if not partial:
            yield from (Difference((*path, key), NOTHING, got[key]) for key in got if key not in expected)
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _of_lists(expected, got, partial=partial, path=path)
    elif not _is_same(expected, got):
        yield Difference(path, expected, got)


def _of_lists(
    expected: list[JsonValue], got: list[JsonValue], *, partial: bool, path: Path
) -> Iterator[Difference]:
    for index in range(max(len(expected), len(got))):
        here = (*path, index)
        if index >= len(got):
            yield Difference(here, expected[index], NOTHING)
        elif index >= len(expected):
            yield Difference(here, NOTHING, got[index])
        else:
            yield from differences(expected[index], got[index], partial=partial, path=here)


def _is_same(expected: JsonValue, got: JsonValue) -> bool:
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    return expected == got and isinstance(expected, str) == isinstance(got, str)
