"""What `onex-host call --dev` does: the dev host that runs makes the call. Imported within the command only."""

import asyncio
import os

import click
from omnibase_core.codec import decode
from pydantic import ValidationError

from omnibase_infra.admin.asking import post
from omnibase_infra.cli.dev_models import CALL, ModelDevAnswer, ModelDevCall
from omnibase_infra.cli.options import shown_address
from omnibase_infra.cli.showing import Called

_UNBOUNDED = 1 << 30


def called_in_dev(call: ModelDevCall, contract: str, address: str, port: int) -> Called:
    """The response of the dev host at this address, if it runs this contract.

    Raises click.ClickException where none answers, another contract is run, or the host stopped first, and
    click.UsageError with what the node does not take.
    """
    where = shown_address(address, port)
    call = call.model_copy(update={"contract": os.path.realpath(contract)})
    try:
        asked = asyncio.run(post(address, port, CALL, call.model_dump_json().encode()))
    except OSError:
        raise click.ClickException(
            f"No dev host answers at {where}. Start one in another terminal:\n"
            f"  onex-host dev {contract}\n"
            "or, where one listens elsewhere, say where with --http PORT"
        ) from None
    try:
        answer = ModelDevAnswer.model_validate_json(asked.body)
    except ValidationError:
        raise click.ClickException(
            f"What answers at {where} is no dev host (it said {asked.status}); say with --http PORT where yours is"
        ) from None
    if answer.envelope is not None:
        return Called(decode(answer.envelope.encode(), _UNBOUNDED), answer.elapsed_ms)
    refusal = answer.refusal or "the dev host gave no reason"
    raise click.UsageError(refusal) if asked.status == 400 else click.ClickException(refusal)
