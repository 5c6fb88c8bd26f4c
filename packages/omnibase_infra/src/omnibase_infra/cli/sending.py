"""The run of `onex-host send`: publish, wait for responses, show them. Imported within the command only."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple
from uuid import UUID

import click
from omnibase_spi.topic_log import Extent

from omnibase_infra.cli.broker import GRACEFUL_S, Desk, at_desk
from omnibase_infra.cli.command import counted, rendered
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.progress import ProgressLine
from omnibase_infra.cli.showing import response_text
from omnibase_infra.records.sending import (
    Request,
    Response,
    SendingError,
    ends,
    message_of,
    responses,
    send,
)

_NAMED_LINES = 10


class Sending(NamedTuple):
    """What is sent, and how. wait_s: seconds to wait for responses, None: not at all. form: of what is shown."""

    requests: Sequence[Request]
    key: bytes | None = None
    wait_s: float | None = None
    form: str = "readable"


def run_send(desk: Desk, sending: Sending) -> EnumExitCode:
    """Sends everything, and gives the exit code."""
    if not sending.requests:
        click.echo("0 requests sent: the input has none", err=True)
        return EnumExitCode.OK

    async def work(desk: Desk) -> EnumExitCode:
        return await _Run(desk, sending).run()

    code = at_desk(desk, work, grace_s=GRACEFUL_S)
    if code is None:
        click.echo("Stopped by a signal; what was sent so far is not known", err=True)
        return EnumExitCode.DRAIN_INCOMPLETE
    return code


class _Run:
    """One run, with what it counts."""

    def __init__(self, desk: Desk, sending: Sending) -> None:
        self._desk = desk
        self._sending = sending
        self._topics = desk.contract.event_bus.topics
        self._missing: dict[UUID, Request] = {each.envelope.envelope_id: each for each in sending.requests}
        self._failed = 0
        self._progress = ProgressLine()

    async def run(self) -> EnumExitCode:
        """Publishes, then waits for as long as is wanted."""
        places: Sequence[Extent] = ()
        if self._sending.wait_s is not None:
            places = await ends(self._desk.log, self._topics.output)
        started = asyncio.get_running_loop().time()
        try:
            sent = await self._publish()
        except SendingError as error:
            click.echo(rendered(error), err=True)
            click.echo(self._sent_before(error), err=True)
            return EnumExitCode.BUS_LOST
        if sent < len(self._sending.requests):
            total = len(self._sending.requests)
            click.echo(f"Stopped by a signal: {sent:,} of {counted(total, 'request')} sent", err=True)
            return EnumExitCode.DRAIN_INCOMPLETE
        if self._sending.wait_s is None:
            self._tell_sent()
            return EnumExitCode.OK
        async with aclosing(self._responses(places, self._sending.wait_s)) as coming:
            async for response in coming:
                self._show(response, (asyncio.get_running_loop().time() - started) * 1_000)
        self._progress.clear()
        return self._ended()

    async def _publish(self) -> int:
        messages = [message_of(each, self._topics.input, self._sending.key) for each in self._sending.requests]
        try:
            return await send(self._desk.log, messages, self._desk.stop, self._tell)
        finally:
            self._progress.clear()

    def _sent_before(self, error: SendingError) -> str:
        total = counted(len(self._sending.requests), "request")
        where = "" if error.line is None else f"; line {error.line} is the first that is not known to be there"
        return f"{error.sent:,} of {total} sent{where}"

    def _responses(self, places: Sequence[Extent], wait_s: float) -> AsyncGenerator[Response]:
        desk = self._desk
        return responses(desk.log, desk.reading, places, self._missing, timeout_s=wait_s, stop=desk.stop)

    def _show(self, response: Response, elapsed_ms: float) -> None:
        cause = response.envelope.causation_id
        if cause is not None:
            self._missing.pop(cause, None)
        self._failed += response.envelope.error is not None
        self._progress.clear()
        raw = self._sending.form == "raw" and response.record.value is not None
        text = (response.record.value or b"").decode() if raw else ""
        click.echo(text or response_text(response.envelope, self._sending.form, elapsed_ms))
        self._progress.show(0, f"{len(self._missing):,} unanswered")

    def _tell(self, sent: int) -> None:
        self._progress.show(sent, f"{sent:,} sent")

    def _tell_sent(self) -> None:
        requests = self._sending.requests
        if requests[0].line is not None:
            click.echo(f"{counted(len(requests), 'request')} sent to {self._topics.input}", err=True)
            return
        envelope = requests[0].envelope
        ids = {"envelope_id": str(envelope.envelope_id), "correlation_id": str(envelope.correlation_id)}
        if self._sending.form in ("json", "raw"):
            click.echo(json.dumps(ids))
        else:
            click.echo(f"Sent to {self._topics.input}")
            click.echo("\n".join(f"  {name}: {value}" for name, value in ids.items()))

    def _ended(self) -> EnumExitCode:
        requests = self._sending.requests
        answered = len({each.envelope.envelope_id for each in requests}) - len(self._missing)
        if requests[0].line is not None:
            told = f"{counted(len(requests), 'request')} sent, {answered:,} answered, {self._failed:,} failed"
            click.echo(told, err=True)
        if self._missing:
            click.echo(self._unanswered(), err=True)
            return EnumExitCode.DRAIN_INCOMPLETE
        return EnumExitCode.ENVELOPE_FAILED if self._failed else EnumExitCode.OK

    def _unanswered(self) -> str:
        missing = list(self._missing.values())
        lines = [str(each.line) for each in missing if each.line is not None]
        where = (
            f" (lines {', '.join(lines[:_NAMED_LINES])}{', …' if len(lines) > _NAMED_LINES else ''})"
            if lines
            else ""
        )
        until = "before the signal" if self._desk.stop.is_set() else f"within {self._sending.wait_s:g} s"
        which = "No response came" if not lines else f"{counted(len(missing), 'request')}{where} got no response"
        correlation = missing[0].envelope.correlation_id
        look = f"onex-host trace CONTRACT {correlation}" if correlation else "onex-host tail CONTRACT"
        return (
            f"{which} {until}. What was sent is in {self._topics.input} and stays there: the response may still "
            f"come, once a host of this contract runs. Look with {look}"
        )
