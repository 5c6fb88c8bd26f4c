"""Two contracts side by side: every change, whom it affects, and whether it breaks them. Pure.

Both sides are checked as `validate` does, without an environment: a variable is compared by its name.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from omnibase_core.contracts.changes import Locate, ModelContractChange, placed
from omnibase_core.contracts.compare_node import compare_nodes
from omnibase_core.contracts.compare_runtime import compare_runtimes
from omnibase_core.contracts.findings import Refusal, holds, value_at
from omnibase_core.contracts.load import load_contract, load_node
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.reading import ContractReader, FileRefusal, beside
from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract
from omnibase_core.contracts.schema import kind_of
from omnibase_core.contracts.source import Path, YamlDocument, parse_yaml
from omnibase_core.enums import EnumErrorCode
from omnibase_core.errors import ContractValidationError
from omnibase_core.problems import ModelProblem


class Side(NamedTuple):
    """One of two contracts: a runtime contract with its nodes, or a node contract alone (runtime None).

    file: the document of the contract itself. node_files: those of its nodes by slug. config_files: those that a
    `config_ref` names, by path.
    """

    path: str
    runtime: ModelRuntimeHostContract | None
    file: YamlDocument
    nodes: Mapping[str, ModelNodeContract]
    node_files: Mapping[str, YamlDocument]
    config_files: Mapping[str, YamlDocument] = MappingProxyType({})

    def locate(self, path: Path) -> tuple[YamlDocument, Path]:
        """Where a path of the runtime contract is written: in a config_ref file where `config` lacks it."""
        home, inside = path[:3], path[4:]
        if path[:2] != ("runtime", "handlers") or path[3:4] != ("config",) or not inside:
            return self.file, path
        referred = value_at(self.file.value, (*home, "config_ref"))
        if not isinstance(referred, str) or holds(value_at(self.file.value, path[:4]), inside[0]):
            return self.file, path
        document = self.config_files.get(beside(self.path, referred))
        if document is None or not holds(document.value, inside[0]):
            return self.file, path
        return document, inside

    def locate_in(self, slug: str) -> Locate:
        """Finds paths of a node's contract."""
        return lambda path: (self.node_files[slug], path)


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
        findings = compare_nodes(before, after)
        yield from placed(findings, before.name, old.locate_in(before.name), new.locate_in(after.name))
        return
    yield from placed(compare_runtimes(old.runtime, new.runtime, old.file, new.file), None, old.locate, new.locate)
    for slug in sorted(old.nodes.keys() & new.nodes.keys()):
        findings = compare_nodes(old.nodes[slug], new.nodes[slug])
        yield from placed(findings, slug, old.locate_in(slug), new.locate_in(slug))


def _runtime_side(path: str, document: YamlDocument, read: ContractReader) -> Side:
    loaded = load_contract(path, read, None)
    if loaded.runtime is None:
        raise ContractValidationError(loaded.problems)
    documents = [_document(file, read) for file in loaded.files[1:]]
    nodes = [(value_at(each.value, ("name",)), each) for each in documents if kind_of(each.value) == "node"]
    by_name = {name: each for name, each in nodes if isinstance(name, str)}
    node_files = {slug: by_name[slug] for slug in loaded.nodes}
    config_files = {each.file: each for each in documents if kind_of(each.value) != "node"}
    return Side(path, loaded.runtime, document, loaded.nodes, node_files, config_files)


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
