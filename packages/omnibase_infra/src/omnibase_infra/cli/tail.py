"""`onex-host tail`: the latest responses and dead letters, and those that come."""

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
    "  onex-host tail contracts/orders/runtime.yaml --follow\n"
    "  onex-host tail contracts/orders/runtime.yaml --since 1h --json | jq -c .envelope.error.code",
)
@contract_argument
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until a signal.")
@click.option("--correlation", metavar="ID", type=click.UUID, help="Only what belongs to this id.")
@click.option("--since", metavar="TIME", type=Moment(), help="All since then: RFC 3339, or 2h for ago.")
@click.option("-n", "--last", metavar="N", type=click.IntRange(0), help="Begin with so many; 10 unless --since.")
@click.option("--input", "with_input", is_flag=True, help="Show requests too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a record.")
@click.pass_context
def tail(
    ctx: click.Context,
    *,
    contract: str,
    follow: bool,
    correlation: UUID | None,
    since: datetime | None,
    last: int | None,
    with_input: bool,
    as_json: bool,
) -> None:
    """Show the latest responses and dead letters of CONTRACT.

    Payloads of responses are shown as they are; those of dead letters are not: onex-host dlq show has them.
    Reads without taking anything from the host or its consumer group.
    """
    end_on_signals_with(ctx, EnumExitCode.OK)
    from omnibase_infra.cli.broker import desk_of
    from omnibase_infra.cli.tailing import run_tail, watch_of

    desk = desk_of(contract)
    watch = watch_of(desk, correlation, since, last, with_input=with_input)
    ctx.exit(run_tail(desk, watch, follow=follow, as_json=as_json))
