"""`onex-host send`: requests to the input topic of a host that runs somewhere else."""

from uuid import UUID

import click

from omnibase_infra.cli.command import HostCommand, end_on_signals_with
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.options import Seconds, contract_argument
from omnibase_infra.cli.selecting import Base64


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host send contracts/orders/runtime.yaml find_order id=7 --wait\n"
    "  onex-host send contracts/orders/runtime.yaml requests.jsonl --wait > responses.jsonl\n"
    "  producer | onex-host send contracts/orders/runtime.yaml -",
)
@contract_argument
@click.argument("what", metavar="[FILE | NODE [KEY=VALUE]…]", nargs=-1)
@click.option("--payload", metavar="JSON", help="For NODE: the payload; KEY=VALUE replaces fields of it.")
@click.option("--operation", metavar="NAME", help="For NODE: the operation, where it has several.")
@click.option(
    "--ttl", "ttl_s", metavar="SECONDS", type=Seconds(0, min_open=True), help="For NODE: its ttl_seconds."
)
@click.option(
    "--correlation", metavar="ID", type=click.UUID, help="For NODE: its correlation id, drawn by default."
)
@click.option("--key", metavar="TEXT", help="The records' key: those with one key are worked on in their order.")
@click.option("--key-base64", metavar="BASE64", type=Base64(), help="The same, of any bytes.")
@click.option("--no-check", is_flag=True, help="For FILE: send what no node of the contract would take, too.")
@click.option("--wait", is_flag=True, help="Wait for the responses, and show them.")
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=Seconds(0, min_open=True),
    default=30.0,
    show_default=True,
    help="With --wait: for how long, once all is sent.",
)
@click.option("--json", "form", flag_value="json", help="Print a response's payload, or its error, as one line.")
@click.option("--raw", "form", flag_value="raw", help="Print whole response envelopes, one a line; so for FILE.")
@click.pass_context
def send(
    ctx: click.Context,
    *,
    contract: str,
    what: tuple[str, ...],
    payload: str | None,
    operation: str | None,
    ttl_s: float | None,
    correlation: UUID | None,
    key: str | None,
    key_base64: bytes | None,
    no_check: bool,
    wait: bool,
    timeout_s: float,
    form: str | None,
) -> None:
    """Send requests to the host of CONTRACT, wherever it runs.

    From FILE, `-` or stdin, one JSON envelope a line, sent as they are; or one request to NODE, whose values
    are read as by `onex-host call`. Everything is checked before anything is sent. The exit code is 3 where a
    response is a failure, and 4 where one did not come in time: it may still come.
    """
    end_on_signals_with(ctx, EnumExitCode.DRAIN_INCOMPLETE)
    from omnibase_infra.cli.broker import desk_of
    from omnibase_infra.cli.outgoing import NodeOptions, outgoing
    from omnibase_infra.cli.sending import Sending, run_send

    if key is not None and key_base64 is not None:
        raise click.UsageError("--key and --key-base64 are two forms of one thing; give one")
    desk = desk_of(contract)
    options = NodeOptions(payload, operation, ttl_s, correlation)
    requests = outgoing(desk.contract, desk.loaded.nodes, what, options, check=not no_check)
    sending = Sending(
        requests,
        key=key.encode() if key is not None else key_base64,
        wait_s=timeout_s if wait else None,
        form=form or ("readable" if requests and requests[0].line is None else "raw"),
    )
    ctx.exit(run_send(desk, sending))
