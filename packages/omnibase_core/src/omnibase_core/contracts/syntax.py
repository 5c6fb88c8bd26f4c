"""YAML's syntax errors in words for people: what is wrong, and the usual cause."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

import yaml


class SyntaxFault(NamedTuple):
    """A syntax error; `line` and `column` are 1-based."""

    line: int
    column: int
    message: str
    hint: str


_PHRASES: Final = (
    (
        "mapping values are not allowed",
        "A second ': ' where a text or a new line is expected",
        "Quote a text that contains ': '; a nested mapping starts on its own line, indented further",
    ),
    (
        "could not find expected ':'",
        "A line that is neither `key: value` nor part of the text above it",
        "Write `key: value`, with a space after the colon; a missing closing quote further up does this too",
    ),
    (
        "did not find expected key",
        "This does not fit the block that it stands in",
        "Align it with the keys above, with spaces; or a quote further up is closed too early",
    ),
    (
        "did not find expected '-' indicator",
        "This does not fit the list that it stands in",
        "Start each item with '- ', all of them equally indented",
    ),
    (
        "<block end>",
        "This does not fit the block that it stands in",
        "Align it with the lines above, with spaces; or a quote further up is closed too early",
    ),
    (
        "expected ',' or",
        "A comma or a closing bracket is missing before this",
        "Check the [ ] and { } of this line; a text with { } [ ] , in it must be quoted",
    ),
    (
        "unknown escape character",
        'An unknown escape in a text in double quotes ("\\…")',
        "Double the backslash, or use single quotes",
    ),
    (
        "block sequence entries are not allowed",
        "A list item cannot start here",
        "Put '- ' on its own line below the key",
    ),
    (
        "found undefined tag handle",
        "A text cannot start with '!'",
        "Quote it; tags other than YAML's own are not used in contracts",
    ),
    (
        "alphabetic or numeric character",
        "'*' and '&' start an alias and an anchor, and a name must follow",
        "Quote a text that starts with '*' or '&'",
    ),
    (
        "<document start>",
        "Something follows where the document has ended",
        "Check the indentation of this line, or the brackets and quotes before it",
    ),
    (
        "comment or line break",
        "Text on the line of '|' or '>'",
        "The text of '|' and '>' starts on the next line, indented; quote a text that starts with them",
    ),
)
QUOTE_EXPRESSION: Final = "Quote it: a text with ${{ … }} needs quotes around the whole text"
_QUOTE_COMMENT: Final = "' #' starts a comment and cuts the line there; quote the text if it belongs to it"
_QUOTED: Final = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"")


def describe(error: yaml.YAMLError, line: Callable[[int], str]) -> SyntaxFault:
    """The fault behind an error of PyYAML; `line` gives the source line of a 1-based number."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return SyntaxFault(1, 1, "This is no YAML", "Check the file's encoding and its first lines")
    mark, problem = error.problem_mark, error.problem or ""
    opening = error.context_mark
    started = mark.line if opening is None else opening.line
    if "unexpected end of stream" in problem or "<stream end>" in problem:
        mark = mark if opening is None else opening
        message, hint = _unclosed(line(mark.line + 1)[mark.column : mark.column + 1])
    elif "found unexpected document indicator" in problem:
        message, hint = _unclosed(line(started + 1)[:1])
    else:
        message, hint = _phrase(problem, line(mark.line + 1)[mark.column : mark.column + 1])
    quoting = _quoting_hint([line(number + 1) for number in sorted({started, mark.line})])
    return SyntaxFault(mark.line + 1, mark.column + 1, message, quoting or hint)


def _unclosed(opening: str) -> tuple[str, str]:
    if opening in ("'", '"'):
        return f"The quote {opening} is never closed", "Add the closing quote"
    if opening in ("[", "{"):
        return f"The bracket {opening} is never closed", "Add the closing bracket"
    return "The file ends in the middle of a value", "Add the missing closing quote or bracket"


def _phrase(problem: str, character: str) -> tuple[str, str]:
    if "cannot start any token" in problem or "tab character" in problem:
        if character == "\t":
            return "A tab where YAML takes spaces only", "Indent with spaces"
        return f"A text cannot start with {character!r} here", "Quote it"
    for wanted, message, hint in _PHRASES:
        if wanted in problem:
            return message, hint
    return f"Invalid YAML: {problem}", "Quote texts with special characters, and check the indentation"


def _quoting_hint(lines: list[str]) -> str | None:
    bare = [_QUOTED.sub("", text) for text in lines]
    if any("${{" in text for text in bare):
        return QUOTE_EXPRESSION
    if any(" #" in text.split(": ", 1)[-1].lstrip()[1:] for text in bare):
        return _QUOTE_COMMENT
    return None
