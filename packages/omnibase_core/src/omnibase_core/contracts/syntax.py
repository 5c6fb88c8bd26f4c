"""YAML's syntax errors in words for people: what is wrong, and the usual cause."""

from typing import Final, NamedTuple

import yaml

from omnibase_core.patterns import deferred


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
_CLOSING: Final = {"'": "quote", '"': "quote", "[": "]", "{": "}"}
_QUOTE_COMMENT: Final = "' #' starts a comment and cuts the line there; quote the text if it belongs to it"
BREAKS: Final = deferred("\r\n|[\r\n\x85\u2028\u2029]")
_LOOKED_AT: Final = 1_000  # characters of a line: the pattern below takes the square of their number at worst
_QUOTED: Final = deferred(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"")


def source_line(text: str, number: int) -> str:
    """The line of a 1-based number, lines as YAML breaks them; empty beyond the end."""
    lines = BREAKS.split(text)
    return lines[number - 1] if 1 <= number <= len(lines) else ""


def describe(error: yaml.YAMLError, text: str) -> SyntaxFault:
    """The fault behind an error that PyYAML raised for `text`."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return SyntaxFault(1, 1, "This is no YAML", "Check the file's first lines")
    lines = BREAKS.split(text)
    line, column = _within(lines, error.problem_mark)
    start_line, start_column = _within(lines, error.context_mark or error.problem_mark)
    opening = lines[start_line][start_column : start_column + 1]
    at_end = not "".join([lines[line][column:], *lines[line + 1 :]]).strip()
    problem = error.problem or ""
    lines_at_fault = [lines[number] for number in sorted({start_line, line})]
    if opening in _CLOSING and (at_end or "document indicator" in problem):
        line, column = start_line, start_column
        message, hint = f"The {opening} is never closed", f"Add the closing {_CLOSING[opening]}"
    elif "expected ',' or" in problem:
        message = f"The {opening} of line {start_line + 1} is not closed before this, or a comma is missing"
        hint = "Check the brackets and commas; a text with { } [ ] , in it must be quoted"
    else:
        message, hint = _phrase(problem, lines[line][column : column + 1])
    return SyntaxFault(line + 1, column + 1, message, _quoting_hint(lines_at_fault) or hint)


def _within(lines: list[str], mark: yaml.Mark) -> tuple[int, int]:
    """The mark, or the end of the text where the parser counted one line too many."""
    if mark.line < len(lines):
        return mark.line, mark.column
    return len(lines) - 1, len(lines[-1])


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
    bare = [_QUOTED.sub("", text[:_LOOKED_AT]) for text in lines]
    if any("${{" in text for text in bare):
        return QUOTE_EXPRESSION
    if any(" #" in text.split(": ", 1)[-1].lstrip()[1:] for text in bare):
        return _QUOTE_COMMENT
    return None
