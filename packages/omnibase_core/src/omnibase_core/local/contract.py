"""Loads a contract for the development host, and refuses what that host cannot run."""

import os
import sys

from omnibase_core.contracts.findings import Findings, Origin, Refusal, Section
from omnibase_core.contracts.load import LoadedContract, load_contract
from omnibase_core.contracts.operations import handler_type_of
from omnibase_core.contracts.reading import FileRefusal, Loading
from omnibase_core.contracts.source import MAX_BYTES
from omnibase_core.enums import EnumHandlerType, EnumNodeKind
from omnibase_core.errors import ContractValidationError, shown

NAME = "omninode-runtime-host-dev"


def load_local_contract(path: str) -> LoadedContract:
    """The contract, with warnings written to stderr. Raises ContractValidationError with every problem."""
    loaded = load_contract(path, _read, os.environ, allow_local=True)
    findings = Findings()
    findings.extend(loaded.problems)
    _refuse_what_is_not_local(path, loaded, findings)
    problems = findings.sorted()
    if any(problem.severity == "error" for problem in problems):
        raise ContractValidationError(problems)
    sys.stderr.writelines(f"{problem.render()}\n" for problem in problems)
    return loaded


def _refuse_what_is_not_local(path: str, loaded: LoadedContract, findings: Findings) -> None:
    file = Loading(_read, os.environ, Findings()).open(path, expands=True)
    if file is None:
        return
    runtime = Section(file.value, Origin(file, ())).child("runtime")
    for entry in runtime.child("handlers").items():
        written = entry.mapping().get("type")
        if handler_type_of(written) not in (None, EnumHandlerType.LOCAL):
            findings.add(
                entry.origin(("type",)),
                Refusal(
                    f"Handler type '{written}' is none of a development host",
                    f"{NAME} has local handlers only",
                    "Make its type local, or run the contract with onex-host",
                ),
            )
    for entry in runtime.child("nodes").items():
        node = loaded.nodes.get(str(entry.mapping().get("slug")))
        if node is not None and node.node_type is EnumNodeKind.COMPUTE:
            findings.add(
                entry.origin(("slug",)),
                Refusal(
                    f"COMPUTE node '{node.name}' has no function",
                    f"{NAME} registers none; an app-specific host does",
                    "Remove the node, or run the contract with onex-host run --host package.module:Class",
                ),
            )


def _read(path: str) -> bytes | FileRefusal:
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        refusal = Refusal(f"File {shown(path, 256)} could not be read: {reason}", None, "Check the path")
        return FileRefusal(refusal, is_missing=isinstance(error, FileNotFoundError | NotADirectoryError))
