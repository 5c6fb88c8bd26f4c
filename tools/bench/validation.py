"""What validation costs: of many contracts within a process, and of one file as a command."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

import yaml
from omnibase_infra.config.files import validate_paths

from tools.bench.contracts import write_contract
from tools.bench.node_kinds import PLACED, SHOP, mixed
from tools.bench.report import Goal, Row, compared
from tools.bench.rounds import Effort, interleaved

_NODES: Final = 500
_COMMAND: Final = str(Path(sys.executable).with_name("onex-host"))
_BARE: Final = "import pydantic, yaml, click"
_NEEDED: Final = "import yaml, click; from pydantic import BaseModel, ConfigDict, Field, JsonValue"


def validate(effort: Effort) -> list[Row]:
    """Many contracts in one process; one file, and one project, as a command."""
    return [*_many(effort), *_command(effort)]


def _many(effort: Effort) -> list[Row]:
    with TemporaryDirectory() as folder:
        path = write_contract(Path(folder), mixed(effort.count(_NODES)), SHOP)
        files = sorted(Path(folder).glob("node_*.yaml"))
        found = interleaved(effort, {"ours": lambda: _validated(path), "parser": lambda: _parsed(files)})
    times = {name: [seconds * 1e3 for seconds in values] for name, values in found.items()}
    return [compared("validate.500_nodes", "ms", times["ours"], times["parser"], Goal(8.0, 4.0, "lower"))]


def _validated(path: Path) -> float:
    start = perf_counter()
    found = validate_paths([str(path)], {})
    elapsed = perf_counter() - start
    if found.problems:
        raise RuntimeError(found.problems[0].render())
    return elapsed


def _parsed(files: Sequence[Path]) -> float:
    start = perf_counter()
    for file in files:
        yaml.load(file.read_bytes(), yaml.CSafeLoader)
    return perf_counter() - start


def _command(effort: Effort) -> list[Row]:
    with TemporaryDirectory() as folder:
        project = Path(folder, "project")
        subprocess.run([_COMMAND, "init", str(project)], check=True, stdout=subprocess.DEVNULL)
        mapped = Path(folder, "place_order.yaml")
        mapped.write_text(PLACED.format(slug="place_order"))
        found = interleaved(
            effort,
            {
                "file": lambda: _ran([_COMMAND, "validate", str(project / "nodes" / "get_rate.yaml")]),
                "mapped": lambda: _ran([_COMMAND, "validate", str(mapped)]),
                "project": lambda: _ran([_COMMAND, "validate", str(project / "runtime.yaml")]),
                "bare": lambda: _ran([sys.executable, "-c", _BARE]),
                "needed": lambda: _ran([sys.executable, "-c", _NEEDED]),
            },
        )
    times = {name: [seconds * 1e3 for seconds in values] for name, values in found.items()}
    told = Goal(None, None, "lower")
    return [
        compared("validate.file", "ms", times["file"], times["bare"], Goal(1.5, 1.2, "lower")),
        compared("validate.file_models", "ms", times["file"], times["needed"], told),
        compared("validate.mapped_file", "ms", times["mapped"], times["bare"], told),
        compared("validate.project", "ms", times["project"], times["bare"], told),
    ]


def _ran(command: Sequence[str]) -> float:
    """Seconds of a whole process, started from compiled modules, as installed ones are."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=variables)
    return perf_counter() - start
