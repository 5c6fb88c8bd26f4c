"""`onex-host topics`: the topics that a Kafka contract needs, and whether the cluster has them."""

import click

from omnibase_infra.cli.command import HostCommand
from omnibase_infra.cli.options import contract_argument


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host topics contracts/orders/runtime.yaml\n"
    "  onex-host topics --check contracts/orders/runtime.yaml\n"
    "  onex-host topics --create --partitions 12 contracts/orders/runtime.yaml",
)
@contract_argument
@click.option("--check", is_flag=True, help="Ask the cluster what a host would ask at its start.")
@click.option("--create", is_flag=True, help="Create those that do not exist; a host never does.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--partitions", type=click.IntRange(1, 10_000), default=6, show_default=True)
@click.option(
    "--replication-factor",
    "replication",
    type=click.IntRange(1, 100),
    help="By default 3; --create takes as many as there are brokers, where they are fewer.",
)
def topics(
    contract: str, check: bool, create: bool, as_json: bool, partitions: int, replication: int | None
) -> None:
    """Show the topics of CONTRACT, with recommended settings and the commands that create them.

    The host itself creates none. Without --check and --create no cluster is asked.
    """
    from omnibase_infra.cli import topic_plan

    if (check or create) and as_json:
        raise click.UsageError("--json is for the plan alone, without --check and --create")
    if create:
        click.echo(topic_plan.created(contract, partitions, replication))
    if check:
        click.echo(topic_plan.checked(contract))
    if not (check or create):
        click.echo(topic_plan.planned(contract, partitions, replication or topic_plan.REPLICATION, as_json))
