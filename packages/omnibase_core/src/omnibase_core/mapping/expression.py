"""Syntax tree -> closures, once; at run time nothing is interpreted and nothing guessed.

A closure takes the value that its node is about and the whole scope.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from omnibase_core.mapping.faults import EvaluationError
from omnibase_core.mapping.functions import FUNCTIONS, Function, check_argument
from omnibase_core.mapping.tree import Node
from omnibase_core.mapping.values import OMITTED, equal, is_false, kind_of, order, said

Closure = Callable[[object, object], object]


def compile_tree(node: Node) -> Closure:
    """The closure of a tree that has been checked."""
    return _COMPILERS[node.kind](node)


def _compiled(node: Node) -> list[Closure]:
    return [compile_tree(child) for child in node.children]


def _field(node: Node) -> Closure:
    name = node.value

    def field(here: object, root: object) -> object:
        return here.get(name) if type(here) is dict else None

    return field


def _literal(node: Node) -> Closure:
    value = node.value
    return lambda here, root: value


def _here(node: Node) -> Closure:
    return lambda here, root: here


def _index(node: Node) -> Closure:
    index: int = node.value

    def item(here: object, root: object) -> object:
        return here[index] if type(here) is list and -len(here) <= index < len(here) else None

    return item


def _slice(node: Node) -> Closure:
    part = slice(*node.value)
    return lambda here, root: here[part] if type(here) is list else None


def _chain(node: Node) -> Closure:
    steps = [(step.value, dict if step.kind == "field" else list) for step in _steps(node)]
    if all(step.kind in ("field", "index") for step in _steps(node)):
        return _path(steps)
    links = _compiled(node)

    def chain(here: object, root: object) -> object:
        for link in links:
            here = link(here, root)
        return here

    return chain


def _steps(node: Node) -> list[Node]:
    """The single steps of a path such as `a.b[0].c`, in order."""
    if node.kind in ("subexpression", "index_expression"):
        return [step for child in node.children for step in _steps(child)]
    return [node]


def _path(steps: Sequence[tuple[Any, type]]) -> Closure:
    def path(here: Any, root: object) -> object:
        for step, wanted in steps:
            if type(here) is not wanted:
                return None
            if wanted is dict:
                here = here.get(step)
            elif -len(here) <= step < len(here):
                here = here[step]
            else:
                return None
        return here

    return path


def _projection(node: Node) -> Closure:
    base, each = _compiled(node)
    is_plain = node.children[1].kind == "identity"

    def projection(here: object, root: object) -> object:
        items = base(here, root)
        if type(items) is not list:
            return None
        if is_plain:
            return [item for item in items if item is not None]
        return [value for item in items if (value := each(item, root)) is not None]

    return projection


def _filter(node: Node) -> Closure:
    base, each, condition = _compiled(node)

    def chosen(here: object, root: object) -> object:
        items = base(here, root)
        if type(items) is not list:
            return None
        return [
            value
            for item in items
            if not is_false(condition(item, root)) and (value := each(item, root)) is not None
        ]

    return chosen


def _values(node: Node) -> Closure:
    base, each = _compiled(node)

    def values(here: object, root: object) -> object:
        items = base(here, root)
        if type(items) is not dict:
            return None
        return [value for item in items.values() if (value := each(item, root)) is not None]

    return values


def _flatten(node: Node) -> Closure:
    (base,) = _compiled(node)

    def flatten(here: object, root: object) -> object:
        items = base(here, root)
        if type(items) is not list:
            return None
        flat: list[object] = []
        for item in items:
            if type(item) is list:
                flat += item
            else:
                flat.append(item)
        return flat

    return flatten


def _several(node: Node) -> Closure:
    parts = _compiled(node)
    return lambda here, root: None if here is None else [part(here, root) for part in parts]


def _object(node: Node) -> Closure:
    pairs = [(child.value, compile_tree(child.children[0])) for child in node.children]

    def build(here: object, root: object) -> object:
        if here is None:
            return None
        return {key: value for key, part in pairs if (value := part(here, root)) is not OMITTED}

    return build


def _or(node: Node) -> Closure:
    left, right = _compiled(node)

    def either(here: object, root: object) -> object:
        value = left(here, root)
        return right(here, root) if is_false(value) else value

    return either


def _and(node: Node) -> Closure:
    left, right = _compiled(node)

    def both(here: object, root: object) -> object:
        value = left(here, root)
        return value if is_false(value) else right(here, root)

    return both


def _not(node: Node) -> Closure:
    (negated,) = _compiled(node)
    return lambda here, root: is_false(negated(here, root))


_ORDERINGS: Final[dict[str, Callable[[int, int], bool]]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def _comparator(node: Node) -> Closure:
    left, right = _compiled(node)
    if node.value in ("eq", "ne"):
        wanted = node.value == "eq"
        return lambda here, root: equal(left(here, root), right(here, root)) is wanted
    ordering = _ORDERINGS[node.value]
    return lambda here, root: ordering(order(left(here, root), right(here, root)), 0)


def _function(node: Node) -> Closure:
    special = _SPECIAL.get(node.value)
    if special is not None:
        return special(node)
    function = FUNCTIONS[node.value]
    assert function.call is not None
    checked = [
        (_expression(child.children[0]) if child.kind == "expref" else _argument(function, index, child))
        for index, child in enumerate(node.children)
    ]
    return _calling(function, function.call, checked)


def _argument(function: Function, index: int, child: Node) -> Closure:
    """An argument that has been held to what the function takes."""
    part = compile_tree(child)
    parameter = function.parameter(index)
    if not parameter.kinds:
        return part
    name = function.name

    def argument(here: object, root: object) -> object:
        value = part(here, root)
        misfit = check_argument(parameter, value)
        if misfit is not None:
            missing = "; coalesce(a, …) stands in for null" if value is None else ""
            raise EvaluationError(f"{name}: argument {index + 1} {misfit}{missing}")
        return value

    return argument


def _calling(function: Function, call: Callable[..., object], arguments: Sequence[Closure]) -> Closure:
    name = function.name

    def result(here: object, root: object) -> object:
        values = [argument(here, root) for argument in arguments]
        try:
            return call(*values)
        except EvaluationError as error:
            if error.sentence.startswith(_OWN):
                raise
            raise EvaluationError(f"{name}: {error.sentence}") from None

    return result


_OWN: Final = tuple(f"{name}: " for name in FUNCTIONS)


def _expression(node: Node) -> Closure:
    """An argument with `&`: a function of one element."""
    part = compile_tree(node)
    return lambda here, root: lambda element: part(element, root)


def _if(node: Node) -> Closure:
    condition, then, otherwise = _compiled(node)

    def choose(here: object, root: object) -> object:
        value = condition(here, root)
        if value is True:
            return then(here, root)
        if value is False:
            return otherwise(here, root)
        raise EvaluationError(
            f"if: argument 1 must be a boolean, not {said(kind_of(value))}; a comparison gives one, such as a == `1`"
        )

    return choose


def _coalesce(node: Node) -> Closure:
    parts = _compiled(node)

    def first(here: object, root: object) -> object:
        return next((value for part in parts if (value := part(here, root)) is not None), None)

    return first


def _root(node: Node) -> Closure:
    return lambda here, root: root


def _omit(node: Node) -> Closure:
    return lambda here, root: OMITTED


_SPECIAL: Final[dict[str, Callable[[Node], Closure]]] = {
    "if": _if,
    "coalesce": _coalesce,
    "root": _root,
    "omit": _omit,
}
_COMPILERS: Final[dict[str, Callable[[Node], Closure]]] = {
    "field": _field,
    "literal": _literal,
    "current": _here,
    "identity": _here,
    "index": _index,
    "slice": _slice,
    "subexpression": _chain,
    "index_expression": _chain,
    "pipe": _chain,
    "projection": _projection,
    "filter_projection": _filter,
    "value_projection": _values,
    "flatten": _flatten,
    "multi_select_list": _several,
    "multi_select_dict": _object,
    "or_expression": _or,
    "and_expression": _and,
    "not_expression": _not,
    "comparator": _comparator,
    "function_expression": _function,
}
