"""Calls of functions as closures: arguments are evaluated, held to what the function takes, and passed on."""

from collections.abc import Callable, Sequence
from typing import Final

from omnibase_core.mapping.faults import EvaluationError
from omnibase_core.mapping.functions import FUNCTIONS
from omnibase_core.mapping.signatures import Function, check_argument
from omnibase_core.mapping.tree import Node
from omnibase_core.mapping.values import OMITTED, kind_of, said

Closure = Callable[[object, object], object]
Compile = Callable[[Node], Closure]


def compile_call(node: Node, compile_tree: Compile) -> Closure:
    """The closure of a call; `compile_tree` compiles the arguments."""
    function = FUNCTIONS[node.value]
    if function.call is None:
        return _SPECIAL[node.value]([compile_tree(child) for child in node.children])
    arguments = [
        _expression(compile_tree(child.children[0]))
        if child.kind == "expref"
        else _argument(function, index, compile_tree(child))
        for index, child in enumerate(node.children)
    ]
    return _calling(function.name, function.call, arguments)


def _argument(function: Function, index: int, part: Closure) -> Closure:
    """An argument that has been held to what the function takes."""
    parameter = function.parameter(index)
    if not parameter.kinds:
        return part
    name = function.name

    def argument(here: object, root: object) -> object:
        value = part(here, root)
        misfit = check_argument(parameter, value)
        if misfit is not None:
            missing = "; coalesce(a, …) stands in for null" if value is None else ""
            raise EvaluationError(f"argument {index + 1} {misfit}{missing}", name)
        return value

    return argument


def _calling(name: str, call: Callable[..., object], arguments: Sequence[Closure]) -> Closure:
    def result(here: object, root: object) -> object:
        values = [argument(here, root) for argument in arguments]
        try:
            return call(*values)
        except EvaluationError as error:
            error.function = error.function or name
            raise

    return result


def _expression(part: Closure) -> Closure:
    """An argument with `&`: a function of one element."""
    return lambda here, root: lambda element: part(element, root)


def _if(arguments: Sequence[Closure]) -> Closure:
    condition, then, otherwise = arguments

    def choose(here: object, root: object) -> object:
        value = condition(here, root)
        if value is True:
            return then(here, root)
        if value is False:
            return otherwise(here, root)
        kind = said(kind_of(value))
        raise EvaluationError(f"argument 1 must be a boolean, not {kind}; a comparison gives one", "if")

    return choose


def _coalesce(arguments: Sequence[Closure]) -> Closure:
    def first(here: object, root: object) -> object:
        return next((value for part in arguments if (value := part(here, root)) is not None), None)

    return first


def _root(arguments: Sequence[Closure]) -> Closure:
    return lambda here, root: root


def _omit(arguments: Sequence[Closure]) -> Closure:
    return lambda here, root: OMITTED


_SPECIAL: Final[dict[str, Callable[[Sequence[Closure]], Closure]]] = {
    "if": _if,
    "coalesce": _coalesce,
    "root": _root,
    "omit": _omit,
}
