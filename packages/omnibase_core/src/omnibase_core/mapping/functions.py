"""The functions of the language: what each takes, what it gives, and what it does.

`if`, `coalesce`, `root` and `omit` stand here with their arguments only: they decide what is evaluated at all,
which is the compiler's part.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from omnibase_core.mapping import bodies, exact
from omnibase_core.mapping.signatures import Function, Parameter, Result
from omnibase_core.mapping.static import (
    ANY,
    BOOLEAN,
    DECIMAL,
    INTEGER,
    NUMBER,
    STRING,
    Type,
    arithmetic,
    join_all,
    list_of,
    map_of,
    values_of,
)
from omnibase_core.mapping.values import (
    as_text,
)


def _always(type_: Type) -> Result:
    return lambda _: type_


def _same(index: int = 0) -> Result:
    return lambda types: types[index]


def _item(types: Sequence[Type]) -> Type:
    return types[0].element if types[0].kind == "list" else ANY


def _total(types: Sequence[Type]) -> Type:
    return arithmetic([_item(types)])


def _quotient(types: Sequence[Type]) -> Type:
    return arithmetic([*types, NUMBER])


def _average(types: Sequence[Type]) -> Type:
    return _quotient([_item(types)])


def _merged(types: Sequence[Type]) -> Type:
    if all(type_.kind == "record" for type_ in types):
        fields = {name: field for type_ in types for name, field in type_.fields.items()}
        return Type("record", fields=fields)
    return map_of(join_all(map(values_of, types)))


def _as_list(types: Sequence[Type]) -> Type:
    kind = types[0].kind
    return types[0] if kind == "list" else list_of(types[0]) if kind != "any" else list_of(ANY)


def _own_or_decimal(types: Sequence[Type]) -> Type:
    return types[0] if types[0].kind in ("decimal", "number") else NUMBER if types[0].kind == "integer" else ANY


_ANY: Final = Parameter()
_SOME: Final = Parameter(frozenset(("boolean", "number", "string", "list", "object")))
_NUMBER: Final = Parameter(frozenset(("number",)))
_TEXT: Final = Parameter(frozenset(("string",)))
_BOOLEAN: Final = Parameter(frozenset(("boolean",)))
_LIST: Final = Parameter(frozenset(("list",)))
_OBJECT: Final = Parameter(frozenset(("object",)))
_NUMBERS: Final = Parameter(frozenset(("list",)), frozenset(("number",)))
_TEXTS: Final = Parameter(frozenset(("list",)), frozenset(("string",)))
_ORDERED: Final = Parameter(frozenset(("list",)), frozenset(("number", "string")))
_EXPRESSION: Final = Parameter(frozenset(("expression",)))
_WRITTEN: Final = Parameter(frozenset(("number", "string")))
_SCALAR: Final = Parameter(frozenset(("null", "boolean", "number", "string")))
_HALVES: Final = Parameter(frozenset(("string",)), words=("half_even", "half_up"))

_SEVERAL: Final = (
    Function("if", (_BOOLEAN, _ANY, _ANY), lambda types: join_all(types[1:]), None),
    Function("coalesce", (_ANY,), join_all, None, repeats=True),
    Function("root", (), _always(ANY), None),
    Function("omit", (), _always(Type("omit")), None),
    Function("add", (_NUMBER, _NUMBER), arithmetic, exact.add),
    Function("subtract", (_NUMBER, _NUMBER), arithmetic, exact.subtract),
    Function("multiply", (_NUMBER, _NUMBER), arithmetic, exact.multiply),
    Function("divide", (_NUMBER, _NUMBER), _quotient, exact.divide),
    Function("round", (_NUMBER, _NUMBER, _HALVES), _own_or_decimal, exact.rounded, optional=1),
    Function("decimal", (_WRITTEN,), _always(DECIMAL), bodies.to_decimal),
    Function("number", (_WRITTEN,), _always(NUMBER), bodies.to_json_number),
    Function("text", (_SCALAR,), _always(STRING), as_text),
    Function("concat", (_TEXT,), _always(STRING), lambda *texts: "".join(texts), repeats=True),
    Function("lower", (_TEXT,), _always(STRING), str.lower),
    Function("upper", (_TEXT,), _always(STRING), str.upper),
    Function("abs", (_NUMBER,), _same(), exact.absolute),
    Function("avg", (_NUMBERS,), _average, exact.average),
    Function("ceil", (_NUMBER,), _always(INTEGER), exact.ceiling),
    Function("contains", (Parameter(frozenset(("string", "list"))), _ANY), _always(BOOLEAN), bodies.contains),
    Function("ends_with", (_TEXT, _TEXT), _always(BOOLEAN), str.endswith),
    Function("floor", (_NUMBER,), _always(INTEGER), exact.floor),
    Function("join", (_TEXT, _TEXTS), _always(STRING), str.join),
    Function("keys", (_OBJECT,), _always(list_of(STRING)), list),
    Function("length", (Parameter(frozenset(("string", "list", "object"))),), _always(INTEGER), len),
    Function("map", (_EXPRESSION, _LIST), lambda types: list_of(types[0]), bodies.map_each),
    Function("max", (_ORDERED,), _item, bodies.largest),
    Function("max_by", (_LIST, _EXPRESSION), _item, bodies.max_by),
    Function("merge", (_OBJECT,), _merged, bodies.merge, repeats=True),
    Function("min", (_ORDERED,), _item, bodies.smallest),
    Function("min_by", (_LIST, _EXPRESSION), _item, bodies.min_by),
    Function("not_null", (_ANY,), join_all, bodies.not_null, repeats=True),
    Function("reverse", (Parameter(frozenset(("string", "list"))),), _same(), bodies.backwards),
    Function("sort", (_ORDERED,), _same(), bodies.sort),
    Function("sort_by", (_LIST, _EXPRESSION), _same(), bodies.sort_by),
    Function("starts_with", (_TEXT, _TEXT), _always(BOOLEAN), str.startswith),
    Function("sum", (_NUMBERS,), _total, exact.total),
    Function("to_array", (_ANY,), _as_list, lambda value: value if isinstance(value, list) else [value]),
    Function(
        "to_number",
        (_ANY,),
        lambda types: types[0] if types[0].runtime_kind == "number" else NUMBER,
        bodies.to_number,
    ),
    Function("to_string", (_SOME,), _always(STRING), bodies.to_string),
    Function("type", (_ANY,), _always(STRING), bodies.type_name),
    Function("values", (_OBJECT,), lambda types: list_of(values_of(types[0])), lambda value: [*value.values()]),
)

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType({function.name: function for function in _SEVERAL})
"""Every function by its name."""

OTHER_NAMES: Final = {
    "plus": "add",
    "minus": "subtract",
    "sub": "subtract",
    "mul": "multiply",
    "times": "multiply",
    "div": "divide",
    "iff": "if",
    "ifelse": "if",
    "default": "coalesce",
    "ifnull": "coalesce",
    "nvl": "coalesce",
    "len": "length",
    "size": "length",
    "count": "length",
    "str": "text",
    "string": "text",
    "tostring": "to_string",
    "tonumber": "to_number",
    "int": "to_number",
    "float": "number",
    "lowercase": "lower",
    "uppercase": "upper",
    "average": "avg",
    "mean": "avg",
    "total": "sum",
    "sortby": "sort_by",
}
"""What other languages call them."""
