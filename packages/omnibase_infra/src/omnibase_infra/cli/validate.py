"""`onex-host validate`: every problem of contracts, without running anything."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from omnibase_infra.cli.command import HostCommand, counted, rendered
from omnibase_infra.cli.exit_codes import EnumExitCode

if TYPE_CHECKING:
    from omnibase_core.problems import ModelProblem


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host validate contracts/orders/runtime.yaml\n"
    "  onex-host validate --no-env contracts/\n"
    "  onex-host validate --no-env --format sarif contracts/ > contracts.sarif",
)
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path())
@click.option("--no-env", is_flag=True, help="Check without the environment: an unset ${VARIABLE} is a warning.")
@click.option("--lenient", is_flag=True, help="Unknown fields are warnings.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="How problems are written; all but text go to stdout, and nothing else does.",
)
@click.option(
    "--color/--no-color",
    default=None,
    help="Text with colour and source lines, as a terminal has it, or without colour.",
)
@click.pass_context
def validate(
    ctx: click.Context, paths: tuple[str, ...], no_env: bool, lenient: bool, form: str, color: bool | None
) -> None:
    """Check contracts and report every problem.

    PATH is a runtime contract, a node contract, or a folder of them. Problems go to stderr, a summary to stdout;
    the exit code is 1 where any problem is an error. Of secrets only the form of their references is checked.
    """
    from omnibase_infra.config.files import validate_paths

    found = validate_paths(paths, None if no_env else os.environ, lenient=lenient)
    if form == "text":
        _show(found.problems, len(found.files), color)
    else:
        from omnibase_infra.cli.reports import REPORTS

        click.echo(REPORTS[form](found.problems), nl=bool(found.problems) or form != "github")
    failed = any(problem.severity == "error" for problem in found.problems)
    ctx.exit(EnumExitCode.NOT_STARTED if failed else EnumExitCode.OK)


def _show(problems: "Sequence[ModelProblem]", files: int, color: bool | None) -> None:
    if problems:
        tell_problems(problems, color)
    warnings = sum(problem.severity == "warning" for problem in problems)
    of_them = f" ({counted(warnings, 'warning')})" if warnings else ""
    click.echo(f"{counted(files, 'file')}, {counted(len(problems), 'problem')}{of_them}")


def tell_problems(problems: "Sequence[ModelProblem]", color: bool | None = None) -> None:
    """Writes problems to stderr, for a terminal with source lines and, unless NO_COLOR is set, in colour."""
    on_terminal = sys.stderr.isatty()
    wanted = color if color is not None else on_terminal and "NO_COLOR" not in os.environ
    text = _on_terminal(problems) if color or on_terminal else _plain(problems)
    click.echo(text, err=True, color=wanted)


def _on_terminal(problems: "Sequence[ModelProblem]") -> str:
    from omnibase_infra.cli.excerpts import shown_problems

    return shown_problems(problems)


def _plain(problems: "Sequence[ModelProblem]") -> str:
    from omnibase_core.errors import ContractValidationError

    if any(problem.severity == "error" for problem in problems):
        return rendered(ContractValidationError(problems))
    return "\n".join(warning.render() for warning in problems)
