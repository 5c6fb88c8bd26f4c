"""The functions of the language: what each takes, what it gives, and what it does.

`if`, `coalesce`, `root` and `omit` stand here with their arguments only: they decide what is evaluated at all,
which is the compiler's part.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cmp_to_key
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from omnibase_core.mapping import exact
from omnibase_core.mapping.exact import Number
from omnibase_core.mapping.faults import EvaluationError
from omnibase_core.mapping.types import (
    ANY,
    BOOLEAN,
    DECIMAL,
    INTEGER,
    NULL,
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
    KINDS,
    Kind,
    as_text,
    equal,
    json_text,
    kind_of,
    number_of,
    order,
    said,
    sortable,
)

Result = Callable[[Sequence[Type]], Type]
Expression = Callable[[object], object]


class Parameter(NamedTuple):
    """What an argument may be. No kinds: anything, null included. items: the kinds that a list may hold, all
    items of one kind. words: the texts that are allowed."""

    kinds: frozenset[Kind] = frozenset()
    items: frozenset[Kind] = frozenset()
    words: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The parameter in words."""
        if self.words:
            return " or ".join(f"'{word}'" for word in self.words)
        names = [said(kind) for kind in _ORDER if kind in self.kinds]
        if self.items:
            held = " or all ".join(f"{kind}s" if kind != "string" else "texts" for kind in sorted(self.items))
            names = [f"a list of {held}" if name == "a list" else name for name in names]
        return " or ".join(names) or "anything"


