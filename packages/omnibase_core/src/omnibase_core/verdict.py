"""Decisions about a delivery: may it run, and what becomes of it. FORMATS 2 in one function.

Nothing here reads a payload.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from typing import Literal, NamedTuple
from uuid import UUID

from omnibase_core.enums import EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EnvelopeExpiredError, EnvelopeValidationError

_as_admission = tuple.__new__  # half the time of a NamedTuple's own constructor


class Admission(NamedTuple):
    """A request that may run: with its correlation id, until `deadline` (monotonic seconds, None: no limit)."""

    envelope: ModelOnexEnvelope
    deadline: float | None


def admit(
    envelope: ModelOnexEnvelope,
    *,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    new_id: Callable[[], UUID],
) -> Admission:
    """Gives a request its correlation id and its deadline, once.

    now, monotonic: the present moment by the wall clock and by the clock of deadlines. new_id: a random UUID.
    Raises EnvelopeValidationError for what is no request.
    """
    if envelope.is_response:
        raise EnvelopeValidationError("a response came in on an input topic; send requests", path="$.is_response")
    if envelope.correlation_id is None:
        envelope = envelope.correlated(new_id())
    if envelope.ttl_seconds is None:
        return _as_admission(Admission, (envelope, None))
    age_s = (now() - envelope.timestamp).total_seconds()
    return Admission(envelope, monotonic() + envelope.ttl_seconds - age_s)


def expired(envelope: ModelOnexEnvelope) -> EnvelopeExpiredError:
    """The error of a request whose deadline passed before its node could run."""
    return EnvelopeExpiredError(
        f"ttl_seconds {envelope.ttl_seconds:g} had passed before the node could run, so it was not executed; "
        "send it again with a new timestamp",
        path="$.ttl_seconds",
    )


class EnumHappening(Enum):
    """What happened to a record: the rows of FORMATS 2."""

    SUCCEEDED = auto()
    FAILED = auto()
    UNFORESEEN = auto()
    NO_ENVELOPE = auto()
    BREAKER_OPEN = auto()
    TOO_LARGE = auto()
    UNACKNOWLEDGED = auto()
    WITHDRAWN = auto()


class EnumAnswer(Enum):
    """Which response a record gets."""

    NONE = auto()
    SUCCESS = auto()
    FAILURE = auto()
    SMALL_FAILURE = auto()
    SAME_AGAIN = auto()


class Verdict(NamedTuple):
    """What is done: an answer, a dead letter, and the settlement once all of it is acknowledged.

    No settlement means that the record is held: nothing is final yet.
    """

    answer: EnumAnswer
    dead_letter: bool
    settlement: EnumSettlement | None


_TABLE = {
    EnumHappening.SUCCEEDED: Verdict(EnumAnswer.SUCCESS, False, EnumSettlement.DONE),
    EnumHappening.FAILED: Verdict(EnumAnswer.FAILURE, False, EnumSettlement.DONE),
    EnumHappening.UNFORESEEN: Verdict(EnumAnswer.FAILURE, False, EnumSettlement.DONE),
    EnumHappening.NO_ENVELOPE: Verdict(EnumAnswer.NONE, False, EnumSettlement.SKIPPED),
    EnumHappening.BREAKER_OPEN: Verdict(EnumAnswer.FAILURE, False, EnumSettlement.DONE),
    EnumHappening.TOO_LARGE: Verdict(EnumAnswer.SMALL_FAILURE, False, EnumSettlement.DONE),
    EnumHappening.UNACKNOWLEDGED: Verdict(EnumAnswer.SAME_AGAIN, False, None),
    EnumHappening.WITHDRAWN: Verdict(EnumAnswer.NONE, False, EnumSettlement.RELEASED),
}
_HELD = Verdict(EnumAnswer.NONE, False, None)


def judge(
    happening: EnumHappening,
    *,
    on_failure: Literal["answer", "dead_letter"] = "answer",
    on_open: Literal["pause", "fail"] = "fail",
    dead_letters: bool = True,
) -> Verdict:
    """The outcome of a record. `dead_letters` says whether the host has a dead-letter topic.

    A record that should be dead-lettered where there is no such topic is logged instead (SKIPPED when it has
    no answer either).
    """
    verdict = _TABLE[happening]
    if happening is EnumHappening.BREAKER_OPEN and on_open == "pause":
        return _HELD
    if not dead_letters:
        return verdict
    if happening is EnumHappening.NO_ENVELOPE:
        return Verdict(verdict.answer, True, EnumSettlement.DEAD_LETTERED)
    if happening is EnumHappening.FAILED and on_failure == "dead_letter":
        return Verdict(verdict.answer, True, EnumSettlement.DEAD_LETTERED)
    return verdict
