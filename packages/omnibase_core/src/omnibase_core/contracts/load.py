"""The one validator: what `validate`, start-up and editors know of a contract, they know from here.

Pure: files come through a reader, variables from a mapping. One run reports every problem of every file.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, JsonValue

from omnibase_core import suggest
from omnibase_core.contracts.bindings import HANDLER_NAME, ModelEventBusBinding, ModelTopics
from omnibase_core.contracts.check_bus import check_bus
from omnibase_core.contracts.check_handlers import CheckedHandlers, check_handlers
from omnibase_core.contracts.check_node import check_node
from omnibase_core.contracts.crosscheck import check_dependencies, check_operations, check_registration, check_slug
from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Refusal, Section
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.observability import ModelObservability, check_observability
from omnibase_core.contracts.reading import ContractReader, FileRefusal, Loading, beside
from omnibase_core.contracts.runtime_host import ModelNodeEntry, ModelRuntimeEntry, ModelRuntimeHostContract
from omnibase_core.contracts.schema import SCHEMA_VERSION, accept_schema_version, kind_of
from omnibase_core.contracts.secrets_config import ModelSecrets, check_secrets
from omnibase_core.contracts.shape import check
from omnibase_core.errors import ContractValidationError, shown
from omnibase_core.problems import ModelProblem
from omnibase_core.topics import local_topics


class LoadedContract(NamedTuple):
    """A runtime contract with its nodes by slug, or why there is none.

    runtime: None where any problem is an error, and where a value that it needs is that of an unset variable.
    problems: errors and warnings, by file, line and column.
    files: every file that was read, the runtime contract first.
    """

    runtime: ModelRuntimeHostContract | None
    nodes: Mapping[str, ModelNodeContract]
    problems: tuple[ModelProblem, ...]
    files: tuple[str, ...]

    def require(self) -> ModelRuntimeHostContract:
        """The runtime contract; raises ContractValidationError with every problem where there is none."""
        if self.runtime is None:
            raise ContractValidationError(self.problems)
        return self.runtime


class LoadedNode(NamedTuple):
    """A node contract, or why there is none."""

    node: ModelNodeContract | None
    problems: tuple[ModelProblem, ...]


class ModelRuntimeFile(BaseModel):
    """The top level of a runtime contract's file."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    schema_version: str = SCHEMA_VERSION
    runtime: dict[str, JsonValue]


_A_NODE: Final = Refusal(
    "This is a node contract, and a runtime contract is wanted",
    "A runtime contract has `runtime` at its top, and lists its nodes by slug",
    "Name the runtime contract that lists this node",
)


_BUS: Final = ("runtime", "event_bus")


class _Node(NamedTuple):
    """A node entry, its file and its contract, as far as each could be had."""

    slug: str
    entry: ModelNodeEntry | None
    file: ContractFile | None
    contract: ModelNodeContract | None


def load_contract(
    path: str,
    read: ContractReader,
    environment: Mapping[str, str] | None,
    *,
    lenient: bool = False,
    allow_local: bool = False,
    tolerate_unset: bool = False,
    in_memory: bool = False,
) -> LoadedContract:
    """Loads and checks a runtime contract and everything that it names; never raises.

    environment: the variables for `${}`. None checks without an environment: an unset variable is then a
    warning, and the contract is for looking at, not for running.
    lenient: unknown fields are warnings. allow_local: handler type `local` is accepted. tolerate_unset: an
    unset variable is a warning with an environment too, and the contract is for looking at.
    in_memory: for a host on the in-memory bus whatever the contract says, which needs no variable of another bus.
    """
    unused = _BUS if in_memory else ()
    loading = Loading(read, environment, Findings(lenient=lenient), allow_local, tolerate_unset, unused)
    file = loading.open(path, expands=True)
    nodes: dict[str, ModelNodeContract] = {}
    runtime = None
    if file is not None and accept_schema_version(file, loading.findings):
        runtime = _load(file, loading, nodes)
    problems = loading.findings.sorted()
    is_sound = all(problem.severity == "warning" for problem in problems)
    return LoadedContract(runtime if is_sound else None, nodes, problems, tuple(loading.files))


def load_observability(
    path: str, read: ContractReader, environment: Mapping[str, str]
) -> tuple[ModelObservability | None, tuple[ModelProblem, ...]]:
    """The `observability` of a runtime contract, for a host that runs already; None where the file has an error.

    What its handlers and nodes say is not looked at. Never raises.
    """
    loading = Loading(read, environment, Findings(lenient=False), allow_local=False)
    file, entry = loading.open(path, expands=True), None
    if file is not None and accept_schema_version(file, loading.findings):
        top = Section(file.value, Origin(file, ()))
        check(ModelRuntimeFile, top, loading.findings)
        entry = check(ModelRuntimeEntry, top.child("runtime"), loading.findings)
        check_observability(top.child("runtime").child("observability"), loading.findings)
    problems = loading.findings.sorted()
    is_sound = entry is not None and all(problem.severity == "warning" for problem in problems)
    return (entry.observability if is_sound and entry is not None else None), problems


def load_node(path: str, read: ContractReader, *, lenient: bool = False, allow_local: bool = False) -> LoadedNode:
    """Loads and checks one node contract on its own; never raises."""
    loading = Loading(read, None, Findings(lenient=lenient), allow_local)
    return _loaded_node(loading.open(path, expands=False), loading)


