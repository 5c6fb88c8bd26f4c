"""`onex-host models`: the models of a node contract as Python, for typed COMPUTE functions."""

from typing import TextIO

import click

from omnibase_infra.cli.command import HostCommand
from omnibase_infra.cli.exit_codes import EnumExitCode


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host models nodes/order_total.yaml > models.py\n"
    "  onex-host models nodes/order_total.yaml --check models.py",
)
@click.argument("contract", metavar="NODE_CONTRACT", type=click.Path())
@click.option(
    "--check",
    "written",
    metavar="FILE",
    type=click.File(encoding="utf-8"),
    help="Print nothing; the exit code is 1 where FILE says something else.",
)
@click.pass_context
def models(ctx: click.Context, contract: str, written: TextIO | None) -> None:
    """Print the models of a node contract as Python dataclasses.

    A function with them in its signature is a typed COMPUTE function: def order_total(order: ModelOrder) ->
    ModelTotal. The host compares the signature with the contract when it starts.
    """
    from omnibase_core.contracts.load import load_node
    from omnibase_core.contracts.python_models import python_models
    from omnibase_core.errors import ContractValidationError

    from omnibase_infra.config.files import read_contract_file

    loaded = load_node(contract, read_contract_file)
    if loaded.node is None:
        raise ContractValidationError(loaded.problems)
    text = python_models(loaded.node)
    if written is None:
        click.echo(text, nl=False)
    elif written.read() != text:
        click.echo(f"{written.name} is not what {contract} says; write it anew with onex-host models", err=True)
        ctx.exit(EnumExitCode.NOT_STARTED)
