"""`onex-host pipe`: envelopes as JSON lines through a host, responses as JSON lines."""

import os
import sys
from typing import TYPE_CHECKING

import click

from omnibase_infra.cli.command import HostCommand, end_on_signals_with
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.options import (
    contract_argument,
    embedded_options,
    grace_option,
    host_option,
    log_options,
)

if TYPE_CHECKING:
    from omnibase_infra.telemetry.logs import Levels, LogFormat


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host pipe contracts/orders/runtime.yaml requests.jsonl > responses.jsonl\n"
    "  producer | onex-host pipe contracts/orders/runtime.yaml --ordered | consumer",
)
@contract_argument
@click.argument("file", required=False, type=click.Path())
@click.option("--ordered", is_flag=True, help="Write the responses in the order of the requests.")
@embedded_options
@host_option
@grace_option
@log_options("text", "ERROR")
@click.pass_context
def pipe(
    ctx: click.Context,
    contract: str,
    file: str | None,
    ordered: bool,
    embedded_postgres: bool,
    sql_file: str | None,
    host_name: str | None,
    grace_s: float,
    log_format: "LogFormat",
    log_level: "Levels",
) -> None:
    """Send envelopes through the host of CONTRACT.

    One JSON envelope a line, from FILE or stdin; one response a line on stdout, as they come. A line that is no
    envelope is answered with an error envelope whose `metadata.line` is its number. Uses the in-memory bus,
    whatever the contract says. The exit code is 3 where any response is a failure, and 4 where a line that was
    read has no response, or its response could not be written.
    """
    end_on_signals_with(ctx, EnumExitCode.OK)
    import asyncio

    from omnibase_infra.cli.hosting import built, host_class, load, postgres_given
    from omnibase_infra.cli.piping import run_pipe

    loaded = load(contract, log_format, log_level)
    host = host_class(host_name)
    source = _opened(file)
    if sys.stdout is None:
        raise click.UsageError("stdout is closed, and the responses go there; open it, or send it to /dev/null")
    try:
        with postgres_given(loaded, embedded_postgres, sql_file) as given:
            code, summary = asyncio.run(
                run_pipe(
                    built(given, host, local=True),
                    source,
                    sys.stdout.fileno(),
                    limit=given.require().event_bus.max_envelope_bytes,
                    ordered=ordered,
                    grace_s=grace_s,
                )
            )
    finally:
        if file is not None:
            os.close(source)
    _tell(summary)
    ctx.exit(code)


def _tell(summary: str) -> None:
    """Prints on stderr; where that cannot be written, the exit code alone says how it ended."""
    try:
        click.echo(summary, err=True)
    except OSError:
        # What is left in the stream's buffer would spoil the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _opened(file: str | None) -> int:
    if file is None or file == "-":
        if sys.stdin is None:
            raise click.UsageError("stdin is closed, and the envelopes come from there; open it, or name a FILE")
        return sys.stdin.fileno()
    if os.path.isdir(file):
        raise click.FileError(file, "it is a folder; name a file of JSON lines")
    try:
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise click.FileError(file, error.strerror or "it cannot be opened") from None
