"""The six failure examples of the plan, each planted as it stands there and caught.

One of them, a handler that lets a raw exception out, is caught while a host runs: the guard's and the engine's
tests under tests/infra/host have it.
"""

import ast
from datetime import UTC, datetime
from types import ModuleType
from uuid import UUID

import pytest
from omnibase_core.contracts.load import load_contract
from omnibase_core.envelope import ModelOnexEnvelope
from pydantic import ValidationError

from tests.architecture.test_import_contracts import Copy
from tests.architecture.test_rooms import planted, refused_by_ruff, refused_by_sight
from tests.architecture.test_structure import mutations
from tests.guards import Breaches, TaskInHandlerError, no_task_of

_CORE = "packages/omnibase_core/src/omnibase_core/runtime.py"
_HANDLER = "packages/omnibase_infra/src/omnibase_infra/handlers/http_handler.py"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy of the packages to plant in."""
    return Copy(tmp_path_factory.mktemp("copy"))


def test_core_importing_a_transport_library_fails_ci(copy: Copy) -> None:
    with copy.planted("omnibase_core/runtime.py", "import asyncpg"):
        status, out = copy.lint("no-transport-below-infra", "core-allow-list")
    assert status == 1
    assert "0 kept, 2 broken." in out


def test_a_handler_creating_a_background_task_fails_lint() -> None:
    code = (
        "import asyncio\n\n\nclass HttpHandler:\n    async def execute(self, envelope):\n"
        "        asyncio.create_task(self._background_work())\n        return envelope\n"
    )
    assert any("the host owns all concurrency" in finding for finding in refused_by_ruff(_HANDLER, code))
    assert list(refused_by_sight(planted(code), {"create_task"}))


@pytest.mark.asyncio
async def test_a_handler_creating_a_background_task_fails_at_run_time_too(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("omnibase_infra") / "handlers"
    code = "import asyncio\nasync def execute():\n    asyncio.create_task(asyncio.sleep(0))\n"
    module = ModuleType("handler")
    exec(compile(code, str(folder / "http_handler.py"), "exec"), vars(module))  # noqa: S102 - as if it stood there
    breaches = Breaches()
    with no_task_of("/handlers/", breaches), pytest.raises(TaskInHandlerError):
        await module.execute()
    assert breaches.take()


@pytest.mark.parametrize(
    "statement",
    ["envelope.metadata['routed_at'] = datetime.now(UTC)", "envelope.correlation_id = uuid4()"],
)
def test_the_runtime_mutating_an_envelope_is_caught(statement: str) -> None:
    code = (
        f"from datetime import UTC, datetime\nfrom uuid import uuid4\n\n\ndef route(envelope):\n    {statement}\n"
    )
    assert list(mutations(ast.parse(code)))
    assert any(finding.startswith("TID251") for finding in refused_by_ruff(_CORE, code))


def test_an_envelope_refuses_a_new_correlation_id() -> None:
    envelope = ModelOnexEnvelope(
        envelope_id=UUID(int=1), target_node="n", timestamp=datetime(2026, 1, 1, tzinfo=UTC)
    )
    with pytest.raises(ValidationError, match="frozen"):
        setattr(envelope, "correlation_id", UUID(int=2))  # noqa: B010 - the point of the test


def test_the_local_handler_in_a_production_contract_stops_the_start() -> None:
    contract = b"""
runtime:
  name: production_runtime
  version: "1.0.0"
  event_bus: {kind: inmemory}
  handlers:
    - type: local
    - type: http
    - type: db
      config: {dsn: {secret_ref: orders/db_dsn}}
  nodes: []
"""
    loaded = load_contract("production_runtime.yaml", lambda path: contract, {})
    (problem,) = [problem for problem in loaded.problems if "local" in problem.message]
    assert loaded.runtime is None
    assert (problem.line, problem.severity) == (7, "error")


def test_blocking_io_in_a_handler_fails_lint_and_the_import_contract(copy: Copy) -> None:
    with copy.planted("omnibase_infra/handlers/http_handler.py", "import requests"):
        status, out = copy.lint("no-other-client")
    assert status == 1
    assert "requests" in out
    assert any("async client" in finding for finding in refused_by_ruff(_HANDLER, "import requests\n"))
