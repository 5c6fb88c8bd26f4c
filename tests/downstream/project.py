"""The sample project in a folder of its own, with the built wheels and nothing of this workspace."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from tools.wheel_check import SIBLINGS, Environment, assert_ours, build

SAMPLE: Final = Path(__file__).with_name("sample")
_FOREIGN: Final = ("VIRTUAL_ENV", "PYTHON", "UV_NO_SYNC", "UV_PROJECT", "COVERAGE", "GIT_")
_COMMITTER: Final = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it wrote to both streams, in one line."""

    code: int
    out: str


@dataclass(frozen=True)
class Project:
    """A copy of the sample, under git; `origin/main` is how it was at first."""

    folder: Path

    def run(self, words: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
        """Runs a command in the project's folder, where the tools of its own environment come first."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        tools = os.pathsep.join([str(self.folder / ".venv" / "bin"), clean.get("PATH", "")])
        done = subprocess.run(  # noqa: S603 - the commands of these tests
            list(words),
            cwd=self.folder,
            env={**clean, "PATH": tools, "COLUMNS": "400", "NO_COLOR": "1", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Ended(done.returncode, " ".join(done.stdout.split()))

    def must(self, *words: str) -> None:
        """Runs a command that has to succeed."""
        ended = self.run(words)
        assert ended.code == 0, f"{words}: {ended.out}"

    @contextmanager
    def changed(self, file: str, before: str, after: str) -> Iterator[None]:
        """While it lasts, the first `before` in a file is `after`; an empty `before` is the file's beginning."""
        path = self.folder / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1) if before else after + text)
        try:
            yield
        finally:
            path.write_text(text)


def made(folder: Path) -> Project:
    """The sample, locked and synchronised as its workflow does it. Raises CheckError where a wheel is wrong."""
    wheels = build(folder / "dist")
    project = Project(folder / "acme")
    shutil.copytree(SAMPLE, project.folder, ignore=shutil.ignore_patterns("*cache*"))
    _commit(project)
    with (project.folder / "pyproject.toml").open("a") as file:
        file.write(_sources(wheels))
    project.must("uv", "lock", "--quiet", "--python", sys.executable)
    project.must("uv", "sync", "--quiet", "--locked", "--python", sys.executable)
    assert_ours(Environment(project.folder / ".venv"), wheels, list(SIBLINGS))
    return project


def _sources(wheels: Mapping[str, Path]) -> str:
    """Our three packages are the wheels, everything else has the versions of this workspace."""
    others = {
        dist.name: dist.version for dist in distributions() if not dist.name.startswith(("omnibase", "onex"))
    }
    constraints = ", ".join(f'"{name}=={version}"' for name, version in sorted(others.items()))
    sources = "\n".join(
        f'{package.replace("_", "-")} = {{ path = "{wheel}" }}' for package, wheel in wheels.items()
    )
    return f"\n[tool.uv]\nconstraint-dependencies = [{constraints}]\n\n[tool.uv.sources]\n{sources}\n"


def _commit(project: Project) -> None:
    project.must("git", "init", "--quiet")
    project.must("git", "add", ".")
    project.must("git", *_COMMITTER, "commit", "--quiet", "--message", "The sample")
    project.must("git", "update-ref", "refs/remotes/origin/main", "HEAD")
