"""The run of `onex-host trace`, and the tree as people and programs read it. Imported within the command only."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import click
from pydantic import JsonValue

from omnibase_infra.cli.broker import Desk, at_desk
from omnibase_infra.cli.command import counted
from omnibase_infra.cli.dlq_texts import time_text
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.showing import printable
from omnibase_infra.cli.tailing import place_text, sighting_json
from omnibase_infra.records.dead_letter import REPLAY_COUNT, moment
from omnibase_infra.records.search import Findings, Searched, search
from omnibase_infra.records.sightings import Sighting
from omnibase_infra.records.trace import Step, Trace, trace_of

_CAUSES = {
    "missing": "its cause was not found",
    "circular": "its causes lead back to itself",
}


def run_trace(desk: Desk, correlation_id: UUID, since: datetime | None, *, as_json: bool) -> EnumExitCode:
    """Prints the tree, or where it was looked for in vain."""
    since_ms = None if since is None else int(since.timestamp() * 1_000)

    async def work(desk: Desk) -> Findings:
        return await search(desk.log, desk.reading, correlation_id, since_ms=since_ms)

    findings = at_desk(desk, work)
    if findings is None:
        click.echo("Stopped by a signal before the topics were read", err=True)
        return EnumExitCode.DRAIN_INCOMPLETE
    tree = trace_of(findings.sightings)
    if as_json:
        click.echo(json.dumps(tree_json(correlation_id, tree, findings.searched)))
    elif findings.sightings:
        click.echo("\n".join(tree_lines(correlation_id, tree)))
    if not findings.sightings:
        click.echo(nothing_text(correlation_id, findings.searched, since), err=True)
    return EnumExitCode.OK if findings.sightings else EnumExitCode.ENVELOPE_FAILED


def tree_lines(correlation_id: UUID, tree: Trace) -> Iterator[str]:
    """Head, then a line for each message and one for each further sighting of it."""
    yield f"correlation {correlation_id}: {_summary(tree)}"
    for step in tree.steps:
        yield ""
        yield from _top_lines(step)
    if tree.strays:
        yield ""
        yield "dead letters whose request was not found"
        yield from (f"  {_letter(stray)}" for stray in tree.strays)


def tree_json(correlation_id: UUID, tree: Trace, searched: Sequence[Searched]) -> dict[str, JsonValue]:
    """The same for programs; a step's children come after it, and name it in `below`."""
    numbers = {id(step): number for number, step in enumerate(tree.every())}
    below = {id(child): numbers[id(step)] for step in tree.every() for child in step.steps}
    return {
        "correlation_id": str(correlation_id),
        "steps": [
            {
                "step": numbers[id(step)],
                "below": below.get(id(step)),
                "cause": step.cause,
                **_message(step.first),
                "duplicates": [_message(each) for each in step.again],
                "dead_letters": [sighting_json(each) for each in step.letters],
            }
            for step in tree.every()
        ],
        "dead_letters_without_request": [sighting_json(each) for each in tree.strays],
        "searched": [
            {
                "topic": each.topic,
                "records": each.records,
                "oldest": None if each.oldest_ms is None else time_text(moment(each.oldest_ms)),
            }
            for each in searched
        ],
    }


def nothing_text(correlation_id: UUID, searched: Sequence[Searched], since: datetime | None) -> str:
    """Where it was looked for, how far back that goes, and why it may not be there."""
    lines = [f"Nothing with correlation id {correlation_id} in"]
    for each in searched:
        oldest = "" if each.oldest_ms is None else f", back to {time_text(moment(each.oldest_ms))}"
        lines.append(f"  {each.topic}: {counted(each.records, 'record')}{oldest}")
    why = (
        "Read was from --since on; leave it out to look further back."
        if since is not None
        else "What is older has been removed by the topics' retention. A request without a correlation id gets "
        "one from the host, and can be found by it once its response is there."
    )
    return "\n".join([*lines, why])


def _summary(tree: Trace) -> str:
    requests = [step for step in tree.every() if step.first.place == "request"]
    answers = [step.first.envelope for step in tree.every() if step.first.place == "response"]
    failed = sum(envelope is not None and envelope.error is not None for envelope in answers)
    open_ = sum(not any(each.first.place == "response" for each in step.steps) for step in requests)
    duplicates = sum(len(step.again) for step in tree.every())
    letters = len(tree.strays) + sum(len(step.letters) for step in tree.every())
    parts = [
        counted(len(requests), "request"),
        f"{len(answers) - failed:,} succeeded",
        f"{failed:,} failed",
        f"{open_:,} without a response",
    ]
    if letters:
        parts.append(counted(letters, "dead letter"))
    if duplicates:
        parts.append(counted(duplicates, "duplicate"))
    return ", ".join(parts)


def _top_lines(top: Step) -> Iterator[str]:
    """The step and all below it, indented; without recursion, since a chain may be long."""
    waiting: list[tuple[Step, Step | None, int]] = [(top, None, 0)]
    while waiting:
        step, cause, depth = waiting.pop()
        indent = "  " * depth
        yield indent + _head(step, cause)
        yield from (f"{indent}  {_again(each, step.first)}" for each in step.again)
        yield from (f"{indent}  {_letter(each)}" for each in step.letters)
        waiting.extend((child, step, depth + 1) for child in reversed(step.steps))


def _head(step: Step, cause: Step | None) -> str:
    envelope = step.first.envelope
    assert envelope is not None
    if envelope.is_response:
        outcome = "succeeded" if envelope.error is None else f"failed with {envelope.error.code}"
        what = f"response of {envelope.source_node or 'the host'}: {outcome}"
    else:
        what = f"request to {envelope.target_node}{f' {envelope.operation}' if envelope.operation else ''}"
        replays = _replays(step.first)
        what += f", replayed ({replays})" if replays else ""
    when = (
        _after(step.first, cause.first) if cause is not None else time_text(moment(step.first.record.timestamp_ms))
    )
    why = f"  ({_CAUSES[step.cause]})" if step.cause is not None else ""
    return f"{printable(what)}  {when}  {place_text(step.first)}{why}"


def _again(sighting: Sighting, first: Sighting) -> str:
    replays = _replays(sighting)
    kind = f"replay {replays}" if replays else "duplicate"
    return printable(f"{kind}  {_after(sighting, first)}  {place_text(sighting)}")


def _letter(sighting: Sighting) -> str:
    letter = sighting.letter
    assert letter is not None
    reason = " ".join((letter.reason or "no reason given").split())
    told = f"dead letter {letter.code or 'without a code'} at {letter.stage or '?'}: {reason}"
    return printable(f"{told}  {time_text(letter.failed_at)}  {place_text(sighting)}")


def _after(sighting: Sighting, earlier: Sighting) -> str:
    return f"after {sighting.record.timestamp_ms - earlier.record.timestamp_ms:,} ms"


def _replays(sighting: Sighting) -> int:
    counts = [value for name, value in sighting.record.headers if name == REPLAY_COUNT]
    return int(counts[-1]) if counts and counts[-1].isdigit() else 0


def _message(sighting: Sighting) -> dict[str, JsonValue]:
    """Where and when it lies, and of its envelope everything but the payload and the metadata."""
    told = sighting_json(sighting)
    envelope = told.pop("envelope", None)
    if isinstance(envelope, dict):
        hidden = ("payload", "metadata")
        told["envelope"] = {name: value for name, value in envelope.items() if name not in hidden}
    return told
