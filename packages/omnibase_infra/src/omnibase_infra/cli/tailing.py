"""The run of `onex-host tail`, and records as people and programs read them. Imported within commands only."""

import json
from contextlib import aclosing
from datetime import datetime
from uuid import UUID

import click
from omnibase_core.codec import encode
from pydantic import JsonValue

from omnibase_infra.cli.broker import Desk, at_desk
from omnibase_infra.cli.dlq_texts import bytes_json, time_text
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.showing import printable, shown_outcome
from omnibase_infra.records.dead_letter import moment
from omnibase_infra.records.sightings import Sighting
from omnibase_infra.records.tail import Watch, coming, latest

_LAST = 10
_FOLLOW_ENDS_S = 2.0


def watch_of(
    desk: Desk, correlation: UUID | None, since: datetime | None, last: int | None, *, with_input: bool
) -> Watch:
    """What is watched: the last ten, unless something else is asked for."""
    topics = desk.contract.event_bus.topics
    named = (topics.input if with_input else None, topics.output, topics.dead_letter)
    return Watch(
        [topic for topic in named if topic is not None],
        last=_LAST if last is None and since is None and correlation is None else last,
        correlation_id=None if correlation is None else str(correlation),
        since_ms=None if since is None else int(since.timestamp() * 1_000),
    )


def run_tail(desk: Desk, watch: Watch, *, follow: bool, as_json: bool) -> EnumExitCode:
    """Prints what there is, and with `follow` what comes, until a signal."""

    def show(sighting: Sighting) -> None:
        click.echo(json.dumps(sighting_json(sighting)) if as_json else sighting_text(sighting))

    async def work(desk: Desk) -> None:
        found, behind = await latest(desk.log, desk.reading, watch)
        for sighting in found:
            show(sighting)
        if not follow:
            if not found:
                click.echo(f"Nothing to show in {', '.join(watch.topics)}", err=True)
            return
        async with aclosing(coming(desk.log, desk.reading, watch, behind, desk.stop)) as batches:
            async for sightings in batches:
                for sighting in sightings:
                    show(sighting)

    at_desk(desk, work, grace_s=_FOLLOW_ENDS_S)
    return EnumExitCode.OK


def place_text(sighting: Sighting) -> str:
    """Where a record lies: `onex.acme.orders.evt.v1[0]@17`."""
    record = sighting.record
    return f"{record.partition.topic}[{record.partition.number}]@{record.offset}"


def sighting_text(sighting: Sighting) -> str:
    """A record for people: what happened in one line, then the payload's fields or the reason."""
    head, body = _told(sighting)
    at = time_text(moment(sighting.record.timestamp_ms))
    correlation = f"  correlation {sighting.correlation_id}" if sighting.correlation_id else ""
    return "\n".join([f"{at}  {printable(head + correlation)}  {place_text(sighting)}", *body])


def sighting_json(sighting: Sighting) -> dict[str, JsonValue]:
    """A record for programs; of a dead letter its headers' say, and no payload."""
    record, letter = sighting.record, sighting.letter
    told: dict[str, JsonValue] = {
        "kind": sighting.place,
        "topic": record.partition.topic,
        "partition": record.partition.number,
        "offset": record.offset,
        "timestamp": time_text(moment(record.timestamp_ms)),
        "key": bytes_json(record.key),
    }
    if letter is not None:
        told |= {"code": letter.code, "stage": letter.stage, "node": letter.node, "reason": letter.reason}
        told["correlation_id"] = letter.correlation_id
    elif sighting.envelope is not None:
        told["envelope"] = json.loads(encode(sighting.envelope))
    return told


def _told(sighting: Sighting) -> tuple[str, list[str]]:
    letter, envelope = sighting.letter, sighting.envelope
    if letter is not None:
        reason = [f"  {printable(line)}" for line in (letter.reason or "no reason given").splitlines()]
        return f"dead letter {letter.code or 'without a code'}, {letter.node or 'no node'}", reason
    if envelope is None:
        return "no envelope", []
    if envelope.is_response:
        outcome = "succeeded" if envelope.error is None else "failed"
        return f"{envelope.source_node or 'the host'} {outcome}", shown_outcome(envelope)
    operation = f" {envelope.operation}" if envelope.operation else ""
    return f"request to {envelope.target_node}{operation}", shown_outcome(envelope)
