"""Invariants that are about the shape of the code: who names what, who declares what, what stays a value."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest
from omnibase_core.envelope import ModelOnexEnvelope
from pydantic import BaseModel, ValidationError

from tests.architecture.source import Module, imports, modules

_CONCRETE: Final = re.compile(r"^(?!Protocol|Enum|Model|Runtime|Base|Dead)\w+(Handler|EventBus)$")
_OPAQUE: Final = {"payload", "metadata"}
_ENVELOPES: Final = {"envelope", "request", "response", "reply", "failure"}
_MUTATORS: Final = {"clear", "pop", "popitem", "setdefault", "update"}


def concrete_classes() -> dict[str, str]:
    """The concrete handlers and buses of infra, with the module that defines each."""
    return {
        node.name: module.name
        for module in modules("omnibase_infra.handlers", "omnibase_infra.event_bus")
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and _CONCRETE.match(node.name)
    }


def names(module: Module) -> Iterator[tuple[int, str]]:
    """Every name and attribute that a module uses, and every name that it imports."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
    yield from ((line, name.rpartition(".")[2]) for line, name in imports(module))


def mutations(tree: ast.AST) -> Iterator[int]:
    """Lines that change an envelope, or what an envelope holds."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
        if any(map(_is_in_envelope, targets)) or (isinstance(node, ast.Call) and _is_mutation(node)):
            yield getattr(node, "lineno", 0)


def _is_in_envelope(target: ast.expr) -> bool:
    if isinstance(target, ast.Subscript):
        return isinstance(target.value, ast.Attribute) and target.value.attr in _OPAQUE
    return (
        isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in _ENVELOPES
    )


def _is_mutation(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    if name == "object.__setattr__":
        return ast.unparse(call.args[0]) in _ENVELOPES
    owner, _, method = name.rpartition(".")
    return method in _MUTATORS and owner.rpartition(".")[2] in _OPAQUE


def test_only_wiring_names_a_concrete_handler_or_bus() -> None:
    concrete = concrete_classes()
    named = [
        f"{module.shown}:{line} names {name}"
        for module in modules("omnibase_infra", "omnibase_spi", "omnibase_core")
        for line, name in names(module)
        if name in concrete and module.name not in {concrete[name], "omnibase_infra.wiring"}
    ]
    assert concrete
    assert named == []


def test_infra_never_names_the_local_handler() -> None:
    assert [m.shown for m in modules("omnibase_infra") for _, name in names(m) if name == "LocalHandler"] == []


def test_infra_declares_no_protocol() -> None:
    declared = [
        f"{module.shown}:{node.lineno} {node.name}"
        for module in modules("omnibase_infra")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and any(_is_protocol(base) for base in node.bases)
    ]
    assert declared == [], "a protocol belongs into omnibase_spi, with a conformance check and two implementations"


def _is_protocol(base: ast.expr) -> bool:
    return ast.unparse(base).partition("[")[0] in {"Protocol", "typing.Protocol"}


def test_a_handler_type_is_the_enumeration_and_never_text() -> None:
    typed_otherwise = [
        f"{module.shown}:{line}"
        for module in modules()
        for node in ast.walk(module.tree)
        for line, name, annotation in _annotated(node)
        if name == "handler_type" and ("EnumHandlerType" not in annotation or "str" in annotation)
    ]
    assert typed_otherwise == []


def _annotated(node: ast.AST) -> Iterator[tuple[int, str, str]]:
    if isinstance(node, ast.AnnAssign):
        yield node.lineno, ast.unparse(node.target).rpartition(".")[2], ast.unparse(node.annotation)
    elif isinstance(node, ast.arg) and node.annotation is not None:
        yield node.lineno, node.arg, ast.unparse(node.annotation)
    elif isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield node.lineno, node.name, ast.unparse(node.returns)


def test_nobody_changes_an_envelope_and_only_its_own_module_builds_one_by_hand() -> None:
    others = [module for module in modules() if module.name != "omnibase_core.envelope"]
    assert [f"{module.shown}:{line}" for module in others for line in mutations(module.tree)] == []


@pytest.mark.parametrize(
    "code",
    [
        "envelope.metadata['routed_at'] = now",
        "self.envelope.payload['x'] += 1",
        "del request.metadata['x']",
        "envelope.correlation_id = new_id",
        "envelope.metadata.update(x=1)",
        "flight.envelope.payload.pop('x')",
        "object.__setattr__(envelope, 'correlation_id', new_id)",
    ],
)
def test_a_changed_envelope_is_seen(code: str) -> None:
    assert list(mutations(ast.parse(code))) == [1]


@pytest.mark.parametrize(
    "code", ["metadata = {**envelope.metadata}", "payload['x'] = 1", "error.operation = name"]
)
def test_building_a_new_value_is_no_change(code: str) -> None:
    assert list(mutations(ast.parse(code))) == []


def test_every_model_of_core_is_frozen() -> None:
    models = [
        found
        for module in modules("omnibase_core")
        for found in vars(importlib.import_module(module.name)).values()
        if inspect.isclass(found) and issubclass(found, BaseModel) and found.__module__ == module.name
    ]
    assert models
    assert [model.__qualname__ for model in models if not model.model_config.get("frozen")] == []


def test_an_envelope_refuses_to_be_changed() -> None:
    request = ModelOnexEnvelope(
        envelope_id=UUID(int=1), target_node="node", timestamp=datetime(2026, 1, 1, tzinfo=UTC)
    )
    with pytest.raises(ValidationError, match="frozen"):
        setattr(request, "correlation_id", UUID(int=2))  # noqa: B010 - the point of the test


def test_a_name_says_what_a_class_is() -> None:
    wrong = []
    written_from_a_contract = "omnibase_infra.examples.quickstart.models"
    for module in modules():
        if module.name == written_from_a_contract:
            continue
        loaded = importlib.import_module(module.name) if not module.name.endswith("__main__") else None
        for name, found in vars(loaded).items() if loaded else ():
            if inspect.isclass(found) and found.__module__ == module.name and not name.startswith("_"):
                model = issubclass(found, BaseModel)
                if model != name.startswith("Model"):
                    wrong.append(f"{module.name}.{name}")
    assert wrong == [], "Model* is a pydantic model that crosses a file or a wire, and nothing else is"


def test_nothing_reads_the_environment_at_import() -> None:
    reads = [
        f"{module.shown}:{node.lineno}"
        for module in modules()
        for statement in _at_import(module.tree)
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv", "sys.argv"}
    ]
    assert reads == []


def _at_import(tree: ast.Module | ast.ClassDef) -> Iterator[ast.stmt]:
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            yield from _at_import(statement)
        elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement
