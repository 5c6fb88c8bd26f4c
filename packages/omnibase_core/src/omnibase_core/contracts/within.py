"""Where a character of a YAML text stands in the file: quotes, escapes, folding and indentation undone."""

import re
from collections.abc import Sequence
from typing import Final

from omnibase_core.contracts.report import Position
from omnibase_core.patterns import deferred

_PROPERTIES: Final = deferred(r"(?:[&!]\S*\s+)*")
_ESCAPE: Final = deferred(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)


def position_within(lines: Sequence[str], start: Position, value: str, offset: int) -> Position:
    """The place of `value[offset]`, for a text that starts at `start`; `start` itself where it cannot be told."""
    source = "\n".join([lines[start.line - 1][start.column - 1 :], *lines[start.line :]])
    at = _PROPERTIES.match(source).end()  # type: ignore[union-attr]  # the pattern matches the empty text
    style = source[at : at + 1]
    if style in ("'", '"'):
        at += 1
    elif style in ("|", ">"):
        at = source.find("\n", at) + 1
    found = _walk(source, at, value, offset, style)
    if found is None:
        return start
    before = source[:found].split("\n")
    first = start.column if len(before) == 1 else 1
    return Position(start.line + len(before) - 1, first + len(before[-1]))


def _walk(source: str, at: int, value: str, offset: int, style: str) -> int | None:
    index = 0
    while at < len(source):
        character = value[index] if index < len(value) else ""
        if style == '"' and source.startswith("\\\n", at):
            at += 2
        elif character.isspace() and source[at].isspace():
            if index == offset:
                return at
            at, skipped = _after_spaces(source, at), _after_spaces(value, index)
            if offset < skipped:
                return at
            index = skipped
        elif source[at].isspace():
            at += 1
        elif index == offset:
            return at
        else:
            length = _length(source, at, character, style)
            if length is None:
                return None
            at, index = at + length, index + 1
    return None


def _after_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _length(source: str, at: int, character: str, style: str) -> int | None:
    """How many characters of the source this one of the value takes."""
    if style == "'" and source.startswith("''", at):
        return 2
    if style == '"' and source[at] == "\\":
        match = _ESCAPE.match(source, at)
        return None if match is None else len(match.group())
    return 1 if source[at] == character else None
