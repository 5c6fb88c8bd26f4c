"""`onex-host schema`: the JSON Schema of contract files, for editors."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import click

from omnibase_infra.cli.command import HostCommand

if TYPE_CHECKING:
    from omnibase_core.contracts.schema import ContractKind

KINDS: Final[Mapping[str, "ContractKind"]] = {"runtime": "runtime", "node": "node", "test": "test"}
"""The kinds of files that there is a schema of."""


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host schema runtime > schema/runtime.schema.json\n"
    "  onex-host schema node > schema/node.schema.json\n"
    "  onex-host schema test > schema/test.schema.json\n"
    "\b\nA YAML editor reads it where the contract's first line names it:\n"
    "  # yaml-language-server: $schema=schema/runtime.schema.json",
)
@click.argument("kind", type=click.Choice(list(KINDS)))
def schema(kind: str) -> None:
    """Print the JSON Schema of runtime contracts, of node contracts, or of contract tests.

    With it an editor completes fields, shows what they mean and marks what is wrong. It accepts what `validate`
    accepts; `validate` finds more.
    """
    from omnibase_infra.cli.schemas import schema_text

    click.echo(schema_text(KINDS[kind]), nl=False)
