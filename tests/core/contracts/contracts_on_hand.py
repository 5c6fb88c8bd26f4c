"""Contract files for tests, in memory."""

from collections.abc import Mapping

from omnibase_core.contracts.load import LoadedContract, load_contract
from omnibase_core.contracts.reading import ContractReader, FileRefusal

from tools.reference.refusals import not_found

NODE = """\
node_version: "1.0.0"
name: "fetch_user"
node_type: "EFFECT"
input_model: {name: "ModelRequest", fields: [{name: "url", type: "string"}]}
output_model: {name: "ModelResponse", fields: [{name: "body", type: "any"}]}
io_operations:
  - {type: "http", operations: ["http.get"]}
"""


def runtime_text(
    *, handlers: str = '[{type: "http"}]', event_bus: str = '{kind: "inmemory"}', more: str = ""
) -> str:
    """A runtime contract with these parts, as YAML in one line each, and one node."""
    return (
        f'runtime:\n  name: "orders"\n  version: "1.0.0"\n  event_bus: {event_bus}\n'
        f'  handlers: {handlers}\n  nodes: [{{slug: "fetch_user"}}]\n{more}'
    )


def reader_of(files: Mapping[str, str | bytes]) -> ContractReader:
    """Reads from memory."""

    def read(path: str) -> bytes | FileRefusal:
        if path not in files:
            return not_found(path)
        content = files[path]
        return content.encode() if isinstance(content, str) else content

    return read


def load(
    runtime: str,
    files: Mapping[str, str | bytes] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    no_environment: bool = False,
    lenient: bool = False,
    allow_local: bool = False,
    in_memory: bool = False,
) -> LoadedContract:
    """Loads `runtime.yaml` of this text, beside the one good node and these files."""
    every = {"runtime.yaml": runtime, "nodes/fetch_user.yaml": NODE, **(files or {})}
    return load_contract(
        "runtime.yaml",
        reader_of(every),
        None if no_environment else environment or {},
        lenient=lenient,
        allow_local=allow_local,
        in_memory=in_memory,
    )


def messages(loaded: LoadedContract) -> list[str]:
    """The first line of every problem."""
    return [problem.message for problem in loaded.problems]
