"""`onex-host trace`: what belongs to a correlation id, as a tree of causes."""

from datetime import datetime
from uuid import UUID

import click

from omnibase_infra.cli.command import HostCommand, end_on_signals_with
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.options import contract_argument
from omnibase_infra.cli.selecting import Moment


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host trace contracts/orders/runtime.yaml 9f1c0d1e-7c1b-4a55-9a53-0a5f0f3f1f11\n"
    "  onex-host trace contracts/orders/runtime.yaml 9f1c0d1e-7c1b-4a55-9a53-0a5f0f3f1f11 --since 1h --json",
)
@contract_argument
@click.argument("correlation_id", type=click.UUID)
@click.option("--since", metavar="TIME", type=Moment(), help="Read from then on only: RFC 3339, or 2h for ago.")
@click.option("--json", "as_json", is_flag=True, help="Print the tree as one JSON object.")
@click.pass_context
def trace(
    ctx: click.Context, *, contract: str, correlation_id: UUID, since: datetime | None, as_json: bool
) -> None:
    """Show requests, responses and dead letters of CORRELATION_ID, each below what caused it.

    Reads the three topics of CONTRACT from their beginning, or from --since; payloads are not shown. The exit
    code is 3 where nothing is found.
    """
    end_on_signals_with(ctx, EnumExitCode.DRAIN_INCOMPLETE)
    from omnibase_infra.cli.broker import desk_of
    from omnibase_infra.cli.tracing import run_trace

    ctx.exit(run_trace(desk_of(contract), correlation_id, since, as_json=as_json))
