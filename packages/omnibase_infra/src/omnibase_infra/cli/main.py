"""The entry points of the `onex-host` program and its two older names.

Modules of this room import what is heavy within their commands only: `--version`, `--help` and completion
answer without loading pydantic or a driver.
"""

import click

from omnibase_infra.cli.call import call
from omnibase_infra.cli.command import HostGroup
from omnibase_infra.cli.completion import PROGRAM, completion
from omnibase_infra.cli.demo import demo
from omnibase_infra.cli.describe import describe
from omnibase_infra.cli.diff import diff
from omnibase_infra.cli.explain import explain
from omnibase_infra.cli.init import init
from omnibase_infra.cli.models import models
from omnibase_infra.cli.pipe import pipe
from omnibase_infra.cli.run import run
from omnibase_infra.cli.schema import schema
from omnibase_infra.cli.validate import validate
from omnibase_infra.host.collector import rest_while_starting


def _print_versions(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from omnibase_infra.host.versions import versions

    for package, version in versions().items():
        click.echo(f"{package} {version}")
    ctx.exit()


@click.group(
    cls=HostGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  onex-host demo\n  onex-host validate contracts/orders/runtime.yaml",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_versions,
    help="Show the versions of the three packages and exit.",
)
def onex_host() -> None:
    """Run declarative nodes in one process: a runtime contract names the event bus, handlers and nodes."""


for command in (demo, init, call, pipe, run, validate, schema, models, describe, explain, diff, completion):
    onex_host.add_command(command)


def main() -> None:
    """`onex-host`."""
    rest_while_starting()
    onex_host.main(prog_name=PROGRAM)


def run_main() -> None:
    """`omnibase-runtime-host CONTRACT`, which is `onex-host run`."""
    rest_while_starting()
    run.main(prog_name="omnibase-runtime-host")


def validate_main() -> None:
    """`omnibase-runtime-validate-contract PATH…`, which is `onex-host validate`."""
    rest_while_starting()
    validate.main(prog_name="omnibase-runtime-validate-contract")
