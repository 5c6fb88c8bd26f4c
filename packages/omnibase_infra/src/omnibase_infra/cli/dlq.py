"""`onex-host dlq`: what hosts gave up, to look at, to send again, to remove."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from omnibase_infra.cli.command import HostGroup, end_on_signals_with
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.options import contract_argument
from omnibase_infra.cli.selecting import Moment, partition_option, selection_options

if TYPE_CHECKING:
    from omnibase_infra.records.selection import Selection

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


@click.group(cls=HostGroup, epilog="\b\nExample:\n  onex-host dlq list contracts/orders/runtime.yaml --since 2h")
def dlq() -> None:
    """Dead letters: list, show, replay, purge."""


@dlq.command(
    "list",
    epilog="\b\nExamples:\n"
    "  onex-host dlq list contracts/orders/runtime.yaml --code ENVELOPE_VALIDATION_ERROR --since 2h\n"
    "  onex-host dlq list contracts/orders/runtime.yaml --json | jq -r .correlation_id",
)
@contract_argument
@selection_options
@click.option("--limit", metavar="N", type=click.IntRange(1), help="No more than so many.")
@_json_option
@click.pass_context
def list_(ctx: click.Context, *, contract: str, selection: "Selection", limit: int | None, as_json: bool) -> None:
    """List the dead letters of CONTRACT.

    Those that were there when it began, in the order of each partition. Never a payload, nor a header of the
    original. Values of one option are alternatives, different options all hold.
    """
    end_on_signals_with(ctx, EnumExitCode.DRAIN_INCOMPLETE)
    from omnibase_infra.cli.broker import desk_of
    from omnibase_infra.cli.dlq_runs import list_letters

    ctx.exit(list_letters(desk_of(contract), selection, limit=limit, as_json=as_json))


@dlq.command("show", epilog="\b\nExample:\n  onex-host dlq show contracts/orders/runtime.yaml 0 17")
@contract_argument
@click.argument("partition", type=click.IntRange(0))
@click.argument("offset", type=click.IntRange(0))
@_json_option
@click.pass_context
def show(ctx: click.Context, contract: str, partition: int, offset: int, as_json: bool) -> None:
    """Show one dead letter of CONTRACT with all that is known of it.

    Its payload and its headers are shown as they are, secrets included, if somebody sent some; what would
    change the terminal is escaped.
    """
    end_on_signals_with(ctx, EnumExitCode.DRAIN_INCOMPLETE)
    from omnibase_infra.cli.broker import desk_of
    from omnibase_infra.cli.dlq_runs import show_letter

    ctx.exit(show_letter(desk_of(contract), partition, offset, as_json=as_json))


@dlq.command(
    "replay",
    epilog="\b\nExamples:\n"
    "  onex-host dlq replay contracts/orders/runtime.yaml --node find_order --since 2h --dry-run\n"
    "  onex-host dlq replay contracts/orders/runtime.yaml --node find_order --since 2h --rate 50",
)
@contract_argument
@selection_options
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--rate", metavar="N", type=click.FloatRange(0, min_open=True), help="No more than N a second.")
@click.option(
    "--max-replays",
    metavar="N",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Leave those that were replayed so often.",
)
@click.option("--again", is_flag=True, help="Send those too that were replayed before.")
@_json_option
@click.pass_context
def replay(
    ctx: click.Context,
    *,
    contract: str,
    selection: "Selection",
    dry_run: bool,
    rate: float | None,
    max_replays: int,
    again: bool,
    as_json: bool,
) -> None:
    """Send dead letters of CONTRACT to its input topic again.

    Key, value and headers as they were, byte for byte, and a header that counts the replays. Each is sent once:
    what was acknowledged is remembered in the cluster, so the same command goes on where one ended, and a later
    one takes what is new. The exit code is 3 where some were replayed too often, and 4 where a signal came first.
    """
    end_on_signals_with(ctx, EnumExitCode.DRAIN_INCOMPLETE)
    from omnibase_infra.cli.broker import desk_of
    from omnibase_infra.cli.dlq_runs import replay_letters
    from omnibase_infra.records.replay import ReplayRules

    rules = ReplayRules(selection, max_replays, again, rate)
    ctx.exit(replay_letters(desk_of(contract), rules, dry_run=dry_run, as_json=as_json))


@dlq.command(
    "purge",
    epilog="\b\nExamples:\n"
    "  onex-host dlq purge contracts/orders/runtime.yaml --replayed --dry-run\n"
    "  onex-host dlq purge contracts/orders/runtime.yaml --until 30d --yes\n"
    "  onex-host dlq purge contracts/orders/runtime.yaml --partition 0 --before 120 --yes",
)
@contract_argument
@partition_option
@click.option("--replayed", is_flag=True, help="Up to the first that was not replayed.")
@click.option("--until", metavar="TIME", type=Moment(), help="Up to the first that failed then or later.")
@click.option("--before", metavar="OFFSET", type=click.IntRange(0), help="Up to this offset, which stays.")
@click.option("--all", "everything", is_flag=True, help="Everything that is there now.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Remove it: there is no way back.")
@_json_option
@click.pass_context
def purge(
    ctx: click.Context,
    *,
    contract: str,
    partitions: tuple[int, ...],
    replayed: bool,
    until: datetime | None,
    before: int | None,
    everything: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove dead letters of CONTRACT for good, from the beginning of each partition.

    A broker removes records from the beginning only: what stays keeps all that is behind it. Of several bounds
    the nearest holds.
    """
    _check_purge(bounded=replayed or until is not None or before is not None, everything=everything)
    if dry_run == yes:
        raise click.UsageError("Purged is gone for good: --dry-run says what would go, --yes removes it")
    end_on_signals_with(ctx, EnumExitCode.DRAIN_INCOMPLETE)
    from omnibase_infra.cli.broker import desk_of
    from omnibase_infra.cli.dlq_runs import purge_letters
    from omnibase_infra.records.purge import PurgeBound

    bound = PurgeBound(frozenset(partitions), before, until, replayed)
    ctx.exit(purge_letters(desk_of(contract), bound, dry_run=dry_run, as_json=as_json))


def _check_purge(*, bounded: bool, everything: bool) -> None:
    if bounded and everything:
        raise click.UsageError("--all has no bound; leave out --all, or --replayed, --until and --before")
    if not bounded and not everything:
        raise click.UsageError("Name what goes: --replayed, --until TIME, --before OFFSET, or --all")
