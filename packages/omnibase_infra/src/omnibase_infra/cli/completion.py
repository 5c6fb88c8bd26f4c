"""`onex-host completion`: the script that makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

from omnibase_infra.cli.command import HostCommand

PROGRAM = "onex-host"
_VARIABLE = "_ONEX_HOST_COMPLETE"


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    '  bash: add to ~/.bashrc  eval "$(onex-host completion bash)"\n'
    '  zsh:  add to ~/.zshrc   eval "$(onex-host completion zsh)"\n'
    "  fish: onex-host completion fish > ~/.config/fish/completions/onex-host.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"No completion for {shell}")
    completer = kind(ctx.find_root().command, {}, PROGRAM, _VARIABLE)
    click.echo(completer.source_template % completer.source_vars())
