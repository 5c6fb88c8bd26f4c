"""`onex-host call`: one typed request to one node, and its response."""

from typing import TYPE_CHECKING, NoReturn

import click

from omnibase_infra.cli.command import HostCommand, end_on_signals_with
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.options import (
    Seconds,
    contract_argument,
    dev_listener_option,
    embedded_options,
    host_option,
    log_options,
)

if TYPE_CHECKING:
    from omnibase_core.envelope import ModelOnexEnvelope

    from omnibase_infra.telemetry.logs import Levels, LogFormat


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host call contracts/orders/runtime.yaml calculate_total quantity=3 price=9.99\n"
    "  onex-host call contracts/orders/runtime.yaml find_order --payload '{\"id\": 7}' --json | jq .status",
)
@contract_argument
@click.argument("node", metavar="NODE")
@click.argument("values", metavar="[KEY=VALUE]…", nargs=-1)
@click.option("--payload", metavar="JSON", help="The payload as a JSON object; KEY=VALUE replaces fields of it.")
@click.option("--operation", metavar="NAME", help="The operation, where the node has several.")
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=Seconds(0, min_open=True),
    help="How long the response is waited for; the request's ttl_seconds.",
)
@click.option("--json", "form", flag_value="json", help="Print the response's payload, or its error, as one line.")
@click.option("--raw", "form", flag_value="raw", help="Print the whole response envelope as one line.")
@click.option("--dev", "in_dev", is_flag=True, help="Let the `onex-host dev` that runs make the call.")
@dev_listener_option
@embedded_options
@host_option
@log_options("text", "ERROR")
@click.pass_context
def call(
    ctx: click.Context,
    contract: str,
    node: str,
    values: tuple[str, ...],
    payload: str | None,
    operation: str | None,
    timeout_s: float | None,
    form: str | None,
    in_dev: bool,
    listener: tuple[str, int],
    embedded_postgres: bool,
    sql_file: str | None,
    host_name: str | None,
    log_format: "LogFormat",
    log_level: "Levels",
) -> None:
    """Call NODE of CONTRACT once and show the response.

    Values are read as the node's input model says: text for texts, uuids, dates and decimals, JSON for
    everything else. Uses the in-memory bus, whatever the contract says. The exit code is 3 where the response
    is a failure.
    """
    end_on_signals_with(ctx, EnumExitCode.DRAIN_INCOMPLETE)
    if in_dev:
        from omnibase_infra.cli.dev_call import called_in_dev
        from omnibase_infra.cli.dev_models import ModelDevCall

        call = ModelDevCall(node=node, values=values, payload=payload, operation=operation, timeout_s=timeout_s)
        _end(ctx, *called_in_dev(call, contract, *listener), form)
    import asyncio

    from omnibase_infra.cli.calling import call_once, request_to
    from omnibase_infra.cli.hosting import built, host_class, load, postgres_given

    loaded = load(contract, log_format, log_level)
    host = host_class(host_name)
    request = request_to(
        loaded.nodes,
        node,
        values,
        contract=contract,
        payload=payload,
        operation=operation,
        timeout_s=timeout_s,
    )
    with postgres_given(loaded, embedded_postgres, sql_file) as given:
        response, elapsed_ms = asyncio.run(call_once(built(given, host, local=True), request))
    _end(ctx, response, elapsed_ms, form)


def _end(
    ctx: click.Context, response: "ModelOnexEnvelope | None", elapsed_ms: float, form: str | None
) -> NoReturn:
    from omnibase_infra.cli.showing import response_text

    if response is None:
        click.echo("Stopped by a signal before the response came", err=True)
        ctx.exit(EnumExitCode.DRAIN_INCOMPLETE)
    click.echo(response_text(response, form or "readable", elapsed_ms))
    ctx.exit(EnumExitCode.OK if response.success else EnumExitCode.ENVELOPE_FAILED)
