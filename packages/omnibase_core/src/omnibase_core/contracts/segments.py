"""The url of a request whose path is made of values: each is one segment, and none leaves it."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from omnibase_core import urls
from omnibase_core.mapping.compiler import inserted, split_text
from omnibase_core.mapping.faults import EvaluationError, ExpressionError, Place
from omnibase_core.mapping.template import Template

_ANY_BASE: Final = "http://base.invalid"
_MARK: Final = "\0"


def query_mark(text: str) -> int | None:
    """Where a literal `?` or `#` stands; None where none does."""
    try:
        parts = split_text(text)
    except ExpressionError:
        return None
    at = 0
    for part in parts:
        if isinstance(part, str):
            marks = [at + index for index, character in enumerate(part) if character in "?#"]
            if marks:
                return marks[0]
            at += len(part)
        else:
            at = part.at + len(part.source) + 2
    return None


def url_fault(text: str) -> str | None:
    """Why no value could make a url of this text; None where one can."""
    try:
        urls.resolve(_ANY_BASE, "".join(part if isinstance(part, str) else "x" for part in split_text(text)))
    except urls.UrlError as error:
        return str(error)
    except ExpressionError:
        return None
    return None


def segment(value: object) -> str:
    """A value as one segment of a path. Raises EvaluationError for what would be none, or another one."""
    if value is None:
        raise EvaluationError("null is no segment of a url; coalesce(a, …) stands in for it")
    text = inserted(value)
    if text in ("", ".", ".."):
        raise EvaluationError("an empty text, '.' and '..' are no segments of a url")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise EvaluationError("a lone surrogate is no part of a url") from None


def fills_segments(text: str) -> bool:
    """Whether each expression is a whole segment, which no other part can make into another one."""
    marked = "".join(part if isinstance(part, str) else _MARK for part in split_text(text))
    return all(segment == _MARK for segment in marked.split("/") if _MARK in segment)


def whole(template: Template, place: Place) -> Callable[[Mapping[str, object]], object]:
    """Refuses the dot segments that several expressions or literals make together."""

    def render(scope: Mapping[str, object]) -> object:
        url = str(template.render(scope))
        if any(part in (".", "..") for part in url.split("/")):
            raise EvaluationError("'.' and '..' are no segments of a url").placed(place, "")
        return url

    return render
