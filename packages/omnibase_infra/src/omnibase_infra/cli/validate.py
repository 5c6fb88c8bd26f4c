"""`onex-host validate`: every problem of contracts, without running anything."""

import os

import click

from omnibase_infra.cli.command import HostCommand, counted, rendered
from omnibase_infra.cli.exit_codes import EnumExitCode


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host validate contracts/orders/runtime.yaml\n"
    "  onex-host validate --no-env contracts/",
)
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path())
@click.option("--no-env", is_flag=True, help="Check without the environment: an unset ${VARIABLE} is a warning.")
@click.option("--lenient", is_flag=True, help="Unknown fields are warnings.")
@click.pass_context
def validate(ctx: click.Context, paths: tuple[str, ...], no_env: bool, lenient: bool) -> None:
    """Check contracts and report every problem.

    PATH is a runtime contract, a node contract, or a folder of them. Problems go to stderr, a summary to stdout;
    the exit code is 1 where any problem is an error. Of secrets only the form of their references is checked.
    """
    from omnibase_core.errors import ContractValidationError

    from omnibase_infra.config.files import validate_paths

    found = validate_paths(paths, None if no_env else os.environ, lenient=lenient)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    if errors:
        click.echo(rendered(ContractValidationError(found.problems)), err=True)
    else:
        for warning in found.problems:
            click.echo(warning.render(), err=True)
    warnings = len(found.problems) - len(errors)
    of_them = f" ({counted(warnings, 'warning')})" if warnings else ""
    click.echo(f"{counted(len(found.files), 'file')}, {counted(len(found.problems), 'problem')}{of_them}")
    ctx.exit(EnumExitCode.NOT_STARTED if errors else EnumExitCode.OK)
