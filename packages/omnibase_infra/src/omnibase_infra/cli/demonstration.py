"""What `onex-host demo` plays. Imported within the command only."""

import asyncio
import json
import os
from pathlib import Path

import click
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope

from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.hosting import abort, built, host_class, with_dsn
from omnibase_infra.cli.showing import shown_response
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.embedded import EmbeddedPostgres
from omnibase_infra.examples.quickstart import CONTRACT, FOLDER, HOST, REQUESTS, SCHEMA
from omnibase_infra.examples.quickstart.rates import Rates
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.host.signals import stop_on_signals
from omnibase_infra.telemetry.logs import Levels, configure_logging


def demonstrate() -> EnumExitCode:
    """Starts what the quickstart needs, plays it, and says what to try next."""
    configure_logging("text", Levels("ERROR"))
    click.echo("Starting a PostgreSQL and a small HTTP service, for this demo only …")
    rates = Rates()
    loaded = load_contract_file(str(CONTRACT), {**os.environ, "QUICKSTART_RATES_URL": rates.url})
    loaded.require()
    with EmbeddedPostgres() as server:
        server.run_sql(SCHEMA)
        host = built(with_dsn(loaded, server.dsn), host_class(HOST), local=True)
        code = asyncio.run(_played(host, rates))
    click.echo(_next_steps() if code is EnumExitCode.OK else "\nThe demo did not go as it should.")
    return code


async def _played(host: BaseRuntimeHostProcess, rates: Rates) -> EnumExitCode:
    stop = asyncio.Event()
    with stop_on_signals(stop.set, abort, final=True):
        async with rates, host:
            stage = Stage(host)
            click.echo(f"The host '{host.name}' is up with {len(host.nodes)} nodes.\n")
            playing = asyncio.create_task(_story(stage), name="onex-demo")
            stopping = asyncio.create_task(stop.wait(), name="onex-demo-stop")
            try:
                await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if playing.done():
                    await playing
            finally:
                playing.cancel()
                stopping.cancel()
    return EnumExitCode.OK if stage.as_expected else EnumExitCode.ENVELOPE_FAILED


async def _story(stage: "Stage") -> None:
    rate = await stage.ask("Ask a web service for a rate", "get_rate", {"currency": "EUR"})
    order: JsonObject = {
        "items": [
            {"name": "lamp", "price": "39.90", "quantity": 2},
            {"name": "bulb", "price": "4.95", "quantity": 6},
        ],
        "rate": rate.get("rate"),
    }
    total = await stage.ask("Add an order up, exactly, in a pure function", "calculate_total", order)
    await stage.ask("Store it", "store_order", {"customer": "Ada", "total": total.get("total")})
    await stage.ask("Find it again", "find_orders", {"at_least": "100"})
    wrong: JsonObject = {"items": [{"name": "lamp", "price": "39.90", "quantity": "two"}]}
    await stage.ask("Something wrong, on purpose", "calculate_total", wrong, succeeds=False)


class Stage:
    """Sends requests one by one and shows what happens; `as_expected` says whether each ended as planned."""

    def __init__(self, host: BaseRuntimeHostProcess, clock: Clock | None = None) -> None:
        self.as_expected = True
        self._host = host
        self._clock = clock or Clock()
        self._number = 0

    async def ask(self, title: str, node: str, payload: JsonObject, *, succeeds: bool = True) -> JsonObject:
        """The response's payload, empty for a failure."""
        self._number += 1
        contract = self._host.nodes[node].contract
        click.echo(f"{self._number}. {title}\n   → {node}, {_kind(contract)}")
        click.echo(f"     {json.dumps(payload, ensure_ascii=False)}")
        loop = asyncio.get_running_loop()
        started = loop.time()
        response = await self._host.client.request(
            ModelOnexEnvelope(
                envelope_id=self._clock.new_id(),
                timestamp=self._clock.now(),
                target_node=node,
                payload=payload,
            )
        )
        text = shown_response(response, (loop.time() - started) * 1_000)
        click.echo("   ← " + text.replace("\n", "\n   ") + "\n")
        self.as_expected = self.as_expected and response.success is succeeds
        return response.payload or {}


def _kind(contract: ModelNodeContract) -> str:
    operations = [name for entry in contract.io_operations for name in entry.operations]
    return f"{contract.node_type} ({', '.join(operations)})" if operations else f"{contract.node_type}"


def _next_steps() -> str:
    onex_host = "uv run onex-host" if "UV_RUN_RECURSION_DEPTH" in os.environ else "onex-host"
    folder, contract, requests, schema = (_shortest(path) for path in (FOLDER, CONTRACT, REQUESTS, SCHEMA))
    items = """'items=[{"name": "lamp", "price": "39.90", "quantity": 2}]'"""
    return f"""\
Every request was an envelope: checked, routed, performed and answered. What to try next:

  Read the contracts     {folder}
  Check them             {onex_host} validate {contract}
  Call a node            {onex_host} call {contract} calculate_total {items} \\
                           --embedded-postgres --host {HOST}
  Send many envelopes    {onex_host} pipe {contract} {requests} \\
                           --sql {schema} --host {HOST}"""


def _shortest(path: Path) -> str:
    return min(str(path), os.path.relpath(path), key=len)
