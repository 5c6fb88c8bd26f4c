"""`onex-host run`: the long-running host."""

import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from signal import SIG_IGN, SIGHUP, Signals, getsignal
from typing import TYPE_CHECKING, NoReturn

import click

from omnibase_infra.cli.command import HostCommand, end_on_signals_with, ignore_hangups, reap_orphans
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.options import (
    contract_argument,
    grace_option,
    host_option,
    http_option,
    log_options,
)

if TYPE_CHECKING:
    from omnibase_core.contracts.observability import ModelAdminListener
    from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract

    from omnibase_infra.admin.server import Page
    from omnibase_infra.cli.log_levels import LogLevels
    from omnibase_infra.host.process import BaseRuntimeHostProcess
    from omnibase_infra.telemetry.logs import Levels, LogFormat


@click.command(
    cls=HostCommand,
    epilog="\b\nExample:\n  onex-host run contracts/orders/runtime.yaml --host orders.host:OrdersHost",
)
@contract_argument
@host_option
@http_option
@click.option(
    "--check",
    is_flag=True,
    help="Start everything but consuming, show how each part is, and end: 0 where a host could run, else 1.",
)
@grace_option
@log_options("auto", None)
@click.pass_context
def run(
    ctx: click.Context,
    contract: str,
    host_name: str | None,
    listener: tuple[str | None, int | None] | None,
    check: bool,
    grace_s: float,
    log_format: "LogFormat",
    log_level: "Levels | None",
) -> None:
    """Run the host of CONTRACT until SIGTERM or SIGINT.

    What is in flight then is finished within the grace time; a second signal ends at once. SIGHUP reads the
    contract's log levels again. With the in-memory bus only an app-specific host that overrides `feed` has
    something to do.
    """
    end_on_signals_with(ctx, EnumExitCode.OK)
    ending = _ending_signals()
    if SIGHUP not in ending:
        ignore_hangups(ctx)
    reap_orphans()
    import asyncio

    from omnibase_infra.cli.hosting import built, host_class, load, run_to_its_end
    from omnibase_infra.cli.log_levels import LogLevels
    from omnibase_infra.telemetry.logs import Levels

    loaded = load(contract, log_format, log_level or Levels())
    host = host_class(host_name)
    runtime = loaded.require()
    levels = LogLevels(log_level or Levels(), contract)
    levels.use(runtime.observability.logs)
    if check:
        from omnibase_infra.cli.checking import checked

        ctx.exit(asyncio.run(checked(built(loaded, host, local=False), runtime)))
    if runtime.event_bus.kind == "inmemory" and not host.has_feed():
        _refuse_without_ingress(contract)
    http = runtime.observability.http
    if listener is not None:
        address, port = listener
        changed = {"enabled": port is not None, "address": address or http.address, "port": port or 0}
        http = http.model_copy(update=changed)
        observability = runtime.observability.model_copy(update={"http": http})
        runtime = runtime.model_copy(update={"observability": observability})
    served = built(loaded, host, local=False)
    pages = _pages(contract, runtime, served) if http.enabled else {}
    ctx.exit(run_to_its_end(_run(served, pages, http, levels, ending, grace_s)))


def _pages(path: str, contract: "ModelRuntimeHostContract", host: "BaseRuntimeHostProcess") -> "dict[str, Page]":
    """What is served, made before the loop runs: the contract's values are read from its files."""
    import os

    from omnibase_infra.admin.console import Console
    from omnibase_infra.admin.door import Door, token_finder
    from omnibase_infra.admin.pages import pages_of
    from omnibase_infra.config.effective import effective_values

    http = contract.observability.http
    door = Door(http.address, token_finder(http, os.environ, host.made_of.resolver))
    return pages_of(host, Console(door, effective_values(path, os.environ), contract))


async def _run(
    host: "BaseRuntimeHostProcess",
    pages: "dict[str, Page]",
    http: "ModelAdminListener",
    levels: "LogLevels",
    ending: Sequence[Signals],
    grace_s: float,
) -> EnumExitCode:
    """The server for probes is there before the host starts, and until it has ended: both may take their time."""
    from omnibase_infra.cli.hosting import abort
    from omnibase_infra.cli.service_manager import notify
    from omnibase_infra.host.signals import on_hangup, stop_on_signals
    from omnibase_infra.host.starting import start_failure_told

    def stop() -> None:
        notify("STOPPING=1")
        host.request_stop()

    async with AsyncExitStack() as around:
        if pages:
            from omnibase_infra.admin.server import AdminServer

            with start_failure_told():
                await around.enter_async_context(AdminServer(pages, http.address, http.port))
        around.enter_context(stop_on_signals(stop, abort, signals=ending, final=True))
        around.enter_context(nullcontext() if SIGHUP in ending else on_hangup(levels.reread))
        async with host:
            if host.ready:
                notify("READY=1")
            stopped = await host.run(grace_s=grace_s)
    if stopped.bus_lost:
        return EnumExitCode.BUS_LOST
    if stopped.feed_failed:
        return EnumExitCode.NOT_STARTED
    return EnumExitCode.DRAIN_INCOMPLETE if stopped.unfinished else EnumExitCode.OK


def _ending_signals() -> Sequence[Signals]:
    """SIGHUP is one of them at a terminal, whose end it says; started with nohup a host outlives that."""
    from omnibase_infra.host.signals import STOP_SIGNALS

    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    hangs_up = at_terminal and getsignal(SIGHUP) is not SIG_IGN
    return (*STOP_SIGNALS, SIGHUP) if hangs_up else STOP_SIGNALS


def _refuse_without_ingress(contract: str) -> NoReturn:
    from omnibase_core.errors import ProtocolConfigurationError

    raise ProtocolConfigurationError(
        "With the in-memory bus nobody can send this host anything. Send envelopes through it with "
        f"'onex-host pipe {contract}', call a node with 'onex-host call {contract} NODE key=value', "
        "or name an app-specific host that feeds itself with --host package.module:Class"
    )
