"""`onex-host demo`: the quickstart, played."""

import click

from omnibase_infra.cli.command import HostCommand, end_on_signals_with
from omnibase_infra.cli.exit_codes import EnumExitCode


@click.command(cls=HostCommand, epilog="\b\nExample:\n  onex-host demo ")
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Play the quickstart: nothing to install, nothing to configure.

    Starts a PostgreSQL and a small HTTP service for itself, runs the host of the quickstart, sends envelopes
    through its nodes, one of them wrong on purpose, and shows each request with its response.
    """
    end_on_signals_with(ctx, EnumExitCode.DRAIN_INCOMPLETE)
    from omnibase_infra.cli.demonstration import demonstrate

    ctx.exit(demonstrate())
