"""Two contracts side by side: every change, whom it affects, and whether it breaks them. Pure.

Both sides are checked as `validate` does, without an environment: a variable is compared by its name.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from omnibase_core.contracts.changes import ModelContractChange, placed
from omnibase_core.contracts.compare_node import compare_nodes
from omnibase_core.contracts.compare_runtime import compare_runtimes
from omnibase_core.contracts.findings import Refusal, value_at
from omnibase_core.contracts.load import load_contract, load_node
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.reading import ContractReader, FileRefusal
from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract
from omnibase_core.contracts.schema import kind_of
from omnibase_core.contracts.source import YamlDocument, parse_yaml
from omnibase_core.enums import EnumErrorCode
from omnibase_core.errors import ContractValidationError
from omnibase_core.problems import ModelProblem


class Side(NamedTuple):
    """One of two contracts: a runtime contract with its nodes, or a node contract alone (runtime None).

    files: the runtime contract's document under its path, each node's under its slug in `node_files`.
    """

    path: str
    runtime: ModelRuntimeHostContract | None
    file: YamlDocument
    nodes: Mapping[str, ModelNodeContract]
    node_files: Mapping[str, YamlDocument]


def read_side(path: str, read: ContractReader) -> Side:
    """Loads one side. Raises ContractValidationError with every problem where it is no sound contract."""
    document = _document(path, read)
    if kind_of(document.value) == "runtime":
        return _runtime_side(path, document, read)
    loaded = load_node(path, read)
    if loaded.node is None:
        raise ContractValidationError(loaded.problems)
    name = loaded.node.name
    return Side(path, None, document, {name: loaded.node}, {name: document})


def compare(old: Side, new: Side) -> tuple[ModelContractChange, ...]:
    """Every change, the breaking ones first. Raises ContractValidationError for two kinds of contract."""
    if (old.runtime is None) != (new.runtime is None):
        raise ContractValidationError([_problem(new.path, _KINDS)])
    return tuple(sorted(_changes(old, new), key=ModelContractChange.sort_key))


def _changes(old: Side, new: Side) -> Iterator[ModelContractChange]:
    if old.runtime is None or new.runtime is None:
        (before,), (after,) = old.nodes.values(), new.nodes.values()
        yield from placed(compare_nodes(before, after), before.name, old.file, new.file)
        return
    yield from placed(compare_runtimes(old.runtime, new.runtime, old.file, new.file), None, old.file, new.file)
    for slug in sorted(old.nodes.keys() & new.nodes.keys()):
        findings = compare_nodes(old.nodes[slug], new.nodes[slug])
        yield from placed(findings, slug, old.node_files[slug], new.node_files[slug])


def _runtime_side(path: str, document: YamlDocument, read: ContractReader) -> Side:
    loaded = load_contract(path, read, None)
    if loaded.runtime is None:
        raise ContractValidationError(loaded.problems)
    documents = [_document(file, read) for file in loaded.files[1:]]
    nodes = [(value_at(each.value, ("name",)), each) for each in documents if kind_of(each.value) == "node"]
    by_name = {name: each for name, each in nodes if isinstance(name, str)}
    node_files = {slug: by_name[slug] for slug in loaded.nodes}
    return Side(path, loaded.runtime, document, loaded.nodes, node_files)


def _document(path: str, read: ContractReader) -> YamlDocument:
    content = read(path)
    if isinstance(content, FileRefusal):
        raise ContractValidationError([_problem(path, content.refusal)])
    document, problems = parse_yaml(content, path)
    if document is None:
        raise ContractValidationError(problems)
    return document


def _problem(file: str, refusal: Refusal) -> ModelProblem:
    return ModelProblem(file=file, code=EnumErrorCode.CONTRACT_VALIDATION_ERROR, **refusal._asdict())


_KINDS = Refusal(
    "One of the two is a runtime contract, the other a node contract",
    "Two versions of the same contract are compared",
    "Name two runtime contracts, or two node contracts",
)
