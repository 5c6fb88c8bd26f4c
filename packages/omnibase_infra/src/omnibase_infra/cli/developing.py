"""The run of `onex-host dev`, and what it says on the terminal. Imported within the command only."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import click
from omnibase_core.problems import ModelProblem

from omnibase_infra.admin.console import Console
from omnibase_infra.admin.door import Door
from omnibase_infra.admin.pages import pages_of
from omnibase_infra.admin.server import AdminServer, Answer, Limits, Page, Request, text_answer
from omnibase_infra.cli.command import counted
from omnibase_infra.cli.dev_models import CALL, STATE
from omnibase_infra.cli.dev_pages import call_page, state_page
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.hosting import abort, tell_failed_starts_once
from omnibase_infra.cli.options import DEV_ADDRESS, DEV_PORT, shown_address
from omnibase_infra.cli.samples import call_command
from omnibase_infra.cli.validate import tell_problems
from omnibase_infra.cli.wirings import Wirings
from omnibase_infra.config.effective import effective_values
from omnibase_infra.host.ending import ended
from omnibase_infra.host.signals import stop_on_signals

_LIMITS = Limits(answer_s=600.0, body_bytes=64 * 1024 * 1024)
_NOT_YET = "Nothing runs yet: mend it and save, and it is tried again."
_ANOTHER_PORT = (
    "If that is a dev host of another contract, end it, or give this one another port with --http PORT, and the "
    "same to onex-host call --dev"
)


async def develop(wirings: Wirings, address: str, port: int) -> EnumExitCode:
    """Serves the contract until a signal comes; 1 where none of its wirings worked."""
    sys.dont_write_bytecode = True  # two edits within a second would leave what Python takes for fresh
    tell_failed_starts_once()
    stop = asyncio.Event()
    pages: dict[str, Page] = {"/": Door(address)(_waiting(wirings))}
    takers = {CALL: call_page(wirings)}
    server = AdminServer(pages, address, port, _LIMITS, takers=takers, way_out=_ANOTHER_PORT)
    async with AsyncExitStack() as around:
        around.enter_context(stop_on_signals(stop.set, abort, final=True))
        await around.enter_async_context(server)
        try:
            await _until(stop, _renewed(wirings, pages, address, server.port))
        finally:
            unfinished = await wirings.close()
    if not wirings.has_served and wirings.fault is not None:
        return EnumExitCode.NOT_STARTED
    click.echo(f"stopped; {counted(unfinished, 'call')} had no answer in time" if unfinished else "stopped")
    return EnumExitCode.DRAIN_INCOMPLETE if unfinished else EnumExitCode.OK


def _waiting(wirings: Wirings) -> Page:
    """The page while no host is there; a browser asks again."""

    async def page(_: Request) -> Answer:
        fault = wirings.fault
        told = "starting …" if fault is None else f"{fault.shown()}\n\n{_NOT_YET}"
        return text_answer(503, told)._replace(headers=(("refresh", "1"),))

    return page


async def _until(stop: asyncio.Event, work: Coroutine[object, object, None]) -> None:
    """Does the work until it is done or the stop comes."""
    working = asyncio.create_task(work, name="onex-dev")
    stopping = asyncio.create_task(stop.wait(), name="onex-dev-stop")
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not working.done():
            await ended(working)
    if not working.cancelled():
        await working


async def _renewed(wirings: Wirings, pages: dict[str, Page], address: str, port: int) -> None:
    """Serves what works, and says on the terminal what becomes of each change.

    Returns where it begins with nothing that works, and it is not the files that are at fault: no save would help.
    """
    await wirings.renew()
    if wirings.fault is not None and not wirings.can_be_mended:
        _tell_fault(wirings)
        return
    while wirings.fault is not None:
        _tell_fault(wirings)
        click.echo(f"{_NOT_YET} http://{shown_address(address, port)}/ shows it too; Ctrl-C ends it")
        await wirings.files.changed()
        await wirings.renew()
    _serve(pages, wirings, address)
    click.echo(_greeting(wirings, address, port))
    warned = _warned(wirings, ())
    while True:
        changed = await wirings.files.changed()
        await wirings.renew()
        if wirings.fault is None:
            _serve(pages, wirings, address)
        _tell(wirings, changed)
        warned = _warned(wirings, warned)


def _warned(wirings: Wirings, before: Sequence[ModelProblem]) -> Sequence[ModelProblem]:
    """Tells the warnings of what serves, where they are others than before, and gives them."""
    warnings = wirings.problems
    if warnings and warnings != before:
        tell_problems(warnings)
    return warnings


def _serve(pages: dict[str, Page], wirings: Wirings, address: str) -> None:
    """The pages of the wiring that serves now."""
    wirings.current.running.add_done_callback(lambda _: _tell_end(wirings))
    door = Door(address)
    values = effective_values(wirings.contract, os.environ)
    console = Console(door, values, wirings.current.loaded.require(), dev=True)
    pages.update(pages_of(wirings.current.host, console))
    pages[STATE] = door(state_page(wirings))


def _tell_end(wirings: Wirings) -> None:
    """A host may end by itself, when its feed is over."""
    if wirings.is_over:
        click.echo(f"{_now()} the host has ended by itself; save a file to start it anew")


def _now() -> str:
    return datetime.now(UTC).astimezone().strftime("%H:%M:%S")


def _tell(wirings: Wirings, changed: Sequence[str]) -> None:
    """One line on what became of a change; of a broken one, what is wrong as well."""
    now = _now()
    names = ", ".join(map(_shortest, changed))
    if wirings.fault is None:
        click.echo(f"{now} reloaded in {wirings.current.took_s * 1000:,.0f} ms: {names}")
        return
    click.echo(f"{now} not reloaded, what ran before runs on: {names}")
    _tell_fault(wirings)


def _tell_fault(wirings: Wirings) -> None:
    assert wirings.fault is not None
    if wirings.fault.problems:
        tell_problems(wirings.fault.problems)
    else:
        click.echo(wirings.fault.text, err=True)


def _greeting(wirings: Wirings, address: str, port: int) -> str:
    wiring = wirings.current
    contract = wiring.loaded.require()
    bus = "in memory" if contract.event_bus.kind == "inmemory" else "in memory here; the contract says kafka"
    lines = [
        f"{contract.name} {contract.version}, {counted(len(wiring.loaded.nodes), 'node')}, for development only",
        f"  console   http://{shown_address(address, port)}/",
        f"  bus       {bus}",
    ]
    if wiring.embedded:
        lines.append(f"  database  a PostgreSQL for {', '.join(wiring.embedded)}, empty again at the next start")
    lines.append(f"  watched   {counted(len(wirings.files), 'file')}: save one, and it takes over")
    lines.append("")
    nodes = sorted(wiring.loaded.nodes.values(), key=lambda node: bool(node.io_operations))
    if nodes:
        there = str(port) if address == DEV_ADDRESS else shown_address(address, port)
        elsewhere = () if there == str(DEV_PORT) else ("--http", there)
        lines += ["Call a node from another terminal, or on the console's page:", ""]
        lines += [f"  {call_command(wirings.contract, nodes[0], '--dev', *elsewhere)}", ""]
    lines.append("Ctrl-C ends it")
    return "\n".join(lines)


def _shortest(path: str) -> str:
    return min(path, os.path.relpath(path), key=len)
