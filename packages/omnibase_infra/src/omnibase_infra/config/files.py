"""Reads contract files, bounded, and hands them to core's validator; `validate` and start-up share it."""

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from omnibase_core import suggest
from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Refusal
from omnibase_core.contracts.node_file import validate_node_file
from omnibase_core.contracts.reading import FileRefusal
from omnibase_core.contracts.schema import ContractKind, kind_of, looks_like_contract
from omnibase_core.contracts.source import MAX_BYTES, YamlValue, parse_yaml
from omnibase_core.errors import shown

if TYPE_CHECKING:
    from omnibase_core.contracts.load import LoadedContract
    from omnibase_core.contracts.observability import ModelObservability
    from omnibase_core.problems import ModelProblem

TESTS = "tests"
"""The folder beside a runtime contract that holds the contract tests of its nodes."""

_SUFFIXES = (".yaml", ".yml")
_MOST_BESIDE = 1_000
_UNTESTED = Refusal(
    "No runtime contract is found for these tests, so their nodes and handlers are not checked",
    f"Tests stand in a folder named {TESTS} beside the runtime contract",
    "Move the file there, or run it with: onex-host test CONTRACT FILE",
)
_OF_RUNTIME = frozenset({"event_bus", "handlers", "nodes"})


class Validation(NamedTuple):
    """What `validate` found: every problem once, and the files that were read."""

    problems: "tuple[ModelProblem, ...]"
    files: tuple[str, ...]


class _Found(NamedTuple):
    path: str
    kind: ContractKind


def read_contract_file(path: str) -> bytes | FileRefusal:
    """The bytes of a contract file, or why there are none. Symlinks are followed, `~` is not expanded."""
    try:
        # Non-blocking, so that a FIFO is refused below instead of waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        return _unopened(path, error)
    try:
        refused = _refused(path, os.fstat(descriptor))
        if refused is not None:
            return refused
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        return _refusal(path, f"could not be read: {_reason(error)}", "Check the file system")
    finally:
        os.close(descriptor)


def load_contract_file(
    path: str, environment: Mapping[str, str] | None, *, lenient: bool = False
) -> "LoadedContract":
    """Loads and checks a runtime contract with its nodes and config_ref files; never raises.

    environment: the variables for `${}`; None checks without them, and the contract is not to be run.
    """
    from omnibase_core.contracts.load import load_contract  # a node contract alone is checked without the models

    return load_contract(path, read_contract_file, environment, lenient=lenient)


def load_observability_file(
    path: str, environment: Mapping[str, str]
) -> "tuple[ModelObservability | None, tuple[ModelProblem, ...]]":
    """The `observability` that a runtime contract has by now, or why there is none; never raises."""
    from omnibase_core.contracts.load import load_observability

    return load_observability(path, read_contract_file, environment)


def validate_paths(
    paths: Sequence[str], environment: Mapping[str, str] | None, *, lenient: bool = False
) -> Validation:
    """Checks files, and every runtime or node contract below folders.

    A node contract that a checked runtime contract names is checked there, and not a second time alone.
    """
    findings = Findings(lenient=lenient)
    found = [contract for path in paths for contract in _contracts(path, findings)]
    files: dict[str, str] = {}
    for path in (contract.path for contract in found if contract.kind == "runtime"):
        loaded = load_contract_file(path, environment, lenient=lenient)
        findings.extend(loaded.problems)
        files.update({os.path.realpath(file): file for file in loaded.files})
    for path in (contract.path for contract in found if contract.kind == "node"):
        if os.path.realpath(path) not in files:
            findings.extend(validate_node_file(path, read_contract_file, lenient=lenient))
            files[os.path.realpath(path)] = path
    for path in (contract.path for contract in found if contract.kind == "test"):
        _check_tests(path, environment, findings)
        files[os.path.realpath(path)] = path
    return Validation(findings.sorted(), tuple(files.values()))


def yaml_files(folder: str) -> Iterator[str]:
    """The YAML files below a folder, in their order; what cannot be read is passed over."""
    return _yaml_files(folder, Findings())


def kind_of_file(path: str) -> ContractKind | None:
    """The kind of contract that a file is; None for another file, and for one that cannot be read."""
    content = read_contract_file(path)
    document = None if isinstance(content, FileRefusal) else parse_yaml(content, path)[0]
    return None if document is None else kind_of(document.value)


def _check_tests(path: str, environment: Mapping[str, str] | None, findings: Findings) -> None:
    """Checks a file of contract tests against each runtime contract beside whose folder of tests it stands."""
    from omnibase_core.contracts.check_tests import load_tests

    contracts = list(_tested(path))
    for contract in contracts:
        loaded = load_contract_file(contract, environment, lenient=findings.lenient)
        findings.extend(load_tests(path, read_contract_file, loaded, lenient=findings.lenient).problems)
    if not contracts:
        findings.extend(load_tests(path, read_contract_file, None, lenient=findings.lenient).problems)
        findings.add_file(path, _UNTESTED, severity="warning")


