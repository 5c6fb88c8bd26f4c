"""`onex-host explain`: what would become of one envelope, without performing it."""

import os
import sys
from pathlib import Path

import click

from omnibase_infra.cli.command import HostCommand
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.options import contract_argument


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host explain contracts/orders/runtime.yaml request.json\n"
    "  head -1 requests.jsonl | onex-host explain contracts/orders/runtime.yaml - --format json | jq .outcome",
)
@contract_argument
@click.argument("envelope", metavar="ENVELOPE")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def explain(ctx: click.Context, contract: str, envelope: str, form: str) -> None:
    """Explain what CONTRACT would make of ENVELOPE, step by step, and perform nothing.

    ENVELOPE is a file, `-` for stdin, or the JSON itself. No handler is started and nothing is connected to.
    What looks like a secret in the payload is not shown. The exit code is 3 where the envelope would fail.
    """
    from omnibase_infra.cli.explaining import Explainer, as_text
    from omnibase_infra.config.files import load_contract_file

    loaded = load_contract_file(contract, os.environ)
    limit = loaded.require().event_bus.max_envelope_bytes
    explanation = Explainer(loaded).explain(bytes_of(envelope, limit))
    if form == "json":
        click.echo(explanation.model_dump_json(indent=2))
    else:
        click.echo(as_text(explanation))
    ctx.exit(EnumExitCode.OK if explanation.error is None else EnumExitCode.ENVELOPE_FAILED)


def bytes_of(envelope: str, limit: int) -> bytes:
    """The envelope's bytes, of one over the limit no more than shows that it is."""
    if envelope.lstrip().startswith("{"):
        return envelope.encode(errors="surrogateescape").strip()
    if envelope == "-":
        return sys.stdin.buffer.read(limit + 2).rstrip()
    try:
        with Path(envelope).open("rb") as file:
            return file.read(limit + 2).rstrip()
    except OSError as error:
        raise click.UsageError(f"ENVELOPE is a file, - or JSON; '{envelope}': {error.strerror}") from None
