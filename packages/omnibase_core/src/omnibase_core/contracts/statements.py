"""The placeholders of an SQL text, so that a statement and its parameters are held together at load."""

import re
from typing import Final

from omnibase_core.patterns import deferred

_TOKEN: Final = deferred(
    r"""
    (?P<skip>--[^\n]*
        | [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z)
        | \$(?P<tag>[^\W\d]\w*)?\$.*?(?:\$(?(tag)(?P=tag))\$|\Z))
  | (?P<block>/\*)
  | (?P<word>[^\W\d][\w$]*)
  | \$(?P<number>[0-9]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_EDGE: Final = deferred(r"/\*|\*/")


def placeholders(sql: str) -> frozenset[int]:
    """The numbers of `$1`, `$2`, … outside of texts, quoted names and comments, as PostgreSQL reads them."""
    found: set[int] = set()
    at = 0
    while (token := _TOKEN.search(sql, at)) is not None:
        at = token.end()
        if token["block"]:
            at = _end_of_block(sql, at)
        elif token["number"]:
            found.add(int(token["number"][:9]))
    return frozenset(found)


def _end_of_block(sql: str, at: int) -> int:
    depth = 1
    for edge in _EDGE.finditer(sql, at):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)
