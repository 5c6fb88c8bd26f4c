"""`onex-host dev` as a user has it: a process, its terminal, its port, and calls from another terminal."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGINT
from types import TracebackType
from typing import Self
from urllib.request import urlopen

from omnibase_infra.cli.dev_models import CALL, STATE, ModelDevAnswer, ModelDevCall

from tests.infra.cli.programs import Ended, program, read_until, run

RUNTIME = """\
runtime:
  name: "shop"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers: []
  nodes: [{slug: "price"}]
"""
PRICE = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "price"
node_type: "COMPUTE"
input_model:
  name: "ModelIn"
  fields: [{name: "pieces", type: "integer"}]
output_model:
  name: "ModelOut"
  fields: [{name: "total", type: "integer"}]
transform:
  total: ${{ multiply(input.pieces, `2`) }}
"""


class DevHost:
    """A dev host on a free port; it is ended at the end, which has to be a clean one."""

    def __init__(self, folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.errors = folder / "stderr.txt"
        self.greeting: list[str] = []
        self._options = options
        self._environment = environment

    def __enter__(self) -> Self:
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                program("onex-host", "dev", "runtime.yaml", "--http", "0", *self._options),
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=None if self._environment is None else {**os.environ, **self._environment},
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.greeting.append(line)
            if "Ctrl-C" in line:
                break
        told = re.search(r"http://127\.0\.0\.1:(\d+)/", "".join(self.greeting))
        assert told, "".join(self.greeting) + self.errors.read_text()
        self.port = int(told[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(SIGINT)
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0, self.errors.read_text()

    def says(self, text: str) -> None:
        """Returns when a line with this text was printed; fails where the host ends first."""
        assert self.process.stdout is not None
        read_until(self.process.stdout, text)

    def write(self, name: str, text: str) -> None:
        """Writes a file as an editor does: beside it, then over it."""
        beside = self.folder / f"{name}.new"
        beside.write_text(text)
        beside.replace(self.folder / name)

    def replace(self, name: str, old: str, new: str) -> None:
        """Edits a file."""
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def call(self, node: str, *values: str) -> Ended:
        """`onex-host call --dev` from another terminal."""
        return run("onex-host", *self.call_arguments(node, *values), cwd=self.folder)

    def call_arguments(self, node: str, *values: str) -> list[str]:
        """Its arguments."""
        return ["call", "runtime.yaml", node, *values, "--dev", "--http", str(self.port)]

    def begun(self, node: str, *values: str) -> HTTPConnection:
        """A call as the page makes it, whose answer is not waited for."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        call = ModelDevCall(node=node, values=values).model_dump_json()
        connection.request("POST", CALL, call, {"content-type": "application/json"})
        return connection

    def payload(self, node: str, *values: str) -> object:
        """The payload of the response to a call."""
        return payload_of(self.begun(node, *values))

    def is_stopping(self) -> None:
        """Returns when the host says so."""
        deadline = time.monotonic() + 10
        while self._phase() != "stopping":
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _phase(self) -> object:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/health/ready")
        told = json.load(connection.getresponse())
        connection.close()
        return told["phase"]

    def state(self) -> dict[str, object]:
        """What the page knows."""
        with urlopen(self.url + STATE, timeout=10) as answer:  # noqa: S310 - our own server
            told: dict[str, object] = json.load(answer)
            return told


def payload_of(connection: HTTPConnection) -> object:
    """The payload of the response to a call that was begun."""
    answer = ModelDevAnswer.model_validate_json(connection.getresponse().read())
    connection.close()
    return json.loads(answer.envelope or "{}").get("payload")


def project_in(folder: Path, **nodes: str) -> Path:
    """A contract with one node that doubles, or with other nodes."""
    (folder / "nodes").mkdir(exist_ok=True)
    for slug, text in (nodes or {"price": PRICE}).items():
        (folder / "nodes" / f"{slug}.yaml").write_text(text)
    (folder / "runtime.yaml").write_text(RUNTIME)
    return folder


def started(folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> Ended:
    """A dev host that ends by itself, for want of something."""
    merged = {**os.environ, **(environment or {}), "PYTHONPATH": os.pathsep.join(sys.path)}
    return run("onex-host", "dev", "runtime.yaml", *options, cwd=folder, environment=merged)
