"""Compiles the mappings of a node contract: `let`, `request`, `expect`, `response` and `transform`.

Works on the contract's plain values, so that the validator finds every fault of a mapping whatever else is
wrong with the file.
"""

from collections.abc import Mapping
from typing import Final

from omnibase_core.contracts.expectations import read_expectation, with_expectation
from omnibase_core.contracts.mapped import Declared, Mapped
from omnibase_core.contracts.operations import OPERATIONS
from omnibase_core.contracts.outputs import check_output
from omnibase_core.contracts.requests import RequestCompiler
from omnibase_core.contracts.scope import ENVELOPE, type_of_model, type_of_result
from omnibase_core.mapping.compiler import TemplateCompiler
from omnibase_core.mapping.faults import Fault, Place, TemplateFault
from omnibase_core.mapping.static import ANY, Type, record
from omnibase_core.mapping.template import Template

_SURELY_SHALLOW: Final = 16  # well below what an envelope may nest, with what is expected added


def compile_transform(contract: Mapping[str, object], models: Declared, faults: list[TemplateFault]) -> Mapped:
    """The mapping of a COMPUTE node, its `let` and `transform`; adds to the faults."""
    mapped = Mapped(("transform",))
    scope = _lets(contract.get("let"), ("let",), mapped, models, faults)
    compiler = TemplateCompiler(scope)
    template = compiler.compile(contract["transform"], mapped.place)
    check_output(template, contract["transform"], models.output, compiler, mapped.place)
    _take(mapped, compiler, faults)
    mapped.payload = template.render
    return mapped


def compile_entry(
    entry: Mapping[str, object], place: Place, models: Declared, faults: list[TemplateFault]
) -> Mapped:
    """The mapping of an entry of io_operations; adds to the faults."""
    mapped = Mapped(place)
    scope = _lets(entry.get("let"), (*place, "let"), mapped, models, faults)
    listed = entry.get("operations")
    operations = (
        tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list | tuple) else ()
    )
    request = entry.get("request")
    if isinstance(request, dict) and len(operations) == 1 and operations[0] in OPERATIONS:
        requests = RequestCompiler(scope, operations[0])
        template = requests.compile(request, (*place, "request"))
        mapped.payload = template.render
        mapped.is_json = template.levels is not None and template.levels <= _SURELY_SHALLOW
        mapped.roots |= requests.roots
        faults += requests.faults
    _expect(entry, operations, mapped, faults)
    if "response" in entry:
        visible = {**scope.fields, "result": type_of_result(operations)}
        compiler = TemplateCompiler(record(visible))
        template = compiler.compile(entry["response"], (*place, "response"))
        check_output(template, entry["response"], models.output, compiler, (*place, "response"))
        _take(mapped, compiler, faults)
        mapped.response = template.render
    return mapped


def _expect(
    entry: Mapping[str, object], operations: tuple[str, ...], mapped: Mapped, faults: list[TemplateFault]
) -> None:
    place, expect, request = (*mapped.place, "expect"), entry.get("expect"), entry.get("request")
    if expect is not None and request is None:
        hint = "It is checked where the node itself makes the request"
        faults.append(TemplateFault(place, Fault(0, "'expect' without a 'request'", hint)))
    if request is None or len(operations) != 1:
        return
    mapped.expectation = expected = read_expectation(operations[0], expect, request, place, faults)
    render = mapped.payload
    if render is not None and expected.payload is not None:
        mapped.payload = lambda scope: with_expectation(render(scope), expected.payload)


def _lets(given: object, place: Place, mapped: Mapped, models: Declared, faults: list[TemplateFault]) -> Type:
    """Compiles `let`, each entry in sight of those before it; gives the scope of the rest."""
    types: dict[str, Type] = {}
    whole = _scope(models, types)
    for name, value in given.items() if isinstance(given, dict) else ():
        compiler = TemplateCompiler(whole)
        template: Template = compiler.compile(value, (*place, name))
        _take(mapped, compiler, faults)
        mapped.lets.append((name, template.render))
        types[name] = template.type
        whole = _scope(models, types)
    return whole


def _scope(models: Declared, lets: Mapping[str, Type]) -> Type:
    given = ANY if models.input is None else type_of_model(models.input)
    return record({"input": given, "envelope": ENVELOPE, "let": record(lets, "let")})


def _take(mapped: Mapped, compiler: TemplateCompiler, faults: list[TemplateFault]) -> None:
    mapped.roots |= compiler.roots
    faults += compiler.faults
