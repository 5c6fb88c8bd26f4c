"""`onex-host run --check`: everything is started but consuming, and looked at."""

import click
from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract
from omnibase_core.enums import EnumHealth

from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.host.condition import BUS
from omnibase_infra.host.process import BaseRuntimeHostProcess


async def checked(host: BaseRuntimeHostProcess, contract: ModelRuntimeHostContract) -> EnumExitCode:
    """Prints a line for the bus and for each handler.

    A part that cannot even start ends this with its own error, as it would end a start.
    """
    try:
        await host.open(consuming=False)
        parts = (await host.condition()).parts
    finally:
        await host.close(grace_s=0.0)
    width = max(map(len, parts))
    click.echo(
        f"{BUS:<{width}}  ok         {contract.event_bus.kind}: it can be reached, and its topics can be used"
    )
    for name, health in parts.items():
        if name != BUS:
            word = "ok" if health.status is EnumHealth.HEALTHY else health.status.value
            click.echo(f"{name:<{width}}  {word:<9}  {health.message}".rstrip())
    for handler in contract.handlers:
        if not handler.enabled:
            click.echo(f"{handler.name:<{width}}  disabled")
    unhealthy = [name for name, health in parts.items() if name != BUS and health.status is EnumHealth.UNHEALTHY]
    return EnumExitCode.NOT_STARTED if unhealthy else EnumExitCode.OK
