"""`onex-host dev`: a contract that runs while it is written."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from omnibase_infra.cli.command import HostCommand, end_on_signals_with
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.options import (
    Seconds,
    contract_argument,
    dev_listener_option,
    host_option,
    log_options,
)

if TYPE_CHECKING:
    from omnibase_infra.telemetry.logs import Levels, LogFormat

_GRACE_S: Final = 10.0


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host dev runtime.yaml\n"
    "  onex-host dev contracts/orders/runtime.yaml --host orders.host:OrdersHost --sql schema.sql",
)
@contract_argument
@host_option
@click.option(
    "--sql",
    "sql_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="SQL that the PostgreSQL that stands in for a missing one begins with, such as a schema.",
)
@dev_listener_option
@click.option(
    "--grace",
    "grace_s",
    metavar="SECONDS",
    type=Seconds(0, 86_400),
    default=_GRACE_S,
    show_default=True,
    help="How long what is in flight may take to finish, at a reload and at the end.",
)
@log_options("text", "WARNING")
@click.pass_context
def dev(
    ctx: click.Context,
    contract: str,
    host_name: str | None,
    sql_file: Path | None,
    listener: tuple[str, int],
    grace_s: float,
    log_format: "LogFormat",
    log_level: "Levels",
) -> None:
    """Run CONTRACT while you write it: every change of its files takes over at once.

    The bus is in memory, whatever the contract says. A db handler whose database is not configured gets a
    PostgreSQL for this run. The page at / shows the host, and calls its nodes; so does `onex-host call --dev`. A
    change that is broken is shown, and what ran before runs on. Refuses to start where ENVIRONMENT is prod.
    """
    from omnibase_core.production import refuse_in_production

    refuse_in_production("onex-host dev", os.environ, "run the contract with onex-host run")
    end_on_signals_with(ctx, EnumExitCode.OK)
    from omnibase_infra.cli.developing import develop
    from omnibase_infra.cli.hosting import run_to_its_end
    from omnibase_infra.cli.stand_in import StandInDatabase
    from omnibase_infra.cli.wirings import Wirings
    from omnibase_infra.telemetry.logs import configure_logging

    configure_logging(log_format, log_level)
    database = StandInDatabase(sql_file)
    try:
        ctx.exit(run_to_its_end(develop(Wirings(contract, host_name, database, grace_s), *listener)))
    finally:
        database.close()
