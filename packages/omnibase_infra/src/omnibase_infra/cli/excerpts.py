"""Problems as a person reads them on a terminal: with the source line, a caret and colour.

Imported within commands only. A line that may hold a secret, on itself or as the continuation of one above it,
is never shown.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import click
from omnibase_core.contracts.literals import is_secret_field, is_secret_header, looks_secret
from omnibase_core.contracts.reading import FileRefusal
from omnibase_core.contracts.syntax import BREAKS
from omnibase_core.problems import ModelProblem

from omnibase_infra.config.files import read_contract_file

_WIDTH: Final = 100
_BEFORE: Final = 60
_KEY: Final = re.compile(r"""["']?(?<![\w-])([\w-]++)["']?\s*+:(?=\s|$)""")
_LABELS: Final = {"File:": "bold", "Error:": "red", "Warning:": "yellow", "Hint:": "cyan", "Action:": "green"}


def shown_problems(problems: Sequence[ModelProblem]) -> str:
    """Every problem with its excerpt, below the heading that a failed load has."""
    failed = any(problem.severity == "error" for problem in problems)
    heading = ["ContractValidationError: Failed to load contract"] if failed else []
    lines_of = cache(_lines)
    return "\n".join([*heading, *(_shown(problem, lines_of) for problem in problems)])


def excerpt(source_lines: Sequence[str], line: int, column: int) -> list[str]:
    """The source line and a caret below its 1-based column; nothing where the line may hold a secret."""
    source = source_lines[line - 1] if line <= len(source_lines) else ""
    at = min(column - 1, len(source))
    if not source.strip() or _may_hold_secret(source_lines, line):
        return []
    start = max(0, at - _BEFORE) if len(source) > _WIDTH else 0
    cut = source[start : start + _WIDTH]
    before, after = "…" if start else "", "…" if start + _WIDTH < len(source) else ""
    margin = " " * len(str(line))
    gap = "".join(map(_blank, before + source[start:at]))
    return [f"    {line} | {before}{''.join(map(_printable, cut))}{after}", f"    {margin} | {gap}^"]


def _shown(problem: ModelProblem, lines_of: Callable[[str], Sequence[str]]) -> str:
    place, said, *rest = map(_coloured, problem.render().split("\n"))
    if problem.line is not None and problem.column is not None:
        shown = excerpt(lines_of(problem.file), problem.line, problem.column)
        rest = [*shown[:1], *(click.style(caret, fg="red") for caret in shown[1:]), *rest]
    return "\n".join([place, said, *rest])


def _lines(file: str) -> Sequence[str]:
    content = read_contract_file(file)
    if isinstance(content, FileRefusal):
        return ()
    return BREAKS.split(content.decode("utf-8-sig", "replace"))


def _coloured(line: str) -> str:
    label = line.strip().partition(" ")[0]
    colour = _LABELS.get(label)
    if colour is None:
        return line
    style = click.style(label, bold=True) if colour == "bold" else click.style(label, fg=colour)
    return line.replace(label, style, 1)


def _may_hold_secret(source_lines: Sequence[str], line: int) -> bool:
    """Whether the line, or a line that it continues, has a field that takes a secret or the form of one."""
    depth: int | None = None
    for source in reversed(source_lines[:line]):
        indent = len(source) - len(source.lstrip())
        if not source.strip() or (depth is not None and indent >= depth):
            continue
        depth = indent
        names = _KEY.findall(source)
        if looks_secret(source) or any(is_secret_field(name) or is_secret_header(name) for name in names):
            return True
        if not indent:
            return False
    return False


def _printable(character: str) -> str:
    return " " if character == "\t" else character if character.isprintable() else "?"


def _blank(character: str) -> str:
    """Spaces as wide as a character is on a terminal."""
    if unicodedata.combining(character):
        return ""
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "
