"""A host of two nodes under load: one writes numbers to PostgreSQL, one asks a web service."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.wiring import build_host, resolver_of

from tests.fakes.waiting import until
from tests.integration.host.test_end_to_end import LEDGER, USERS
from tests.integration.secrets.keepers import Keeper

_AT_ONCE = 8
_CONTRACT = """\
schema_version: "1.0.0"
runtime:
  name: "rotating"
  version: "1.0.0"
  event_bus: {{kind: "inmemory"}}
  handlers: [{handler}]
  nodes: [{{slug: "{node}"}}]
  secrets: {secrets}
"""
_NODES = {"ledger": LEDGER, "users": USERS}


class Events:
    """What the log says, by event."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="onex")
        self._caplog = caplog

    def count(self, event: str) -> int:
        """How often it happened."""
        return sum(vars(record).get("event") == event for record in self._caplog.records)

    async def after(self, event: str, times: int = 1) -> None:
        """Returns when it has happened so often."""
        await until(lambda: self.count(event) >= times, 20.0)


class Load:
    """Requests without an end, some at once, each with a number, which is its parameter where there are any.

    answers: the payloads; failures: what else came.
    """

    def __init__(self, host: BaseRuntimeHostProcess, node: str, payload: JsonObject) -> None:
        self.answers: list[JsonObject] = []
        self.failures: list[str] = []
        self._host = host
        self._node = node
        self._payload = payload
        self._numbers = itertools.count(1)
        self._over = False
        self._asking = 0
        self._going = asyncio.Event()
        self._going.set()

    async def grown(self, by: int = 200) -> None:
        """Returns when so many more have been answered."""
        goal = len(self.answers) + by
        await until(lambda: len(self.answers) >= goal or bool(self.failures), 20.0)

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        """Nothing is under way within the block: what is done to idle connections then meets no COMMIT."""
        self._going.clear()
        await until(lambda: self._asking == 0, 20.0)
        yield
        self._going.set()

    async def end(self) -> None:
        """No more requests."""
        self._over = True

    async def work(self) -> None:
        """One of those that ask."""
        while not self._over:
            await self._going.wait()
            number = next(self._numbers)
            payload: JsonObject = {**self._payload}
            if "parameters" in payload:
                payload["parameters"] = [number]
            request = ModelOnexEnvelope(
                envelope_id=UUID(int=number),
                source_node="client",
                target_node=self._node,
                operation="db.execute" if self._node == "ledger" else "http.get",
                payload=payload,
                timestamp=datetime.now(UTC),
            )
            self._asking += 1
            response = await self._host.client.request(request)
            self._asking -= 1
            if response.error is not None or response.payload is None:
                self.failures.append(str(response.error))
            else:
                self.answers.append(response.payload)


async def host_of(folder: Path, keeper: Keeper, node: str, handler: str) -> BaseRuntimeHostProcess:
    """The host of one node and its handler, not opened."""
    return await asyncio.to_thread(_built, folder, keeper, node, handler)


def _built(folder: Path, keeper: Keeper, node: str, handler: str) -> BaseRuntimeHostProcess:
    (folder / f"{node}.yaml").write_text(_NODES[node])
    contract = folder / "runtime.yaml"
    contract.write_text(_CONTRACT.format(handler=handler, node=node, secrets=keeper.section))
    loaded = load_contract_file(str(contract), {})
    return build_host(loaded, resolver_of(loaded, keeper.environment))


@asynccontextmanager
async def under_load(host: BaseRuntimeHostProcess, node: str, payload: JsonObject) -> AsyncIterator[Load]:
    """The load while the block runs; afterwards everything that was asked has been answered."""
    async with host:
        load = Load(host, node, payload)
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(load.work())
            try:
                yield load
            finally:
                await load.end()
