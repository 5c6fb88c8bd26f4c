"""The tree under test: where it is, its modules, and what a test over it needs to see."""

import ast
import shutil
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("omnibase_core", "omnibase_spi", "omnibase_infra")
SOURCES: Final = tuple(ROOT / "packages" / package / "src" / package for package in PACKAGES)


@dataclass(frozen=True)
class Module:
    """One source file, parsed."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> Sequence[str]:
        """Its physical lines."""
        return self.text.splitlines()

    @property
    def shown(self) -> str:
        """Its path as messages name it."""
        return str(self.path.relative_to(ROOT))

    def comments(self) -> int:
        """The lines that hold a comment."""
        with self.path.open("rb") as file:
            return sum(token.type == tokenize.COMMENT for token in tokenize.tokenize(file.readline))


@cache
def modules(*rooms: str) -> tuple[Module, ...]:
    """Every module of the packages, or of the rooms that are named, such as `omnibase_infra.handlers`."""
    return tuple(module for module in _all_modules() if not rooms or _within(module.name, rooms))


def calls(module: Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every call, as written: `open`, `loop.create_task`, `self.pool.fetch`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that is imported, names of `from` imports included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def tracked_files() -> Sequence[Path]:
    """Every file that git tracks; where there is no git, every file of the checkout that is no cache."""
    if (ROOT / ".git").exists() and (git := shutil.which("git")):
        listed = subprocess.run(  # noqa: S603 - a fixed command
            [git, "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
        return [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not _is_cache(path)]


def command(name: str) -> str:
    """The path of a tool of the environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


@cache
def _all_modules() -> tuple[Module, ...]:
    return tuple(_parsed(source, path) for source in SOURCES for path in sorted(source.rglob("*.py")))


def _parsed(source: Path, path: Path) -> Module:
    parts = path.relative_to(source.parent).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, path, text, ast.parse(text, str(path)))


def _within(name: str, rooms: Sequence[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def _is_cache(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(
        part == "__pycache__" or (part.startswith(".") and part.endswith(("cache", "venv"))) for part in parts
    )
