"""`onex-host describe`: the wiring of a contract, or where each value of its handlers comes from."""

import os

import click

from omnibase_infra.cli.command import HostCommand
from omnibase_infra.cli.options import contract_argument

_FORMATS = click.Choice(["table", "json", "mermaid"])


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host describe contracts/orders/runtime.yaml\n"
    "  onex-host describe --config contracts/orders/runtime.yaml\n"
    "  onex-host describe --format mermaid contracts/orders/runtime.yaml > wiring.mmd",
)
@contract_argument
@click.option("--format", "form", type=_FORMATS, default="table", show_default=True)
@click.option(
    "--config", "values", is_flag=True, help="Show every effective value of each handler, and its source."
)
@click.option("--no-env", is_flag=True, help="Leave the environment out: every ${VARIABLE} is shown by its name.")
def describe(contract: str, form: str, values: bool, no_env: bool) -> None:
    """Show how CONTRACT is wired: bus, handlers, nodes with their models, and what each node may reach.

    Nothing is started. A variable that is not set is shown by its name, a secret as its reference.
    """
    from omnibase_infra.cli import describing

    if values and form == "mermaid":
        raise click.UsageError("--config is shown as table or json")
    environment = {} if no_env else os.environ
    click.echo(
        describing.values(contract, environment, form)
        if values
        else describing.wiring(contract, environment, form)
    )
