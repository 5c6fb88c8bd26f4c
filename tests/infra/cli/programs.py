"""The command line as a user has it: real processes, and contracts in a folder."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple

ENTRY_POINTS = {
    "onex-host": "main",
    "omnibase-runtime-host": "run_main",
    "omnibase-runtime-validate-contract": "validate_main",
}
MINIMAL = """\
runtime:
  name: "calculator_host"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers: [{type: "http"}]
  nodes: [{slug: "calculator"}]
"""
NODE = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "calculator"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "url", type: "string"}]}
output_model: {name: "ModelOut", fields: [{name: "status_code", type: "integer"}]}
io_operations: [{type: "http", operations: ["http.get"]}]
"""


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    stdout: str
    stderr: str


def program(name: str, *arguments: str) -> list[str]:
    """The command line of one of our programs, without relying on what is installed on the PATH."""
    start = f"from omnibase_infra.cli.main import {ENTRY_POINTS[name]} as start; start()"
    return [sys.executable, "-c", start, *arguments]


def run(
    name: str,
    *arguments: str,
    stdin: str = "",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Runs a program to its end."""
    done = subprocess.run(  # noqa: S603 - our own program
        program(name, *arguments),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env=environment,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def read_until(stream: IO[str], text: str) -> None:
    """Reads lines until one that holds the text; fails where the stream ends before."""
    read: list[str] = []
    while text not in (line := stream.readline()):
        read.append(line)
        assert line, f"the program ended before it said {text!r}; it said: {''.join(read)}"


def contract_in(folder: Path, runtime: str = MINIMAL, **nodes: str) -> str:
    """Writes a runtime contract with its nodes; gives its path."""
    (folder / "nodes").mkdir(exist_ok=True)
    for slug, text in (nodes or {"calculator": NODE}).items():
        (folder / "nodes" / f"{slug}.yaml").write_text(text)
    (folder / "runtime.yaml").write_text(runtime)
    return str(folder / "runtime.yaml")
