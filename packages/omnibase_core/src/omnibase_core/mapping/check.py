"""What is wrong with an expression before it ever runs: names, arities, and types as far as they are known."""

from collections.abc import Callable
from typing import Final

from omnibase_core import suggest
from omnibase_core.errors import shown
from omnibase_core.mapping.faults import Fault
from omnibase_core.mapping.functions import FUNCTIONS, OTHER_NAMES
from omnibase_core.mapping.signatures import Function, Parameter, signature
from omnibase_core.mapping.static import (
    ANY,
    BOOLEAN,
    Type,
    join,
    join_all,
    list_of,
    record,
    type_of,
    values_of,
)
from omnibase_core.mapping.tree import Node
from omnibase_core.mapping.values import said


class Checker:
    """Finds the type of an expression within a scope, and its faults.

    scope: a record of the roots. A name that starts an expression is a root where the whole scope is visible, and
    a field of the element inside projections, filters and `&` arguments.
    """

    def __init__(self, scope: Type) -> None:
        self.scope = scope
        self.faults: list[Fault] = []
        self.roots: set[str] = set()

    def check(self, node: Node, here: Type, *, droppable: bool = False) -> Type:
        """The type of what the node gives for a value of type `here`; droppable: whether it may be omit()."""
        if node.kind == "function_expression":
            return self._function(node, here, droppable)
        if node.kind in ("or_expression", "and_expression"):
            left = self.check(node.children[0], here)
            return join(left, self.check(node.children[1], here, droppable=droppable))
        return _NODES[node.kind](self, node, here)

    def fault(self, at: int, message: str, hint: str) -> Type:
        """Records a fault; nothing is known of what is wrong, so that it is told once."""
        self.faults.append(Fault(at, message, hint))
        return ANY

    def _field(self, node: Node, here: Type) -> Type:
        name: str = node.value
        if here is self.scope:
            self.roots.add(name)
        elif node.leading and name in self.scope.fields:
            return self.fault(
                node.at,
                f"'{name}' is not visible here: in a projection, a filter or behind a pipe only the element is",
                f"Write root().{name} for the whole scope's, or @.{name} for a field of the element",
            )
        if here.kind == "record":
            return here.fields[name] if name in here.fields else self._unknown(node, here)
        if here.kind == "map":
            return here.element
        if here.kind in ("any", "null"):
            return here
        listed = f"Take one of its items, such as [0].{shown(name)}, or all of them: [*].{shown(name)}"
        return self.fault(
            node.at,
            f"'{shown(name)}' is asked of {_said(here)}, which has no fields",
            listed if here.kind == "list" else "Leave the name out",
        )

    def _unknown(self, node: Node, here: Type) -> Type:
        name = node.value
        if here is self.scope:
            near = FUNCTIONS.get(name)
            hint = suggest.hint(name, here.fields, "What is visible here")
            if node.quoted:
                hint = f"A text stands in single quotes: '{shown(name)}'. {hint}"
            return self.fault(
                node.at, f"Unknown name '{shown(name)}'", f"{name}(…) is a function. {hint}" if near else hint
            )
        whose = here.name or "This object"
        return self.fault(
            node.at,
            f"{whose} has no field '{shown(name)}'",
            suggest.hint(name, here.fields, f"The fields of {here.name} are" if here.name else "Its fields are"),
        )

    def _literal(self, node: Node, here: Type) -> Type:
        return type_of(node.value)

    def _here(self, node: Node, here: Type) -> Type:
        return here

    def _chain(self, node: Node, here: Type) -> Type:
        for child in node.children:
            here = self.check(child, here)
        return here

    def _index(self, node: Node, here: Type) -> Type:
        return self._list(node, here, f"[{node.value}]").element

    def _slice(self, node: Node, here: Type) -> Type:
        return self._list(node, here, "A slice")

    def _list(self, node: Node, here: Type, what: str) -> Type:
        """The list that an index, slice or projection is about."""
        if here.kind == "list":
            return here
        if here.kind not in ("any", "null"):
            hint = "The values of an object are .*" if here.runtime_kind == "object" else "Only lists have items"
            self.fault(node.at, f"{what} is asked of {_said(here)}, which is no list", hint)
        return list_of(ANY)

    def _projection(self, node: Node, here: Type) -> Type:
        base = self._list(node, self.check(node.children[0], here), "A projection")
        return list_of(self.check(node.children[1], base.element))

    def _filter(self, node: Node, here: Type) -> Type:
        base = self._list(node, self.check(node.children[0], here), "A filter")
        self.check(node.children[2], base.element)
        return list_of(self.check(node.children[1], base.element))

    def _flatten(self, node: Node, here: Type) -> Type:
        base = self._list(node, self.check(node.children[0], here), "[]")
        return base.element if base.element.kind == "list" else base

    def _values(self, node: Node, here: Type) -> Type:
        base = self.check(node.children[0], here)
        if base.runtime_kind not in (None, "object", "null"):
            self.fault(node.at, f".* is asked of {_said(base)}, which is no object", "The items of a list are [*]")
        return list_of(self.check(node.children[1], values_of(base)))

    def _several(self, node: Node, here: Type) -> Type:
        return list_of(join_all([self.check(child, here) for child in node.children]))

    def _object(self, node: Node, here: Type) -> Type:
        fields = {child.value: self.check(child.children[0], here, droppable=True) for child in node.children}
        return record(fields)

    def _not(self, node: Node, here: Type) -> Type:
        self.check(node.children[0], here)
        return BOOLEAN

    def _comparator(self, node: Node, here: Type) -> Type:
        left, right = (self.check(child, here) for child in node.children)
        if node.value in ("eq", "ne"):
            return BOOLEAN
        for child, type_ in zip(node.children, (left, right), strict=True):
            if type_.runtime_kind not in (None, "number", "string"):
                self.fault(child.at, f"{_said(type_)} has no order", "Numbers and texts can be compared")
                return BOOLEAN
        kinds = {left.runtime_kind, right.runtime_kind} - {None}
        if len(kinds) > 1:
            self.fault(
                node.at,
                f"{_said(left)} and {_said(right)} have no order",
                "Compare numbers with numbers: to_number(a) makes one of a text",
            )
        return BOOLEAN

    def _expression(self, node: Node, here: Type) -> Type:
        return self.fault(
            node.at,
            "'&' belongs before an argument that takes an expression",
            "map, sort_by, max_by and min_by take one; 'and' is written &&",
        )

    def _function(self, node: Node, here: Type, droppable: bool) -> Type:
        name: str = node.value
        function = FUNCTIONS.get(name)
        if function is None:
            other = OTHER_NAMES.get(name.lower())
            hint = suggest.hint(name, FUNCTIONS, "The functions are")
            return self.fault(
                node.at, f"Unknown function '{shown(name)}'", f"Did you mean '{other}'? {hint}" if other else hint
            )
        if not self._arity(node, function):
            return ANY
        types = self._arguments(node, function, here, droppable)
        if name == "root":
            return self.scope
        if name == "omit" and not droppable:
            return self.fault(
                node.at,
                "omit() has no key here that it could drop",
                "It is the value of a key, or a branch of if, coalesce or || that is one",
            )
        return function.result(types)

    def _arity(self, node: Node, function: Function) -> bool:
        given = len(node.children)
        if function.fewest <= given and (function.most is None or given <= function.most):
            return True
        wanted = str(function.fewest)
        if function.most is None:
            wanted += " or more"
        elif function.most > function.fewest:
            wanted += f" or {function.most}"
        plural = "" if wanted == "1" else "s"
        self.fault(
            node.at,
            f"{function.name}() takes {wanted} argument{plural}, not {given}",
            f"Write {signature(function)}",
        )
        return False

    def _arguments(self, node: Node, function: Function, here: Type, droppable: bool) -> list[Type]:
        types: dict[int, Type] = {}
        late: list[int] = []
        items = ANY
        for index, child in enumerate(node.children):
            parameter = function.parameter(index)
            if "expression" in parameter.kinds:
                late.append(index)
                continue
            passes = function.name == "coalesce" or (function.name == "if" and index > 0)
            types[index] = items = self.check(child, here, droppable=droppable and passes)
            self._argument(child, function, index, parameter, items)
        for index in late:
            types[index] = self._expression_argument(function, node.children[index], items.element)
        return [types[index] for index in range(len(node.children))]

    def _argument(self, child: Node, function: Function, index: int, parameter: Parameter, type_: Type) -> None:
        kind = type_.runtime_kind
        misfit = parameter.kinds and kind is not None and kind not in parameter.kinds
        held = type_.element.runtime_kind if type_.kind == "list" else None
        if not misfit and parameter.items and held is not None:
            misfit = held not in parameter.items
        if parameter.words and child.kind == "literal" and child.value not in parameter.words:
            misfit = True
        if misfit:
            self.fault(
                child.at,
                f"Argument {index + 1} of {function.name}() must be {parameter.said}, not {_said(type_)}",
                f"Write {signature(function)}",
            )

    def _expression_argument(self, function: Function, child: Node, element: Type) -> Type:
        if child.kind != "expref":
            return self.fault(
                child.at,
                f"{function.name}() takes an expression here, which is evaluated for each item",
                f"Put & before it: {signature(function)}",
            )
        type_ = self.check(child.children[0], element)
        if function.name != "map" and type_.runtime_kind not in (None, "number", "string"):
            self.fault(child.at, f"{_said(type_)} has no order", f"{function.name}() sorts by numbers or texts")
        return type_


