"""How the loader gets at files: through a reader that the caller passes in, since core reads none itself."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Refusal
from omnibase_core.contracts.prepare import prepare
from omnibase_core.contracts.source import Path, parse_yaml


class FileRefusal(NamedTuple):
    """Why a file could not be read.

    is_missing: there is no such file, so another place may be tried. near: the name of a file beside it that was
    probably meant.
    """

    refusal: Refusal
    is_missing: bool
    near: str | None = None


class ContractReader(Protocol):
    """Reads a file. The path is absolute or relative to where the caller stands, `~` not expanded."""

    def __call__(self, path: str) -> bytes | FileRefusal:
        """The file's bytes, or why there are none; never raises."""


class Loading:
    """One run of the loader.

    environment: the variables for `${}`; None checks without them, and an unset one is a warning.
    allow_local: whether handler type `local` is accepted, as the dev entry point does.
    tolerant: an unset variable is a warning with an environment too.
    unused: a part of contracts that nobody reads: an unset variable is no problem there.
    files: every path that was read, in order.
    """

    def __init__(
        self,
        read: ContractReader,
        environment: Mapping[str, str] | None,
        findings: Findings,
        allow_local: bool = False,
        tolerant: bool = False,
        unused: Path = (),
    ) -> None:
        self.read = read
        self.environment = environment
        self.findings = findings
        self.allow_local = allow_local
        self.tolerant = tolerant
        self.unused = unused
        self.files: list[str] = []

    def open(self, path: str, *, at: Origin | None = None, expands: bool) -> ContractFile | None:
        """The file at a path, ready to be checked; None, and problems, where it cannot be.

        `at` is the place that named the path; without it a file that cannot be read is its own problem.
        """
        content = self.read(path)
        if isinstance(content, FileRefusal):
            if at is None:
                self.findings.add_file(path, content.refusal)
            else:
                self.findings.add(at, content.refusal)
            return None
        return self.parse(content, path, expands=expands)

    def parse(self, content: bytes | str, path: str, *, expands: bool) -> ContractFile | None:
        """The same for content that has been read."""
        self.files.append(path)
        document, problems = parse_yaml(content, path)
        self.findings.extend(problems)
        if document is None:
            return None
        if not isinstance(document.value, dict):
            refusal = Refusal(
                "The file is not a mapping", "A contract is a mapping of fields", "Write `field: value`"
            )
            self.findings.add(Origin(ContractFile(document, None), ()), refusal)
            return None
        if expands:
            return prepare(document, self.environment, self.findings, tolerant=self.tolerant, unused=self.unused)
        return ContractFile(document, document.value)


def beside(file: str, path: str) -> str:
    """A path that a file names: absolute as it is, else from the file's folder."""
    folder, slash, _ = file.rpartition("/")
    return path if path.startswith("/") else f"{folder}{slash}{path}"
