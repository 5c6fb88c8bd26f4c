"""Dead letters back to the input topic: each once, within a pace, never for ever.

What was acknowledged is noted record by record, after each batch. A replay that ended midway, however it ended,
goes on with what is not noted; after a crash the one batch that was under way may be sent a second time.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from omnibase_core.errors import EventBusError
from omnibase_spi.topic_log import Note, Partition

from omnibase_infra.records.dead_letter import DeadLetter, replay_of
from omnibase_infra.records.letters import Letters
from omnibase_infra.records.progress import Progress, progress_of
from omnibase_infra.records.selection import Selection
from omnibase_infra.records.sending import SendingError

BATCH: Final = 100
MAX_REPLAYS: Final = 3

_SHOWN_REFUSALS: Final = 5


class ReplayRules(NamedTuple):
    """selection: which dead letters. max_replays: how often one may be replayed, the earlier ones counted.

    again: those too that were replayed before. rate: records a second, None: as fast as the broker takes them.
    """

    selection: Selection = Selection()
    max_replays: int = MAX_REPLAYS
    again: bool = False
    rate: float | None = None


class ReplayConflictError(EventBusError):
    """Somebody else noted progress meanwhile."""

    retryable = False


@dataclass(slots=True)
class Tally:
    """How far a replay is, in dead letters.

    selected: those that were asked for, of which `before` were replayed earlier, `refused` had been replayed too
    often, `without_value` lack their value, and `due` are to be sent. expired: of those that are due, whose
    ttl_seconds has passed. refusals: the first few that were refused.
    """

    selected: int = 0
    before: int = 0
    refused: int = 0
    without_value: int = 0
    due: int = 0
    expired: int = 0
    sent: int = 0
    refusals: list[DeadLetter] = field(default_factory=list)


class Replay:
    """One run over the dead letters that were there when it began."""

    def __init__(self, letters: Letters, target: str, rules: ReplayRules, now: Callable[[], datetime]) -> None:
        self.tally = Tally()
        self._letters = letters
        self._target = target
        self._rules = rules
        self._now = now
        self._progress: dict[Partition, Progress] = {}
        self._kept: Mapping[Partition, Note] = {}
        self._passed: dict[Partition, int] = {}

    async def plan(self) -> Tally:
        """What `run` would do. Sends and notes nothing."""
        async for _ in self._due():
            pass
        return self.tally

    async def run(self, stop: asyncio.Event, tell: Callable[[Tally], None]) -> Tally:
        """Sends until the end, or until `stop` is set between two batches.

        Raises SendingError where the bus takes no more, or does not answer once something was sent.
        """
        try:
            await self._run(stop, tell)
        except (SendingError, ReplayConflictError):
            raise
        except EventBusError as error:
            if not self.tally.sent:
                raise
            raise SendingError(error, self.tally.sent) from None
        return self.tally

    async def _run(self, stop: asyncio.Event, tell: Callable[[Tally], None]) -> None:
        size = _batch_size(self._rules.rate)
        started = asyncio.get_running_loop().time()
        waiting: list[DeadLetter] = []
        async with aclosing(self._due()) as due:
            async for letters in due:
                waiting.extend(letters)
                while len(waiting) >= size and not stop.is_set():
                    await self._send(waiting[:size])
                    del waiting[:size]
                    tell(self.tally)
                    await self._pace(started, stop)
                if stop.is_set():
                    break
        if waiting and not stop.is_set():
            await self._send(waiting)
            tell(self.tally)
        await self._keep()

    async def _due(self) -> AsyncGenerator[Sequence[DeadLetter], None]:
        letters = self._letters
        self._kept = await letters.log.notes(letters.name, letters.topic)
        self._progress = {partition: progress_of(note) for partition, note in self._kept.items()}
        for each in await letters.log.extents([letters.topic]):
            self._progress.setdefault(each.partition, Progress()).add_range(0, each.start)
        extents = await letters.extents(self._rules.selection)
        passed = {each.partition: each.start for each in extents}
        async with aclosing(letters.read(extents)) as batches:
            async for batch in batches:
                for letter in batch:
                    at = letter.record
                    self._progress[at.partition].add_range(passed[at.partition], at.offset)
                    passed[at.partition] = at.offset + 1
                yield [letter for letter in batch if self._is_due(letter)]

    def _is_due(self, letter: DeadLetter) -> bool:
        """Whether it is sent; counts it."""
        tally, rules = self.tally, self._rules
        if not rules.selection.takes(letter):
            return False
        tally.selected += 1
        if not rules.again and letter.record.offset in self._progress[letter.record.partition]:
            tally.before += 1
            return False
        if letter.omitted_bytes is not None:
            tally.without_value += 1
            return False
        if letter.replays >= rules.max_replays:
            tally.refused += 1
            if len(tally.refusals) < _SHOWN_REFUSALS:
                tally.refusals.append(letter)
            return False
        tally.due += 1
        tally.expired += letter.expired(self._now())
        return True

    async def _send(self, letters: Sequence[DeadLetter]) -> None:
        """Publishes one batch, and notes what of it is safe; nothing is sent that could not be noted."""
        for partition, progress in self._progress.items():
            progress.with_all(
                letter.record.offset for letter in letters if letter.record.partition == partition
            ).note()
        results = await self._letters.log.publish([replay_of(letter, self._target) for letter in letters])
        for letter, error in zip(letters, results, strict=True):
            if error is None:
                self._progress[letter.record.partition].add(letter.record.offset)
                self.tally.sent += 1
        await self._keep()
        for error in results:
            if error is not None:
                raise SendingError(error, self.tally.sent)

    async def _keep(self) -> None:
        """Notes the progress; refuses to where somebody else noted some in the meantime."""
        letters = self._letters
        if await letters.log.notes(letters.name, letters.topic) != self._kept:
            raise ReplayConflictError(
                f"Another replay of {letters.topic} is running; wait until it has ended, then start this one "
                "again: it goes on where the two left off"
            )
        notes = {partition: progress.note() for partition, progress in self._progress.items()}
        await letters.log.keep(letters.name, notes)
        self._kept = notes

    async def _pace(self, started: float, stop: asyncio.Event) -> None:
        """Waits as long as the rate asks for, or until `stop` is set."""
        if self._rules.rate is not None:
            due_at = started + self.tally.sent / self._rules.rate
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due_at):
                    await stop.wait()


def _batch_size(rate: float | None) -> int:
    """So many that a paced replay moves about five times a second."""
    return BATCH if rate is None else max(1, min(BATCH, round(rate / 5)))
