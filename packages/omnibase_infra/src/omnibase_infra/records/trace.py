"""What belongs to one correlation id, as a tree of causes: requests, their responses, what those led to.

Pure: it takes what was read from the topics. Records say of themselves what caused them; nobody checks that, so
a cause may be missing, or a chain lead back to itself. Everything that was read is in the result once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from omnibase_infra.records.sightings import Sighting


class Step(NamedTuple):
    """One message of the tree: where it was first seen, where it was seen again, and what it led to.

    cause: why it stands at the top although it names a cause: `missing`, that was not found; `circular`, whose
    chain of causes leads back to itself; None: it names none, or stands below it.
    """

    first: Sighting
    again: Sequence[Sighting]
    letters: Sequence[Sighting]
    steps: Sequence["Step"]
    cause: Literal["missing", "circular"] | None = None


class Trace(NamedTuple):
    """The whole: its top steps in the order of time, and the dead letters that belong to none of them."""

    steps: Sequence[Step]
    strays: Sequence[Sighting]

    def every(self) -> Iterator[Step]:
        """Every step, causes before what they led to."""
        waiting = list(reversed(self.steps))
        while waiting:
            step = waiting.pop()
            yield step
            waiting.extend(reversed(step.steps))


def trace_of(sightings: Iterable[Sighting]) -> Trace:
    """The tree of what was seen, in any order."""
    messages: dict[UUID, list[Sighting]] = {}
    letters: dict[UUID, list[Sighting]] = {}
    strays: list[Sighting] = []
    for sighting in sorted(sightings, key=_time):
        if sighting.envelope is None:
            strays.append(sighting)
        elif sighting.letter is not None:
            letters.setdefault(sighting.envelope.envelope_id, []).append(sighting)
        else:
            messages.setdefault(sighting.envelope.envelope_id, []).append(sighting)
    for envelope_id in [each for each in letters if each not in messages]:
        strays.extend(letters.pop(envelope_id))
    return Trace(_tree(messages, letters), sorted(strays, key=_time))


def missing_causes(sightings: Iterable[Sighting]) -> frozenset[UUID]:
    """The ids of envelopes that are named as causes and were not seen.

    A request that came without a correlation id is one: only its response tells the id that the host gave it.
    """
    seen: set[UUID] = set()
    named: set[UUID] = set()
    for sighting in sightings:
        if sighting.envelope is not None:
            seen.add(sighting.envelope.envelope_id)
            if sighting.envelope.causation_id is not None:
                named.add(sighting.envelope.causation_id)
    return frozenset(named - seen)


def _tree(messages: dict[UUID, list[Sighting]], letters: dict[UUID, list[Sighting]]) -> Sequence[Step]:
    causes = {each: _cause(seen[0]) for each, seen in messages.items()}
    children: dict[UUID, list[UUID]] = {}
    for each, cause in causes.items():
        if cause is not None and cause in messages:
            children.setdefault(cause, []).append(each)
    placed: set[UUID] = set()
    tops = [each for each, cause in causes.items() if cause is None or cause not in messages]
    steps = [_step(each, messages, letters, children, placed) for each in tops]
    steps.extend(
        _step(each, messages, letters, children, placed)._replace(cause="circular")
        for each in messages
        if each not in placed
    )
    return sorted(steps, key=lambda step: _time(step.first))


def _step(
    top: UUID,
    messages: dict[UUID, list[Sighting]],
    letters: dict[UUID, list[Sighting]],
    children: dict[UUID, list[UUID]],
    placed: set[UUID],
) -> Step:
    """One step with all below it; a chain may be longer than Python's stack, so it is built from its end."""
    placed.add(top)
    order, below = [top], dict[UUID, list[UUID]]()
    for each in order:
        below[each] = [child for child in children.get(each, ()) if child not in placed]
        placed.update(below[each])
        order.extend(below[each])
    built: dict[UUID, Step] = {}
    for each in reversed(order):
        first, *again = messages[each]
        steps = [built.pop(child) for child in below[each]]
        built[each] = Step(first, again, letters.get(each, ()), steps)
    cause = _cause(messages[top][0])
    return built[top]._replace(cause=None if cause is None else "missing")


def _cause(sighting: Sighting) -> UUID | None:
    return None if sighting.envelope is None else sighting.envelope.causation_id


def _time(sighting: Sighting) -> tuple[int, bool, int]:
    """By time; of the same millisecond a response last, and of one partition by offset."""
    record = sighting.record
    return record.timestamp_ms, sighting.place != "request", record.offset
