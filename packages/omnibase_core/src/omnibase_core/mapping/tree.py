"""Expression text -> syntax tree, by jmespath's lexer and parser, with positions and exact literals.

The library's tree has neither, so its names and literals are put side by side with the tokens that they came
from. What its parser lets through by accident is refused here.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, NoReturn

from jmespath.exceptions import IncompleteExpressionError, LexerError, ParseError
from jmespath.lexer import Lexer
from jmespath.parser import Parser

from omnibase_core.errors import shown
from omnibase_core.mapping.faults import ExpressionError
from omnibase_core.mapping.literals import SURROGATE, literals_of

MAX_LENGTH: Final = 4_000
MAX_DEPTH: Final = 64

_WORDS: Final = frozenset({"true", "false", "null"})

_ENDS_VALUE: Final = frozenset(
    [
        "unquoted_identifier",
        "quoted_identifier",
        "literal",
        "number",
        "current",
        "star",
        "flatten",
        "rparen",
        "rbracket",
        "rbrace",
    ]
)
_STARTS_VALUE: Final = frozenset(
    [
        "unquoted_identifier",
        "quoted_identifier",
        "literal",
        "number",
        "current",
        "lbrace",
        "not",
        "expref",
        "lparen",
    ]
)
_OPENS: Final = frozenset(("lparen", "lbracket", "lbrace", "filter"))
_CLOSES: Final = frozenset(("rparen", "rbracket", "rbrace"))
_SEPARATES: Final = frozenset(("or", "and", "pipe", "comma", "colon"))
_COMPARES: Final = frozenset(("eq", "ne", "lt", "lte", "gt", "gte"))

# The token that each of these nodes has, and has alone: they stand in the same order in tree and text.
_MARKED: Final = {
    "field": ("unquoted_identifier", "quoted_identifier"),
    "function_expression": ("unquoted_identifier",),
    "key_val_pair": ("unquoted_identifier", "quoted_identifier"),
    "literal": ("literal",),
    "current": ("current",),
    "not_expression": ("not",),
    "expref": ("expref",),
}
_MARKS: Final = frozenset(kind for kinds in _MARKED.values() for kind in kinds)


class Node(NamedTuple):
    """A node of the tree; `kind` is the library's name for it.

    at: the 0-based character where it starts. value: a name, a literal, an index, a comparator, the three parts
    of a slice. leading: of a field that starts its expression, instead of following a dot. quoted: of a name in
    double quotes.
    """

    kind: str
    at: int
    children: tuple["Node", ...] = ()
    value: Any = None
    leading: bool = False
    quoted: bool = False


class _Token(NamedTuple):
    type: str
    value: Any
    start: int
    after: str
    before: str


@lru_cache(maxsize=2_048)
def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(0, f"An expression longer than {MAX_LENGTH} characters", "Name parts of it in `let`")
    if not text.strip():
        raise ExpressionError(0, "An empty expression", "Write what is to stand here, such as ${{ input.id }}")
    literals = literals_of(text)
    tokens = _tokens(text)
    _refuse_accidents(tokens)
    tree = _parsed(text)
    if _depth(tree) > MAX_DEPTH:
        _refuse_depth()
    marked = [token for token in tokens if token.type in _MARKS]
    converter = _Converter(iter(marked), literals)
    node = converter.convert(tree, 0)
    assert next(converter.tokens, None) is None, "every mark has its node"
    return node


def _tokens(text: str) -> list[_Token]:
    try:
        raw = list(Lexer().tokenize(text))
    except LexerError as error:
        character = text[error.lexer_position : error.lexer_position + 1]
        said = f"'{shown(character)}' is not understood here"
        raise ExpressionError(error.lexer_position, said, _CHARACTERS.get(character, _GENERAL)) from None
    types = ["", *(token["type"] for token in raw), ""]
    tokens = [
        _Token(token["type"], token["value"], token["start"], before=types[index], after=types[index + 2])
        for index, token in enumerate(raw)
    ]
    for token in tokens:
        if token.type == "quoted_identifier" and SURROGATE.search(token.value):
            raise ExpressionError(token.start, "A lone surrogate in a name", "It stands for no character")
    return tokens


def _parsed(text: str) -> Any:
    try:
        return Parser().parse(text).parsed
    except RecursionError:
        _refuse_depth()
    except IncompleteExpressionError:
        raise ExpressionError(len(text.rstrip()), "The expression ends too early", _GENERAL) from None
    except ParseError as error:
        written = shown(str(error.token_value))
        is_number = isinstance(error.token_value, int)
        hint = f"A number is written in backticks: `{written}`" if is_number else _GENERAL
        raise ExpressionError(error.lex_position, f"'{written}' does not fit here", hint) from None


def _refuse_depth() -> NoReturn:
    raise ExpressionError(
        0,
        f"An expression nested deeper than {MAX_DEPTH} levels",
        "Name parts of it in `let`, or use sum, concat, join",
    )


def _depth(tree: Any) -> int:
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in node["children"] if isinstance(child, dict)]
    return depth


def _refuse_accidents(tokens: Sequence[_Token]) -> None:
    compared = [False]
    for token in tokens:
        if token.type == "unquoted_identifier":
            _refuse_bare_word(token)
        if token.before in _ENDS_VALUE and token.type in _STARTS_VALUE and not _is_call(token):
            raise ExpressionError(token.start, "A comma or an operator is missing before this", _missing(token))
        if token.before == "comma" and token.type in _CLOSES:
            raise ExpressionError(token.start, "A comma with nothing behind it", "Remove the comma")
        if token.type in _OPENS:
            compared.append(False)
        elif token.type in _CLOSES and len(compared) > 1:
            compared.pop()
        elif token.type in _SEPARATES:
            compared[-1] = False
        elif token.type in _COMPARES:
            if compared[-1]:
                raise ExpressionError(
                    token.start, "A comparison of a comparison", "Join two comparisons with &&, or use parentheses"
                )
            compared[-1] = True


def _missing(token: _Token) -> str:
    if token.before == "star":
        return "A product is written multiply(a, b)"
    return _WORD_OPERATORS.get(str(token.value), _GENERAL)


def _is_call(token: _Token) -> bool:
    return token.type == "lparen" and token.before == "unquoted_identifier"


def _refuse_bare_word(token: _Token) -> None:
    if token.value in _WORDS and token.before != "dot" and token.after not in ("colon", "lparen"):
        raise ExpressionError(
            token.start,
            f"{token.value} alone is a field of that name",
            f"Write `{token.value}`, in backticks",
        )


class _Converter:
    def __init__(self, tokens: Iterator[_Token], literals: dict[int, Any]) -> None:
        self.tokens = tokens
        self._literals = literals
        self._at = 0

    def convert(self, raw: Any, depth: int) -> Node:
        kind: str = raw["type"]
        if kind == "slice":
            return self._slice(raw["children"])
        value, leading, quoted, at = raw.get("value"), False, False, None
        if kind in _MARKED:
            token = next(self.tokens)
            assert token.type in _MARKED[kind], "tree and tokens stand in one order"
            at = self._at = token.start
            leading, quoted = token.before != "dot", token.type == "quoted_identifier"
            value = self._literals.get(at, value) if kind == "literal" else value
        children = raw["children"]
        order = (0, 2, 1) if kind == "filter_projection" else range(len(children))
        converted = {index: self.convert(children[index], depth + 1) for index in order}
        nodes = tuple(converted[index] for index in range(len(children)))
        if at is None:
            at = nodes[0].at if nodes else self._at
        _refuse_shape(kind, nodes, at)
        return Node(kind, at, nodes, value, leading, quoted)

    def _slice(self, parts: Sequence[int | None]) -> Node:
        if parts[2] == 0:
            raise ExpressionError(self._at, "A slice with step 0", "Leave the step out, or write another number")
        return Node("slice", self._at, (), tuple(parts))


def _refuse_shape(kind: str, nodes: Sequence[Node], at: int) -> None:
    if kind in _NEGATED and nodes[0].kind == "not_expression":
        raise ExpressionError(at, "'!' binds tighter than what follows it", "Write !(a.b) to negate the whole")
    if kind == "index_expression" and any(node.kind == "slice" for node in nodes[2:]):
        raise ExpressionError(at, "A slice behind an index or a slice", "Write a pipe between them: a[0] | [1:2]")
    if kind == "multi_select_dict":
        names = [node.value for node in nodes]
        twice = next((node for index, node in enumerate(nodes) if node.value in names[:index]), None)
        if twice is not None:
            raise ExpressionError(twice.at, f"Duplicate key '{shown(twice.value)}'", "Rename one, or remove it")


_NEGATED: Final = frozenset(
    ("subexpression", "flatten", "filter_projection", "value_projection", "index_expression")
)
_GENERAL: Final = "Expressions are those of JMESPath, such as input.items[*].price"
_WORD_OPERATORS: Final = {
    "and": "'and' is written &&",
    "or": "'or' is written ||",
    "is": "Equality is written ==",
    "in": "Write contains(list, value)",
    "not": "'not' is written !",
}
_CHARACTERS: Final = {
    "=": "Equality is written ==",
    "$": "An expression starts with a name: input, envelope, let or result",
    "+": "Write add(a, b)",
    "-": "Write subtract(a, b)",
    "/": "Write divide(a, b)",
    "%": "There is no remainder",
    "?": "Write if(condition, a, b), or list[?condition] for a filter",
    "#": "In YAML ' #' starts a comment",
}
