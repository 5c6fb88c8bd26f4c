"""The entry points of the `onex-host` program and its two older names.

A command's module is loaded when the command is wanted. Modules of this room import what is heavy within their
commands only: `--version`, `--help` and completion answer without loading pydantic or a driver.
"""

from typing import Final

import click

from omnibase_infra.cli.command import HostGroup
from omnibase_infra.host.program import begin

COMMANDS: Final = (
    *("demo", "init", "dev", "call", "pipe", "run", "topics", "send", "tail", "trace", "dlq", "validate", "test"),
    *("schema", "models", "describe", "explain", "diff", "completion"),
)
"""The commands, each in the module of its name, in the order of `--help`."""

_PROGRAM: Final = "onex-host"
_ROOM: Final = "omnibase_infra.cli"


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


for _name in COMMANDS:
    onex_host.add_module(_name, f"{_ROOM}.{_name}")


def main() -> None:
    """`onex-host`."""
    begin()
    onex_host.main(prog_name=_PROGRAM)


def run_main() -> None:
    """`omnibase-runtime-host CONTRACT`, which is `onex-host run`."""
    from omnibase_infra.cli.run import run

    begin()
    run.main(prog_name="omnibase-runtime-host")


def validate_main() -> None:
    """`omnibase-runtime-validate-contract PATH…`, which is `onex-host validate`."""
    from omnibase_infra.cli.validate import validate

    begin()
    validate.main(prog_name="omnibase-runtime-validate-contract")
