"""A whole journey in spans: a contract on disk, a real server, a real receiver."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.wiring import build_host

from tests.fakes.hosts import asking
from tests.fakes.http_server import HttpServer, replying
from tests.fakes.trace_receiver import TraceReceiver, attributes_of

CANARY = "canary-7f3a"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
RUNTIME = """\
schema_version: "1.0.0"
runtime:
  name: "pages_host"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers:
    - {type: "http", config: {base_url: "${UPSTREAM}", headers: {Authorization: {secret_ref: "token"}}}}
  nodes: [{slug: "pages"}]
  observability:
    traces: {endpoint: "${RECEIVER:-http://127.0.0.1:1}", headers: {Authorization: {secret_ref: "token"}}}
"""
NODE = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "pages"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "url", type: "string"}]}
output_model:
  name: "ModelOut"
  fields:
    - {name: "status_code", type: "integer"}
    - {name: "body", type: "any"}
    - {name: "body_type", type: "string"}
    - {name: "headers", type: "map[string]"}
io_operations: [{type: "http", operations: ["http.get"]}]
"""


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    (tmp_path / "pages.yaml").write_text(NODE)
    (tmp_path / "runtime.yaml").write_text(RUNTIME)
    return tmp_path / "runtime.yaml"


def host_of(contract: Path, **environment: str) -> BaseRuntimeHostProcess:
    """The host of the contract; every secret is the canary."""
    loaded = load_contract_file(str(contract), {"UPSTREAM": "http://127.0.0.1:1", **environment})
    return build_host(loaded, SecretResolver([EnvironmentSecrets({"ONEX_SECRET_TOKEN": CANARY})]))


@pytest.mark.asyncio
async def test_a_journey_is_one_trace_through_the_server_and_shows_nothing_of_what_was_sent(
    contract: Path,
) -> None:
    async with TraceReceiver() as receiver, HttpServer(replying(404, {"secret": CANARY})) as upstream:
        host = await asyncio.to_thread(host_of, contract, UPSTREAM=upstream.url, RECEIVER=receiver.url)
        request = asking(0).model_copy(
            update={
                "payload": {"url": f"/users/{CANARY}?card={CANARY}"},
                "metadata": {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01", "note": CANARY},
            }
        )
        async with host:
            response = await host.client.request(request)
            assert response.payload is not None
            assert response.payload["body"] == {"secret": CANARY}
            await host.close(grace_s=5.0)
    call = await receiver.named("GET")
    assert upstream.requests[0].headers["traceparent"] == f"00-{TRACE_ID}-{call.span_id.hex()}-01"
    assert {span.trace_id.hex() for span in receiver.spans} == {TRACE_ID}
    assert attributes_of(call) == {
        "onex.handler": "http",
        "onex.operation": "http.get",
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": upstream.port,
        "http.response.status_code": 404,
        "error.type": "404",
    }
    assert receiver.requests[0].headers["authorization"] == CANARY
    assert all(CANARY.encode() not in request.body for request in receiver.requests)


def python(code: str, contract: Path) -> subprocess.CompletedProcess[str]:
    """Runs code in an interpreter of its own; the contract is its argument."""
    environment = {"UPSTREAM": "http://127.0.0.1:1", "ONEX_SECRET_TOKEN": CANARY, "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(  # noqa: S603 - this interpreter, our own code
        [sys.executable, "-c", code, str(contract)], env=environment, capture_output=True, text=True, check=False
    )


def test_without_the_extra_a_host_says_what_to_install(contract: Path) -> None:
    ended = python(
        "import sys\nsys.modules['opentelemetry'] = None\n"
        "from omnibase_infra.cli.main import onex_host\nonex_host(['run', '--check', sys.argv[1]])\n",
        contract,
    )
    assert ended.returncode == 1
    assert "pip install 'omnibase-infra[otel]'" in ended.stderr


def test_a_host_without_traces_imports_nothing_of_opentelemetry(contract: Path) -> None:
    lines = contract.read_text().splitlines()
    contract.write_text("\n".join(line for line in lines if "observability" not in line and "traces" not in line))
    code = (
        "import asyncio, sys\n"
        "from omnibase_infra.cli.hosting import built, host_class, load\n"
        "from omnibase_infra.telemetry.logs import Levels\n"
        "from tests.fakes.hosts import asking\n"
        "async def main():\n"
        "    loaded = load(sys.argv[1], 'text', Levels('ERROR'))\n"
        "    async with built(loaded, host_class(None), local=False) as host:\n"
        "        assert (await host.client.request(asking(0))).error is not None\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    ended = python(code, contract)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")