def _tested(file: str) -> Iterator[str]:
    """The runtime contracts beside the folder of tests that holds a file."""
    before, found, _ = os.path.abspath(file).rpartition(f"/{TESTS}/")
    if not found:
        return
    home = os.path.relpath(before or "/")
    with os.scandir(home) as entries:
        beside = sorted(entry.name for entry in entries if entry.name.endswith(_SUFFIXES) and entry.is_file())
    yield from (
        path for name in beside if kind_of_file(path := os.path.normpath(os.path.join(home, name))) == "runtime"
    )


def _contracts(path: str, findings: Findings) -> Iterator[_Found]:
    """The contracts that a path of the command line means."""
    if not os.path.isdir(path):
        kind = _kind(path, findings, is_named=True)
        if kind is not None:
            yield _Found(path, kind)
        return
    count = 0
    for file in _yaml_files(path, findings):
        kind = _kind(file, findings, is_named=False)
        count += 1
        if kind is not None:
            yield _Found(file, kind)
    if not count:
        findings.add_file(
            path,
            Refusal("No YAML file is in this folder", "*.yaml and *.yml are looked for", "Name another folder"),
        )


def _yaml_files(folder: str, findings: Findings) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        findings.add_file(
            str(error.filename),
            Refusal(f"The folder could not be read: {_reason(error)}", None, "Check its permissions"),
        )

    for here, folders, files in os.walk(folder, onerror=refuse):
        # Kubernetes mounts each version of a config map in a hidden folder behind the visible links.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(here, name) for name in sorted(files) if name.endswith(_SUFFIXES))


def _kind(path: str, findings: Findings, *, is_named: bool) -> ContractKind | None:
    """The kind of a file. One that a folder happens to hold, and that is no contract, is passed over."""
    content = read_contract_file(path)
    if isinstance(content, FileRefusal):
        findings.add_file(path, content.refusal)
        return None
    document, problems = parse_yaml(content, path)
    if document is None:
        if is_named or looks_like_contract(content):
            findings.extend(problems)
        return None
    kind = kind_of(document.value)
    if kind is not None:
        return kind
    if (meant := _meant_as_runtime(document.value)) is not None:
        place = Origin(ContractFile(document, document.value), (meant,))
        known = "A runtime contract has `runtime` at its top"
        refusal = Refusal(
            f"Unknown field '{shown(meant)}'", f"Did you mean 'runtime'? {known}", "Correct the name"
        )
        findings.extend(problems)
        findings.add(place, refusal, at_key=True)
    elif is_named:
        findings.extend(problems)
        findings.add_file(
            path,
            Refusal(
                "The file is no runtime contract, no node contract and no file of contract tests",
                "A runtime contract has `runtime` at its top, a node contract `node_type`, tests have `tests`",
                "Name another file, or correct its fields",
            ),
        )
    return None


def _meant_as_runtime(value: YamlValue) -> str | None:
    """The key at the top of a file that has under it what only `runtime` has; None where there is none."""
    if not isinstance(value, dict):
        return None
    return next(
        (key for key, inner in value.items() if isinstance(inner, dict) and len(_OF_RUNTIME & inner.keys()) > 1),
        None,
    )


def _refused(path: str, status: os.stat_result) -> FileRefusal | None:
    if stat.S_ISDIR(status.st_mode):
        return _refusal(path, "is a folder", "Name a file in it")
    if not stat.S_ISREG(status.st_mode):
        return _refusal(path, "is no regular file", "Name a YAML file")
    if status.st_size > MAX_BYTES:
        return _refusal(path, f"has {status.st_size} bytes; a contract has at most {MAX_BYTES}", "Split the file")
    return None


def _unopened(path: str, error: OSError | ValueError) -> FileRefusal:
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR):
        if number == errno.ENOENT and os.path.islink(path):
            return _refusal(path, "is a symbolic link to nothing", "Correct the link")
        home = "; '~' is not expanded" if path.startswith("~") else ""
        near = _near(path)
        meant = f"Did you mean '{shown(near)}'? " if near else ""
        hint = f"{meant}A path is absolute, or relative to what names it{home}"
        message = f"File not found: {shown(path, 256)}"
        return FileRefusal(Refusal(message, hint, "Check the path"), is_missing=True, near=near)
    if number in (errno.EACCES, errno.EPERM):
        return _refusal(path, "may not be read by this user", "Check the permissions of the file and its folders")
    if number == errno.ELOOP:
        return _refusal(path, "is a symbolic link that leads in a circle", "Correct the link")
    return _refusal(path, f"could not be opened: {_reason(error)}", "Check the path")


def _near(path: str) -> str | None:
    """The name of a YAML file in the folder that looks like the one that is not there."""
    folder, name = os.path.split(path)
    try:
        with os.scandir(folder or ".") as entries:
            beside = [entry.name for entry in islice(entries, _MOST_BESIDE) if entry.name.endswith(_SUFFIXES)]
    except (OSError, ValueError):
        return None
    stems = {os.path.splitext(one)[0]: one for one in sorted(beside)}
    found = suggest.closest(os.path.splitext(name)[0], stems)
    return None if found is None else stems[found]


def _refusal(path: str, fault: str, action: str) -> FileRefusal:
    return FileRefusal(Refusal(f"File {shown(path, 256)} {fault}", None, action), is_missing=False)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or "unknown reason") if isinstance(error, OSError) else "it is no path"
