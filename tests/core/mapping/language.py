"""Expressions and templates as tests write them: compiled for a scope, evaluated at once."""

from collections.abc import Mapping

from omnibase_core.mapping.compiler import TemplateCompiler
from omnibase_core.mapping.faults import EvaluationError, Fault
from omnibase_core.mapping.static import ANY, Type, record
from omnibase_core.mapping.template import Template


class RefusedError(Exception):
    """A template that was refused, with its faults."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


def compiled(template: object, scope: Type) -> Template:
    """The template, compiled. Raises RefusedError."""
    compiler = TemplateCompiler(scope)
    result = compiler.compile(template, ("place",))
    errors = [fault for _, fault in compiler.faults if fault.severity == "error"]
    if errors:
        raise RefusedError(errors)
    return result


def render(template: object, scope: Mapping[str, object], types: Type | None = None) -> object:
    """What the template gives for a scope; by default nothing is known of the roots but their names."""
    known = types or record(dict.fromkeys(scope, ANY))
    return compiled(template, known).render(scope)


def value_of(expression: str, **roots: object) -> object:
    """The value of an expression over these roots."""
    return render(f"${{{{ {expression} }}}}", roots)


def failure_of(expression: str, **roots: object) -> str:
    """Why an expression has no value."""
    try:
        value = value_of(expression, **roots)
    except EvaluationError as error:
        return error.sentence
    raise AssertionError(f"{expression} gives {value!r}")


def fault_of(expression: str, types: Type | None = None) -> Fault:
    """The first fault for which an expression is refused; `at` counts from the expression's first character."""
    try:
        compiled(f"${{{{{expression}}}}}", types or record({"input": ANY, "envelope": ANY}))
    except RefusedError as error:
        fault = error.faults[0]
        return fault._replace(at=fault.at - 3)
    raise AssertionError(f"{expression} was not refused")