def parse_node_contract(
    text: str | bytes, file: str = "node.yaml", *, allow_local: bool = False
) -> ModelNodeContract:
    """The node contract of a text. Raises ContractValidationError with every problem."""
    loading = Loading(_no_files, None, Findings(), allow_local)
    node, problems = _loaded_node(loading.parse(text, file, expands=False), loading)
    if node is None:
        raise ContractValidationError(problems)
    return node


def _no_files(path: str) -> FileRefusal:
    return FileRefusal(Refusal("No files here"), is_missing=True)


def _loaded_node(file: ContractFile | None, loading: Loading) -> LoadedNode:
    node = None if file is None else check_node(file, loading.findings, allow_local=loading.allow_local)
    problems = loading.findings.sorted()
    is_sound = all(problem.severity == "warning" for problem in problems)
    return LoadedNode(node if is_sound else None, problems)


def _load(
    file: ContractFile, loading: Loading, contracts: dict[str, ModelNodeContract]
) -> ModelRuntimeHostContract | None:
    top = Section(file.value, Origin(file, ()))
    if kind_of(file.value) == "node":
        loading.findings.add(top.origin(), _A_NODE)
        return None
    outer = check(ModelRuntimeFile, top, loading.findings)
    section = top.child("runtime")
    if not isinstance(section.value, dict):
        return None
    entry = check(ModelRuntimeEntry, section, loading.findings)
    check_secrets(section.child("secrets"), loading.findings)
    check_observability(section.child("observability"), loading.findings)
    host = str(section.value.get("name"))
    bus = _bus(section.child("event_bus"), host, loading) if "event_bus" in section.value else None
    handlers = check_handlers(section.child("handlers"), loading)
    check_registration(section.child("registration"), handlers.slots, loading.findings)
    nodes = _load_nodes(section.child("nodes"), handlers, loading)
    contracts.update({node.slug: node.contract for node in nodes if node.contract is not None})
    if outer is None or entry is None or bus is None:
        return None
    return ModelRuntimeHostContract(
        schema_version=outer.schema_version,
        name=entry.name,
        version=entry.version,
        event_bus=bus,
        handlers=handlers.bindings,
        nodes=tuple(node.entry for node in nodes if node.entry is not None),
        observability=entry.observability,
        secrets=entry.secrets or ModelSecrets.model_construct(),
        registration=entry.registration,
    )


def _bus(section: Section, host: str, loading: Loading) -> ModelEventBusBinding | None:
    """The bus; of one that is not used and lacks variables, a stand-in that says its kind."""
    bus = check_bus(section, host, loading.findings)
    kind = section.mapping().get("kind")
    if bus is not None or not loading.unused or kind not in ("kafka", "inmemory"):
        return bus
    topics = ModelTopics.model_validate(local_topics(host))
    return ModelEventBusBinding.model_validate({"kind": kind, "topics": topics})


def _load_nodes(section: Section, handlers: CheckedHandlers, loading: Loading) -> list[_Node]:
    nodes: list[_Node] = []
    first: dict[str, Section] = {}
    for entry in section.items():
        checked = check(ModelNodeEntry, entry, loading.findings)
        slug = entry.mapping().get("slug")
        if not isinstance(slug, str):
            continue
        if slug in first:
            _refuse_duplicate(entry, first[slug], slug, loading.findings)
            continue
        first[slug] = entry
        node_file = _find(entry, slug, loading)
        contract = None
        if node_file is not None:
            contract = check_node(node_file, loading.findings, allow_local=loading.allow_local)
        nodes.append(_Node(slug, checked, node_file, contract))
    runtime_file = section.origin().file.file
    for node in nodes:
        if node.file is not None:
            inside = Section(node.file.value, Origin(node.file, ()))
            check_slug(inside, node.slug, runtime_file, loading.findings)
            check_operations(inside, handlers.slots, runtime_file, loading.findings)
            check_dependencies(inside, list(first), runtime_file, loading.findings)
    return nodes


def _refuse_duplicate(entry: Section, first: Section, slug: str, findings: Findings) -> None:
    place = first.origin()
    findings.add(
        entry.origin(("slug",)),
        Refusal(
            f"Two nodes have the slug '{shown(slug)}'",
            f"The first is at line {place.file.document.position(place.path).line}",
            "Remove or rename one of the two",
        ),
    )


def _find(entry: Section, slug: str, loading: Loading) -> ContractFile | None:
    """The node's file: where `contract` says, else in the default places, the first that exists."""
    named = entry.mapping().get("contract")
    at = entry.origin(("contract" if isinstance(named, str) else "slug",))
    if at.file.is_unchecked(at.path) or not (isinstance(named, str) or HANDLER_NAME.fullmatch(slug)):
        return None
    here = at.file.file
    if isinstance(named, str):
        places = [beside(here, named)]
    else:
        places = [beside(here, f"nodes/{slug}.yaml"), beside(here, f"{slug}.yaml")]
    near: str | None = None
    for place in places:
        content = loading.read(place)
        if not isinstance(content, FileRefusal):
            return loading.parse(content, place, expands=False)
        if not content.is_missing:
            loading.findings.add(at, content.refusal)
            return None
        near = near or content.near
    meant = (
        f"Did you mean '{shown(near if isinstance(named, str) else near.removesuffix('.yaml'))}'? " if near else ""
    )
    home = "; '~' is not expanded" if isinstance(named, str) and named.startswith("~") else ""
    loading.findings.add(
        at,
        Refusal(
            f"The contract of node '{shown(slug)}' was not found",
            f"{meant}Tried: {suggest.listed(shown(place, 256) for place in places)}{home}",
            "Create the file, or name it with `contract`",
        ),
    )
    return None
