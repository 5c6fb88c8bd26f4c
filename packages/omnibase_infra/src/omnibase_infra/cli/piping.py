"""The run of `onex-host pipe`: read, submit, collect, write, until the input ends or a signal comes.

Imported within the command only.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.flow import Flow
from omnibase_infra.cli.hosting import abort
from omnibase_infra.cli.progress import ProgressLine
from omnibase_infra.cli.stdio import LineReader, Output
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.host.signals import stop_on_signals


class GivenUp(NamedTuple):
    """The lines without a response when the pipe ended, and why it ended before its input did.

    lost: for want of the bus. unwritable: what keeps the responses from being written, as a clause.
    """

    lines: Sequence[int]
    early: bool = False
    lost: bool = False
    unwritable: str | None = None


async def run_pipe(
    host: BaseRuntimeHostProcess, source: int, target: int, *, limit: int, ordered: bool, grace_s: float
) -> tuple[EnumExitCode, str]:
    """Sends the lines of descriptor `source` through a host, and writes the responses to descriptor `target`.

    limit: bytes of an envelope. Ends with the input, or within `grace_s` seconds of a signal or of the moment
    when responses cannot be written any more, and gives the exit code and a summary. Whatever was read until a
    signal comes is still carried, as far as the time reaches.
    """
    flow = Flow(host.client.submit, limit=limit, ordered=ordered)
    started = asyncio.get_running_loop().time()
    with stop_on_signals(host.request_stop, abort, final=True):
        async with host:
            host.client.on_reply = flow.take
            given_up = await _carried(host, flow, LineReader(source, limit), Output(target), grace_s)
    seconds = asyncio.get_running_loop().time() - started
    summary = flow.summary(seconds, given_up.lines, stopped=given_up.early, unwritable=given_up.unwritable)
    if given_up.lost:
        return EnumExitCode.BUS_LOST, summary
    if given_up.lines:
        return EnumExitCode.DRAIN_INCOMPLETE, summary
    return EnumExitCode.ENVELOPE_FAILED if flow.failed else EnumExitCode.OK, summary


async def _carried(
    host: BaseRuntimeHostProcess,
    flow: Flow,
    reader: LineReader,
    output: Output,
    grace_s: float,
) -> GivenUp:
    """Carries everything through; gives what was given up where the host stopped before the end."""
    feeding = asyncio.create_task(flow.feed(reader), name="onex-pipe-read")
    progress = ProgressLine()
    writing = asyncio.create_task(flow.write(output, partial(_tell, progress)), name="onex-pipe-write")
    stopping = asyncio.create_task(host.stopping(), name="onex-pipe-stop")
    try:
        await asyncio.wait({feeding, writing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if feeding.done() and not (host.bus_lost or writing.done()):
            await feeding
            flow.end()
            await asyncio.wait({writing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        unwritable = _unwritable(writing)
        if writing.done() and unwritable is None:
            return GivenUp(())
        lost = host.bus_lost
        until = asyncio.get_running_loop().time() + (0.0 if lost else grace_s)
        reader.stop()
        await asyncio.wait({feeding}, timeout=_left(until) if unwritable is None else 0.0)
        feeding.cancel()
        await host.close(grace_s=_left(until))
        given_up = flow.give_up()
        await asyncio.wait({writing}, timeout=grace_s)
        early = unwritable is None
        return GivenUp([*given_up, *flow.unwritten], early, lost, _unwritable(writing))
    finally:
        progress.clear()
        for task in (feeding, writing, stopping):
            task.cancel()
        await asyncio.gather(feeding, writing, stopping, return_exceptions=True)


def _unwritable(writing: asyncio.Task[None]) -> str | None:
    """Why the responses cannot be written any more; raises what is a defect."""
    error = writing.exception() if writing.done() else None
    if isinstance(error, BrokenPipeError):
        return "nobody reads the responses any more"
    if isinstance(error, OSError):
        return f"the responses cannot be written: {error.strerror}"
    if error is not None:
        raise error
    return None


def _tell(progress: ProgressLine, answered: int, failed: int) -> None:
    progress.show(answered, f"{answered:,} answered, {failed:,} failed")


def _left(until: float) -> float:
    return max(0.0, until - asyncio.get_running_loop().time())
