"""What the commands of `onex-host dlq` do once their options are read. Imported within them only."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing

import click
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_spi.topic_log import Extent, Partition

from omnibase_infra.cli.broker import GRACEFUL_S, Desk, at_desk
from omnibase_infra.cli.command import counted, rendered
from omnibase_infra.cli.dlq_texts import (
    LetterTable,
    letter_json,
    purge_json,
    purge_line,
    summary,
    tally_json,
    whole_json,
    whole_text,
)
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.progress import ProgressLine
from omnibase_infra.host.clock import utc_now
from omnibase_infra.records.letters import Letters
from omnibase_infra.records.purge import PurgeBound, plan_purge
from omnibase_infra.records.replay import Replay, ReplayRules, Tally
from omnibase_infra.records.selection import Offsets, Selection
from omnibase_infra.records.sending import SendingError


def list_letters(desk: Desk, selection: Selection, *, limit: int | None, as_json: bool) -> EnumExitCode:
    """Prints the selected dead letters, and how many there are of each code."""

    async def work(desk: Desk) -> EnumExitCode:
        letters = _letters(desk)
        replayed = await letters.replayed_if_known()
        table = LetterTable(replayed)
        codes, before, left = Counter[str](), 0, limit
        async with aclosing(letters.read(await letters.extents(selection))) as batches:
            async for batch in batches:
                chosen = list(filter(selection.takes, batch))[:left]
                left = None if left is None else left - len(chosen)
                codes.update(letter.code or "without a code" for letter in chosen)
                told = [letter_json(letter, replayed) for letter in chosen]
                before += sum(each["replayed"] is True for each in told)
                lines = map(json.dumps, told) if as_json else table.lines(chosen) if chosen else ()
                for line in lines:
                    click.echo(line)
                if left == 0:
                    break
        more = f"; no more than --limit {limit} are shown" if left == 0 else ""
        click.echo(f"{summary(codes, None if replayed is None else before)}, in {letters.topic}{more}", err=True)
        return EnumExitCode.OK

    return _ended(at_desk(desk, work))


def show_letter(desk: Desk, partition: int, offset: int, *, as_json: bool) -> EnumExitCode:
    """Prints one dead letter as a whole."""

    async def work(desk: Desk) -> EnumExitCode:
        letters = _letters(desk)
        selection = Selection(partitions=frozenset({partition}), offsets=[Offsets(offset, offset)])
        extents = await letters.extents(Selection(partitions=frozenset({partition})))
        async with aclosing(letters.read(selection.narrowed(extents))) as batches:
            async for batch in batches:
                for letter in batch:
                    replayed = await letters.replayed_if_known()
                    told = json.dumps(whole_json(letter, replayed)) if as_json else whole_text(letter, replayed)
                    click.echo(told)
                    return EnumExitCode.OK
        raise _nothing_there(letters.topic, partition, offset, extents)

    return _ended(at_desk(desk, work))


def replay_letters(desk: Desk, rules: ReplayRules, *, dry_run: bool, as_json: bool) -> EnumExitCode:
    """Sends dead letters to the input topic again, or says what would be sent."""

    async def work(desk: Desk) -> EnumExitCode:
        letters, target = _letters(desk), desk.contract.event_bus.topics.input
        replay = Replay(letters, target, rules, utc_now)
        progress = ProgressLine()

        def tell(tally: Tally) -> None:
            progress.show(tally.sent, f"{tally.sent:,} replayed")

        try:
            tally = await (replay.plan() if dry_run else replay.run(desk.stop, tell))
        except SendingError as error:
            progress.clear()
            click.echo(rendered(error), err=True)
            done = f"{counted(error.sent, 'dead letter')} replayed before this"
            click.echo(f"{done}; the same command goes on with the rest, and may repeat the last batch", err=True)
            return EnumExitCode.BUS_LOST
        finally:
            progress.clear()
        stopped = desk.stop.is_set() and not dry_run
        for line in _told(tally, rules, letters, target, dry_run):
            click.echo(line, err=True)
        if stopped:
            click.echo("Stopped by a signal; the same command goes on where this one ended", err=True)
        if as_json:
            click.echo(json.dumps({**tally_json(tally, dry_run), "stopped": stopped}))
        if stopped:
            return EnumExitCode.DRAIN_INCOMPLETE
        return EnumExitCode.ENVELOPE_FAILED if tally.refused or tally.without_value else EnumExitCode.OK

    return _ended(at_desk(desk, work, grace_s=GRACEFUL_S))


def purge_letters(desk: Desk, bound: PurgeBound, *, dry_run: bool, as_json: bool) -> EnumExitCode:
    """Removes dead letters for good, or says which would go."""

    async def work(desk: Desk) -> EnumExitCode:
        letters = _letters(desk)
        plans = await plan_purge(letters, bound)
        if plans and not dry_run:
            await letters.log.remove({plan.partition: plan.end for plan in plans})
        for plan in plans:
            click.echo(json.dumps(purge_json(plan, not dry_run)) if as_json else purge_line(plan))
        total = counted(sum(plan.letters for plan in plans), "dead letter")
        click.echo(f"{total} {'would be' if dry_run else 'were'} purged from {letters.topic}", err=True)
        return EnumExitCode.OK

    return _ended(at_desk(desk, work, grace_s=GRACEFUL_S))


def _ended(code: EnumExitCode | None) -> EnumExitCode:
    if code is None:
        click.echo("Stopped by a signal before the end", err=True)
        return EnumExitCode.DRAIN_INCOMPLETE
    return code


def _letters(desk: Desk) -> Letters:
    topic = desk.contract.event_bus.topics.dead_letter
    if topic is None:
        raise ProtocolConfigurationError(
            "This contract has no dead-letter topic: what is no envelope is only logged. Name one, which exists: "
            "event_bus: {config: {topics: {dead_letter: onex.<tenant>.<domain>.error.v1}}}"
        )
    return desk.letters(topic)


def _told(tally: Tally, rules: ReplayRules, letters: Letters, target: str, dry_run: bool) -> Sequence[str]:
    verb = f"would go to {target}" if dry_run else f"sent to {target}"
    lines = [f"{counted(tally.due if dry_run else tally.sent, 'dead letter')} of {letters.topic} {verb}"]
    if tally.before:
        lines.append(f"Replayed before, and left out: {tally.before:,} (--again sends those too)")
    if tally.expired:
        lines.append(f"Past their ttl_seconds, which a host answers with ENVELOPE_EXPIRED: {tally.expired:,}")
    if tally.without_value:
        lines.append(
            f"Their values had no room in {letters.topic}, and are where they came from: {tally.without_value:,}; "
            "'onex-host dlq show' says topic, partition and offset"
        )
    if tally.refused:
        places = ", ".join(f"{each.record.partition.number} {each.record.offset}" for each in tally.refusals)
        more = "" if tally.refused == len(tally.refusals) else ", …"
        lines.append(
            f"Replayed {rules.max_replays} times or more, and left where they are: {tally.refused:,} (partition "
            f"and offset: {places}{more}); correct what refuses them, then raise --max-replays"
        )
    return lines


def _nothing_there(topic: str, partition: int, offset: int, extents: Sequence[Extent]) -> click.UsageError:
    here = {each.partition: each for each in extents}.get(Partition(topic, partition))
    if here is None:
        return click.UsageError(f"{topic} has no partition {partition}")
    if here.start == here.end:
        return click.UsageError(f"Partition {partition} of {topic} is empty")
    return click.UsageError(
        f"No dead letter at offset {offset} of partition {partition}: {topic} has {here.start} to {here.end - 1} "
        "there; onex-host dlq list shows them"
    )
