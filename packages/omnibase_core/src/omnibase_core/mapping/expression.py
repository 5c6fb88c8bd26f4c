"""Syntax tree -> closures, once; at run time nothing is interpreted and nothing guessed.

A closure takes the value that its node is about and the whole scope.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from omnibase_core.mapping.calls import Closure, compile_call
from omnibase_core.mapping.tree import Node
from omnibase_core.mapping.values import OMITTED, equal, is_false, order


def compile_tree(node: Node) -> Closure:
    """The closure of a tree that has been checked."""
    return _COMPILERS[node.kind](node)


def _compiled(node: Node) -> list[Closure]:
    return [compile_tree(child) for child in node.children]


def _field(node: Node) -> Closure:
    name = node.value

    def field(here: Any, root: object) -> object:
        return here.get(name) if type(here) is dict else None

    return field


def _literal(node: Node) -> Closure:
    value = node.value
    return lambda here, root: value


def _here(node: Node) -> Closure:
    return lambda here, root: here


def _index(node: Node) -> Closure:
    index: int = node.value

    def item(here: Any, root: object) -> object:
        return here[index] if type(here) is list and -len(here) <= index < len(here) else None

    return item


def _slice(node: Node) -> Closure:
    part = slice(*node.value)
    return lambda here, root: here[part] if type(here) is list else None


def path_root(node: Node) -> str | None:
    """The name that a path of names and indexes starts with; None where the tree is another one."""
    steps = _steps(node)
    is_path = steps[0].kind == "field" and all(step.kind in ("field", "index") for step in steps)
    return str(steps[0].value) if is_path else None


def _chain(node: Node) -> Closure:
    steps = [(step.value, dict if step.kind == "field" else list) for step in _steps(node)]
    if all(step.kind in ("field", "index") for step in _steps(node)):
        return _names(steps[0][0], steps[1][0]) if [kind for _, kind in steps] == [dict, dict] else _path(steps)
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


def _names(first: str, second: str) -> Closure:
    """The path that most expressions are."""

    def name(here: Any, root: object) -> object:
        if type(here) is not dict:
            return None
        here = here.get(first)
        return here.get(second) if type(here) is dict else None

    return name


def _path(steps: Sequence[tuple[Any, type]]) -> Closure:
    def path(here: Any, root: object) -> object:
        for step, wanted in steps:
            if wanted is dict:
                if type(here) is not dict:
                    return None
                here = here.get(step)
            else:
                if type(here) is not list or not -len(here) <= step < len(here):
                    return None
                here = here[step]
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
    return compile_call(node, compile_tree)


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
