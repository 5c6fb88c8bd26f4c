"""Policies that this release checks and does not act upon: the host says so, and only for what was set."""

import logging
from pathlib import Path

import pytest
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.wiring import build_host

NODE = """
node_version: "1.0.0"
name: fetch
node_type: EFFECT
input_model: {name: ModelRequest, fields: [{name: url, type: string}]}
output_model: {name: ModelResponse, fields: [{name: body, type: any, required: false}]}
io_operations: [{type: http, operations: [http.get]}]
"""


def warnings_of(folder: Path, handler: str, entry: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    (folder / "fetch.yaml").write_text(NODE)
    (folder / "runtime.yaml").write_text(
        "runtime:\n  name: policies\n  version: '1.0.0'\n  event_bus: {kind: inmemory}\n"
        f"  handlers: [{{type: http{handler}}}]\n  nodes: [{{slug: fetch{entry}}}]\n"
    )
    with caplog.at_level(logging.WARNING, "onex.host"):
        build_host(load_contract_file(str(folder / "runtime.yaml"), {}), SecretResolver([]))
    return [record.getMessage() for record in caplog.records]


def test_a_policy_of_a_handler_that_is_not_acted_upon_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = warnings_of(tmp_path, ", retry_policy: {max_retries: 9}", "", caplog)
    assert found == ["retry_policy of handler 'http' is checked, but this release does not act upon it yet"]


def test_an_override_of_a_node_that_is_not_acted_upon_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = warnings_of(tmp_path, "", ", max_inflight: 3", caplog)
    assert found == ["max_inflight of node 'fetch' is checked, but this release does not act upon it yet"]


def test_a_contract_without_policies_warns_of_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert warnings_of(tmp_path, ", timeout_ms: 500", "", caplog) == []
