"""`onex-host diff`: what changes between two contracts, and whom it breaks."""

import click

from omnibase_infra.cli.command import HostCommand
from omnibase_infra.cli.exit_codes import EnumExitCode


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host diff released/runtime.yaml contracts/runtime.yaml\n"
    "  onex-host diff --format json old/nodes/total.yaml new/nodes/total.yaml | jq .breaking",
)
@click.argument("old", metavar="OLD", type=click.Path())
@click.argument("new", metavar="NEW", type=click.Path())
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def diff(ctx: click.Context, old: str, new: str, form: str) -> None:
    """Compare two runtime contracts with their nodes, or two node contracts.

    Each change is compatible or breaking: for callers, who send requests and read responses, for responders,
    the servers that nodes call, or for operators, who run the host. Variables are compared by name. The exit
    code is 1 where any change breaks, and where one of the two cannot be loaded.
    """
    from omnibase_core.contracts.compare import compare, read_side

    from omnibase_infra.cli.differences import as_json, as_text
    from omnibase_infra.config.files import read_contract_file

    changes = compare(read_side(old, read_contract_file), read_side(new, read_contract_file))
    click.echo(as_json(changes) if form == "json" else as_text(changes))
    breaking = any(change.verdict == "breaking" for change in changes)
    ctx.exit(EnumExitCode.NOT_STARTED if breaking else EnumExitCode.OK)
