"""docs/envelope.md: its field tables are the model's, and its path is the one that a real request takes."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from omnibase_core.envelope import ModelEnvelopeError, ModelOnexEnvelope

from tests.docs.tables import DOCS, Row, rows, section, table
from tests.fakes.http_server import HttpServer, replying

_TRACED: Final = """
import json, sys

folders = json.loads(sys.argv[1])
calls = []

def note(frame, event, _):
    if event == "call" and frame.f_code.co_filename.startswith(tuple(folders)):
        name = frame.f_code.co_filename, frame.f_code.co_qualname
        if not calls or calls[-1] != name:
            calls.append(name)

sys.argv = ["onex-host", *sys.argv[2:]]
sys.setprofile(note)
from omnibase_infra.cli.main import main
try:
    main()
finally:
    sys.setprofile(None)
    print(json.dumps(calls), file=sys.stderr)
"""
_RUNTIME: Final = """
runtime:
  name: traced_host
  version: "1.0.0"
  event_bus: {kind: inmemory}
  handlers: [{type: http, config: {base_url: "${TRACED_URL}"}}]
  nodes: [{slug: get_rate}]
"""
_NODE: Final = """
node_version: "1.0.0"
name: get_rate
node_type: EFFECT
input_model: {name: ModelAsked, fields: [{name: url, type: string}]}
output_model:
  name: ModelGiven
  fields:
    - {name: status_code, type: integer}
    - {name: headers, type: object}
    - {name: body, type: any}
    - {name: body_type, type: string}
io_operations: [{type: http, operations: [http.get]}]
"""

Call = tuple[str, str]


def path_rows() -> Sequence[Call]:
    """File and function of each step of the page."""
    return [
        (str((DOCS / re.findall(r"\((.+)\)", file)[0]).resolve()), function)
        for file, function, _ in table(section("envelope.md", "The path"))
    ]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Call]:
    """Every call of our functions, in order, while `onex-host call` asks a real HTTP server."""
    folder = tmp_path_factory.mktemp("traced")
    (folder / "runtime.yaml").write_text(_RUNTIME)
    (folder / "get_rate.yaml").write_text(_NODE)
    sources = [str(source) + os.sep for source in (DOCS.parent / "packages").glob("*/src/omnibase_*")]

    async def ask() -> tuple[int, bytes, bytes]:
        async with HttpServer(replying(200, {"rate": "1.08"})) as server:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _TRACED,
                json.dumps(sources),
                *("call", "runtime.yaml", "get_rate", "url=/rates/EUR", "--json"),
                cwd=folder,
                env={**os.environ, "TRACED_URL": server.url},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            out, err = await process.communicate()
            return process.returncode or 0, out, err

    code, out, err = asyncio.run(ask())
    assert code == 0, err.decode()
    assert json.loads(out)["body"] == {"rate": "1.08"}
    return [(file, name) for file, name in json.loads(err.splitlines()[-1])]


def test_a_request_goes_through_the_page_in_its_order(traced: Sequence[Call]) -> None:
    steps = path_rows()
    assert len(steps) > 30
    calls: Iterator[Call] = iter(traced)
    for step in steps:
        assert step in calls, f"{Path(step[0]).name} {step[1]} is not called after the step above it"


def test_the_fields_of_an_envelope_are_those_of_the_page() -> None:
    written = [Row(*cells[:3]) for cells in table(section("envelope.md", "Fields"))]
    assert written == rows(ModelOnexEnvelope)


def test_the_fields_of_an_error_are_those_of_the_page() -> None:
    written = [Row(*cells[:3]) for cells in table(section("envelope.md", "Fields").partition("The `error`")[2])]
    assert written == rows(ModelEnvelopeError)
