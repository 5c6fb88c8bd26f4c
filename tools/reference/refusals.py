"""What the validator says of each kind of mistake: the contracts under contracts/refused, and their messages."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from omnibase_core.contracts.findings import Refusal
from omnibase_core.contracts.load import LoadedContract, load_contract
from omnibase_core.contracts.reading import ContractReader, FileRefusal
from omnibase_core.errors import ContractValidationError

FOLDER: Final = Path(__file__).resolve().parents[2] / "contracts" / "refused"
_BASE: Final = FOLDER / "base"
_ENVIRONMENT: Final[Mapping[str, str]] = {"WORD": "several"}
_AROUND: Final = 1
_HEAD: Final = """\
# What is refused, and what is said

<!-- written by: uv run python -m tools.reference -->

One example of each kind of mistake in a contract, and the whole message that `onex-host validate`, and a host that
is started, answer it with. Each is a folder of [contracts/refused](../contracts/refused), whose message a test
compares; a file that the folder lacks is that of `base`. Each ends a start with exit code 1, unless its message
says `Warning`.
"""


class Row(NamedTuple):
    """A kind of mistake: its folder, and what is wrong there."""

    folder: str
    what: str

    @property
    def message(self) -> str:
        """The whole message, as it is kept beside the contract."""
        return (FOLDER / self.folder / "message.txt").read_text(encoding="utf-8")


class Group(NamedTuple):
    """Kinds of mistakes under one heading."""

    heading: str
    rows: Sequence[Row]


def groups() -> Sequence[Group]:
    """Every kind of mistake, in the order of the page."""
    index: dict[str, dict[str, str]] = yaml.safe_load((FOLDER / "index.yaml").read_text(encoding="utf-8"))
    return [Group(heading, [Row(*row) for row in rows.items()]) for heading, rows in index.items()]


def load_row(row: Row) -> LoadedContract:
    """Loads the contract of a row; what its folder does not have comes from `base`."""
    return load_contract(
        "runtime.yaml",
        folder_reader(FOLDER / row.folder, _BASE),
        None if row.folder.endswith("_without_environment") else _ENVIRONMENT,
        lenient=row.folder.endswith("_lenient"),
    )


def terminal(loaded: LoadedContract) -> str:
    """The problems as a terminal shows them."""
    error = ContractValidationError(loaded.problems)
    return f"{type(error).__name__}: {error}\n"


def folder_reader(*folders: Path) -> ContractReader:
    """Reads from the first folder that has the file."""

    def read(path: str) -> bytes | FileRefusal:
        found = next((folder / path for folder in folders if (folder / path).is_file()), None)
        return not_found(path) if found is None else found.read_bytes()

    return read


def not_found(path: str) -> FileRefusal:
    """What a reader says of a file that is not there."""
    return FileRefusal(Refusal(f"File not found: {path}", None, "Check the path"), is_missing=True)


def refusals() -> str:
    """The page."""
    parts = [_HEAD]
    for group in groups():
        parts.append(f"## {group.heading}\n")
        for row in group.rows:
            parts += [f"### {row.what[:1].upper()}{row.what[1:]}\n", *_excerpts(row)]
            parts.append(f"```text\n{row.message}```\n")
    return "\n".join(parts)


def _excerpts(row: Row) -> Iterator[str]:
    lines: dict[str, set[int]] = {}
    for problem in load_row(row).problems:
        if problem.line is not None:
            lines.setdefault(problem.file, set()).add(problem.line)
    for file, numbers in lines.items():
        yield f"`{file}`\n\n```text\n{_excerpt(file, row, numbers)}```\n"


def _excerpt(file: str, row: Row, numbers: set[int]) -> str:
    folder = next(folder for folder in (FOLDER / row.folder, _BASE) if (folder / file).is_file())
    source = (folder / file).read_text(encoding="utf-8").splitlines()
    shown = {near for number in numbers for near in range(number - _AROUND, number + _AROUND + 1)}
    kept = [number for number in sorted(shown) if 0 < number <= len(source)]
    text = ""
    for previous, number in zip([0, *kept], kept, strict=False):
        text += "   …\n" if number > previous + 1 else ""
        text += f"{number:>4} | {source[number - 1]}\n"
    return text + ("   …\n" if kept[-1] < len(source) else "")