def _said(type_: Type) -> str:
    if type_.kind == "record" and type_.name:
        return f"an object ({type_.name})"
    if type_.kind == "list" and type_.element.runtime_kind is not None:
        return f"a list, each item {said(type_.element.runtime_kind)}"
    return said(type_.runtime_kind or "object")


_NODES: Final[dict[str, Callable[[Checker, Node, Type], Type]]] = {
    "field": Checker._field,  # noqa: SLF001 - the class's own table
    "literal": Checker._literal,  # noqa: SLF001
    "current": Checker._here,  # noqa: SLF001
    "identity": Checker._here,  # noqa: SLF001
    "subexpression": Checker._chain,  # noqa: SLF001
    "index_expression": Checker._chain,  # noqa: SLF001
    "pipe": Checker._chain,  # noqa: SLF001
    "index": Checker._index,  # noqa: SLF001
    "slice": Checker._slice,  # noqa: SLF001
    "projection": Checker._projection,  # noqa: SLF001
    "filter_projection": Checker._filter,  # noqa: SLF001
    "flatten": Checker._flatten,  # noqa: SLF001
    "value_projection": Checker._values,  # noqa: SLF001
    "multi_select_list": Checker._several,  # noqa: SLF001
    "multi_select_dict": Checker._object,  # noqa: SLF001
    "not_expression": Checker._not,  # noqa: SLF001
    "comparator": Checker._comparator,  # noqa: SLF001
    "expref": Checker._expression,  # noqa: SLF001
}
