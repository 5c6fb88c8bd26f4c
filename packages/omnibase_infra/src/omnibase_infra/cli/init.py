"""`onex-host init`: a new project, made from the quickstart."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from omnibase_infra.cli.command import HostCommand, counted

_SHOWN = 20


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n  onex-host init orders\n  onex-host init --force .",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Go on in a folder that is not empty; what is there stays as it is.")
def init(folder: Path, force: bool) -> None:
    """Make a project in DIR: contracts, a host for the COMPUTE function, sample requests, a test, editor settings.

    The folder is made, or must be empty. Nothing is ever overwritten.
    """
    from omnibase_infra.cli.project import make, project_name

    there = _there(folder)
    if there and not force:
        raise click.ClickException(
            f"{folder} is not empty: {', '.join(there[:_SHOWN])}{' …' if len(there) > _SHOWN else ''}\n"
            "Name another folder, or add --force: files that are there stay as they are"
        )
    name = project_name(folder)
    made = make(folder, name)
    click.echo(f"The project '{name}' is in {folder}: {counted(len(made.written), 'file')} written")
    for kept in made.kept:
        click.echo(f"  kept as it was, not written: {kept}")
    click.echo(
        "\n  ".join(["What to type next:\n", *_entering(folder), *_as_typed_here(made.missing, made.commands)])
    )


def _entering(folder: Path) -> list[str]:
    return [] if folder.resolve() == Path.cwd() else [f"cd {shlex.quote(str(folder))}"]


def _as_typed_here(missing: Sequence[str], commands: Sequence[str]) -> list[str]:
    """The commands, after what installs the packages that they need; through uv where that is how we were run."""
    by_uv = "UV_RUN_RECURSION_DEPTH" in os.environ
    install = [f"{'uv ' if by_uv else ''}pip install {shlex.join(missing)}"] if missing else []
    return [*install, *(f"uv run {command}" if by_uv else command for command in commands)]


def _there(folder: Path) -> list[str]:
    """What is in the way; a repository that has just been made is not."""
    if not folder.exists() and not folder.is_symlink():
        return []
    if not folder.is_dir():
        raise click.ClickException(f"{folder} is no folder; name another")
    return sorted(entry.name for entry in folder.iterdir() if entry.name != ".git")