class Function(NamedTuple):
    """A function. optional: how many of the last parameters may be left out. repeats: the last one may come
    again. call: None for those that the compiler knows."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Result
    call: Callable[..., object] | None
    optional: int = 0
    repeats: bool = False

    @property
    def fewest(self) -> int:
        """The least number of arguments."""
        return len(self.parameters) - self.optional

    @property
    def most(self) -> int | None:
        """The largest number of arguments; None for any."""
        return None if self.repeats else len(self.parameters)

    def parameter(self, index: int) -> Parameter:
        """The parameter of an argument."""
        return self.parameters[min(index, len(self.parameters) - 1)]


_ORDER: Final[tuple[Kind, ...]] = ("null", "boolean", "number", "string", "list", "object", "expression")


def check_argument(parameter: Parameter, value: object) -> str | None:
    """Why an argument does not fit, in words; None where it does."""
    if not parameter.kinds:
        return None
    kind = KINDS.get(type(value), "expression")
    if kind not in parameter.kinds:
        return f"must be {parameter.said}, not {said(kind)}"
    if parameter.items and isinstance(value, list):
        return _check_items(parameter, value)
    return None


def _check_items(parameter: Parameter, items: list[object]) -> str | None:
    wanted = parameter.items
    for index, item in enumerate(items):
        kind = kind_of(item)
        if kind not in wanted:
            return f"must be {parameter.said}, but its item {index} is {said(kind)}"
        if index == 0:
            wanted = frozenset((kind,))
    return None


def _contains(subject: object, searched: object) -> bool:
    if isinstance(subject, str):
        if not isinstance(searched, str):
            raise EvaluationError(f"argument 2 must be a text where argument 1 is, not {said(kind_of(searched))}")
        return searched in subject
    assert isinstance(subject, list)
    return any(equal(item, searched) for item in subject)


def _keyed(items: list[object], key: Expression) -> list[tuple[object, object]]:
    keyed = [(key(item), item) for item in items]
    for index, (value, _) in enumerate(keyed):
        if kind_of(value) not in ("number", "string"):
            raise EvaluationError(
                f"argument 2 must give numbers or texts, but for item {index} it gives {said(kind_of(value))}"
            )
    return keyed


_BY_ORDER: Final = cmp_to_key(order)


def _sort(items: list[object]) -> list[object]:
    return sorted(items, key=sortable)  # type: ignore[arg-type]  # all numbers or all texts


def _sort_by(items: list[object], key: Expression) -> list[object]:
    return [item for _, item in sorted(_keyed(items, key), key=lambda pair: _BY_ORDER(pair[0]))]


def _max_by(items: list[object], key: Expression) -> object:
    return max(_keyed(items, key), key=lambda pair: _BY_ORDER(pair[0]), default=(None, None))[1]


def _min_by(items: list[object], key: Expression) -> object:
    return min(_keyed(items, key), key=lambda pair: _BY_ORDER(pair[0]), default=(None, None))[1]


def _map(expression: Expression, items: list[object]) -> list[object]:
    return [expression(item) for item in items]


def _merge(*objects: dict[str, object]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for each in objects:
        merged.update(each)
    return merged


def _to_string(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)


def _to_number(value: object) -> Number | None:
    if isinstance(value, str):
        number = number_of(value)
        return number if number is None or _fits_json(number) else None
    return value if kind_of(value) == "number" else None  # type: ignore[return-value]  # it is a number


def _fits_json(number: Number) -> bool:
    try:
        exact.nearest_double(number)
    except EvaluationError:
        return False
    return exact.is_held(exact.exact(number))


def _decimal(value: object) -> Decimal:
    number = number_of(value) if isinstance(value, str) else value
    if number is None:
        raise EvaluationError("argument 1 must be written as a number, such as '19.90'")
    held = exact.exact(number)  # type: ignore[arg-type]  # kinds are checked
    if not exact.is_held(held):
        raise EvaluationError(f"argument 1 has more than {exact.MAX_DIGITS} digits")
    return held


def _number(value: object) -> Number:
    return exact.nearest_double(_decimal(value) if isinstance(value, str) else value)  # type: ignore[arg-type]  # kinds are checked


def _type(value: object) -> str:
    kind = kind_of(value)
    return "array" if kind == "list" else kind


def _reverse(value: str | list[object]) -> str | list[object]:
    return value[::-1]


def _first(items: list[object]) -> object:
    return items[0] if items else None


def _max(items: list[object]) -> object:
    return max(items, key=sortable, default=None)  # type: ignore[type-var,arg-type]  # all numbers or all texts


def _min(items: list[object]) -> object:
    return min(items, key=sortable, default=None)  # type: ignore[type-var,arg-type]  # all numbers or all texts


def _not_null(*values: object) -> object:
    return next((value for value in values if value is not None), None)


def _always(type_: Type) -> Result:
    return lambda _: type_


def _same(index: int = 0) -> Result:
    return lambda types: types[index]


def _item(types: Sequence[Type]) -> Type:
    return types[0].element if types[0].kind == "list" else ANY


def _total(types: Sequence[Type]) -> Type:
    return arithmetic([_item(types)])


def _quotient(types: Sequence[Type]) -> Type:
    kind = arithmetic([*types, NUMBER])
    return kind


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
    Function("decimal", (_WRITTEN,), _always(DECIMAL), _decimal),
    Function("number", (_WRITTEN,), _always(NUMBER), _number),
    Function("text", (_SCALAR,), _always(STRING), as_text),
    Function("concat", (_TEXT,), _always(STRING), lambda *texts: "".join(texts), repeats=True),
    Function("lower", (_TEXT,), _always(STRING), str.lower),
    Function("upper", (_TEXT,), _always(STRING), str.upper),
    Function("abs", (_NUMBER,), _same(), exact.absolute),
    Function("avg", (_NUMBERS,), _average, exact.average),
    Function("ceil", (_NUMBER,), _always(INTEGER), exact.ceiling),
    Function("contains", (Parameter(frozenset(("string", "list"))), _ANY), _always(BOOLEAN), _contains),
    Function("ends_with", (_TEXT, _TEXT), _always(BOOLEAN), str.endswith),
    Function("floor", (_NUMBER,), _always(INTEGER), exact.floor),
    Function("join", (_TEXT, _TEXTS), _always(STRING), str.join),
    Function("keys", (_OBJECT,), _always(list_of(STRING)), list),
    Function("length", (Parameter(frozenset(("string", "list", "object"))),), _always(INTEGER), len),
    Function("map", (_EXPRESSION, _LIST), lambda types: list_of(types[0]), _map),
    Function("max", (_ORDERED,), _item, _max),
    Function("max_by", (_LIST, _EXPRESSION), _item, _max_by),
    Function("merge", (_OBJECT,), _merged, _merge, repeats=True),
    Function("min", (_ORDERED,), _item, _min),
    Function("min_by", (_LIST, _EXPRESSION), _item, _min_by),
    Function("not_null", (_ANY,), join_all, _not_null, repeats=True),
    Function("reverse", (Parameter(frozenset(("string", "list"))),), _same(), _reverse),
    Function("sort", (_ORDERED,), _same(), _sort),
    Function("sort_by", (_LIST, _EXPRESSION), _same(), _sort_by),
    Function("starts_with", (_TEXT, _TEXT), _always(BOOLEAN), str.startswith),
    Function("sum", (_NUMBERS,), _total, exact.total),
    Function("to_array", (_ANY,), _as_list, lambda value: value if isinstance(value, list) else [value]),
    Function("to_number", (_ANY,), lambda types: types[0] if types[0].runtime_kind == "number" else NUMBER, _to_number),
    Function("to_string", (_SOME,), _always(STRING), _to_string),
    Function("type", (_ANY,), _always(STRING), _type),
    Function("values", (_OBJECT,), lambda types: list_of(values_of(types[0])), lambda value: [*value.values()]),
)

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType({function.name: function for function in _SEVERAL})
"""Every function by its name."""
