"""`onex-host schema`: the JSON Schema of contract files, for editors."""

import click

from omnibase_infra.cli.command import HostCommand


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host schema runtime > schema/runtime.schema.json\n"
    "  onex-host schema node > schema/node.schema.json\n"
    "\b\nA YAML editor reads it where the contract's first line names it:\n"
    "  # yaml-language-server: $schema=schema/runtime.schema.json",
)
@click.argument("kind", type=click.Choice(["runtime", "node"]))
def schema(kind: str) -> None:
    """Print the JSON Schema of runtime contracts or of node contracts.

    With it an editor completes fields, shows what they mean and marks what is wrong. It accepts what `validate`
    accepts; `validate` finds more.
    """
    from omnibase_infra.cli.schemas import schema_text

    click.echo(schema_text("runtime" if kind == "runtime" else "node"), nl=False)
