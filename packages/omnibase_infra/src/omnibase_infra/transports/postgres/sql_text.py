"""What can be told from the text of an SQL statement alone: its first word, suspicions, whether it is stateless.

Words are found by reading quotes, dollar quotes and comments as PostgreSQL does; nothing is parsed further.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<remark>--[^\n]*)
  | (?P<block>/\*)
  | (?P<string>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z)
        | \$(?P<tag>[^\W\d]\w*)?\$.*?(?:\$(?(tag)(?P=tag))\$|\Z))
  | (?P<quoted>"(?:[^"]|"")*(?:"|\Z))
  | (?P<word>[^\W\d][\w$]*)
  | (?P<other>\$\d+|\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE: Final = re.compile(r"/\*|\*/")

_ROWS: Final = frozenset({"select", "values", "table", "with", "insert", "update", "delete", "merge"})
_BEFORE_PARENTHESIS: Final = frozenset(
    """all and any array as between by case cast conflict cube distinct else except exists filter from group having
    in intersect interval is join key lateral like materialized not numeric decimal on or order over partition
    returning rollup row select set sets similar some then time timestamp to union using values varchar char
    character bit when where with""".split()  # noqa: SIM905 - as words
)
_PURE: Final = frozenset(
    """abs age array_agg array_append array_cat array_length array_position array_remove array_to_string avg
    bool_and bool_or btrim cardinality ceil ceiling char_length clock_timestamp coalesce concat concat_ws count
    cume_dist current_date current_timestamp date_bin date_part date_trunc decode dense_rank encode every exp
    extract first_value floor format gen_random_uuid generate_series generate_subscripts greatest initcap isfinite
    json_agg json_array_elements json_array_length json_build_array json_build_object json_each json_object_agg
    json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
    jsonb_build_object jsonb_each jsonb_each_text jsonb_object_agg jsonb_object_keys jsonb_path_exists
    jsonb_path_query jsonb_set jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof justify_interval
    lag last_value lead least left length ln localtime localtimestamp log lower lpad ltrim make_date make_interval
    make_time make_timestamp make_timestamptz max md5 min mod mode now nth_value ntile nullif octet_length
    percent_rank percentile_cont percentile_disc pi position power quote_ident quote_literal quote_nullable random
    rank regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table repeat replace
    reverse right round row_number row_to_json rpad rtrim sha256 sign split_part sqrt starts_with
    statement_timestamp stddev string_agg string_to_array strpos substr substring sum to_char to_date to_json
    to_jsonb to_number to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim trunc unnest
    upper uuidv4 uuidv7 variance width_bucket""".split()  # noqa: SIM905 - as words
)


@dataclass(frozen=True, slots=True)
class SqlText:
    """What the text shows.

    keyword: the first word in lower case, parentheses aside; empty where there is none.
    suspicions: what injected SQL tends to hold, in words; a hint for a log, and no defence.
    stateless: the statement reads or writes rows and calls functions of PostgreSQL only that leave nothing in
        the session. (A view, operator or trigger whose own function changes session settings is not seen.)
    """

    keyword: str
    suspicions: tuple[str, ...]
    stateless: bool


@lru_cache(maxsize=1024)
def read_sql(sql: str) -> SqlText:
    """Reads a statement; the last 1,024 texts are remembered."""
    tokens = [(kind, text.lower()) for kind, text in _tokens(sql) if kind != "space"]
    code = [token for token in tokens if token[0] != "remark"]
    keyword = next((text for kind, text in code if kind == "word"), "")
    return SqlText(
        keyword, tuple(_suspicions(tokens)), keyword in _ROWS and all(name in _PURE for name in _calls(code))
    )


def _tokens(sql: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        assert match is not None
        kind, at = match.lastgroup or "string", match.end()
        if kind == "block":
            at = _end_of_block(sql, at)
            yield "space", ""
        else:
            yield ("string" if kind == "tag" else kind), match.group()


def _end_of_block(sql: str, at: int) -> int:
    depth = 1
    for edge in _BLOCK_EDGE.finditer(sql, at):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def _suspicions(tokens: Sequence[tuple[str, str]]) -> Iterator[str]:
    depth = 0
    seen = set()
    for at, (kind, text) in enumerate(tokens):
        depth += (text == "(") - (text == ")") if kind == "other" else 0
        if kind == "other" and text == ";" and tokens[at + 1 : at + 2] and tokens[at + 1][0] == "remark":
            seen.add("a comment behind a semicolon")
        elif kind == "word" and text == "drop":
            seen.add("DROP")
        elif kind == "word" and text == "union" and depth == 0:
            seen.add("UNION outside a subquery")
    yield from sorted(seen)


def _calls(code: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The names before an opening parenthesis that may be functions; a qualified or quoted one is `?`."""
    target = False
    for (kind, text), following, before in zip(
        code, [*code[1:], ("other", "")], [("other", ""), *code[:-1]], strict=True
    ):
        target = (kind == "word" and text == "into") or (target and (kind in ("word", "quoted") or text == "."))
        if target or following != ("other", "(") or kind not in ("word", "quoted"):
            continue
        if kind == "quoted" or before == ("other", "."):
            yield "?"
        elif text not in _BEFORE_PARENTHESIS:
            yield text
