"""The files of a new project. Imported within the command only.

The contracts, the host and the requests are the quickstart's, under the project's name.
"""

import importlib.util
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from omnibase_infra import embedded
from omnibase_infra.cli.schema import KINDS
from omnibase_infra.cli.schemas import schema_text
from omnibase_infra.examples import project, quickstart

_SAMPLE: Final = """'items=[{"name": "lamp", "price": "39.90", "quantity": 2}]'"""
_LONGEST_NAME: Final = 40
_COPIED: Final = (
    "runtime.yaml",
    "host.py",
    "models.py",
    "requests.jsonl",
    "schema.sql",
    "nodes/*.yaml",
    "tests/*.yaml",
)


class Project(NamedTuple):
    """What was made: the files, those that were there already, the commands to try, and what these need."""

    written: Sequence[str]
    kept: Sequence[str]
    commands: Sequence[str]
    missing: Sequence[str]


def project_name(folder: Path) -> str:
    """The folder's name as a host's name and a Python name."""
    words = re.sub(r"[^a-z0-9]+", "_", folder.absolute().resolve().name.lower()).strip("_")
    name = words[:_LONGEST_NAME].strip("_")
    return name if name[:1].isalpha() else f"project_{name}".strip("_")


def make(folder: Path, name: str) -> Project:
    """Writes the project; a file that is there already is kept."""
    host = f"host:{_class_name(name)}Host"
    commands = (
        "onex-host validate .",
        f"onex-host call runtime.yaml calculate_total {_SAMPLE} --embedded-postgres --host {host}",
        f"onex-host pipe runtime.yaml requests.jsonl --sql schema.sql --host {host}",
        f"onex-host test runtime.yaml --host {host}",
        "python -m pytest",
        f"onex-host dev runtime.yaml --sql schema.sql --host {host}",
    )
    written: list[str] = []
    kept: list[str] = []
    for path, text in _files():
        shown = text.replace("{{commands}}", "\n    ".join(commands))
        (written if _write(folder / path, _renamed(shown, name)) else kept).append(path)
    return Project(written, kept, commands, list(_missing()))


def _missing() -> Iterator[str]:
    """Packages that are not installed here."""
    if not embedded.is_installed():
        yield "omnibase-infra[embedded]"
    if importlib.util.find_spec("pytest") is None:
        yield "pytest"


def _files() -> Iterator[tuple[str, str]]:
    for pattern in _COPIED:
        for file in sorted(quickstart.FOLDER.glob(pattern)):
            yield file.relative_to(quickstart.FOLDER).as_posix(), file.read_text(encoding="utf-8")
    for kind in KINDS.values():
        yield f"schema/{kind}.schema.json", schema_text(kind)
    for path, source in project.FILES.items():
        yield path, (project.FOLDER / source).read_text(encoding="utf-8")


def _renamed(text: str, name: str) -> str:
    text = text.replace("omnibase_infra.examples.quickstart.", "")
    for old, new in (("quickstart", name), ("QUICKSTART", name.upper()), ("Quickstart", _class_name(name))):
        text = text.replace(old, new)
    return text


def _class_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _write(path: Path, text: str) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
