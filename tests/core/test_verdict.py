"""What is decided about a delivery: whether it may run, until when, and what becomes of it."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, Literal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.codec import decode
from omnibase_core.enums import EnumErrorCode, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EnvelopeExpiredError, EnvelopeValidationError
from omnibase_core.verdict import Admission, EnumAnswer, EnumHappening, Verdict, admit, expired, judge

ID: Final = UUID("11111111-1111-4111-8111-111111111111")
OWN: Final = UUID("22222222-2222-4222-8222-222222222222")
DRAWN: Final = UUID("33333333-3333-4333-8333-333333333333")
NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
MONOTONIC: Final = 1_000.0

OnFailure = Literal["answer", "dead_letter"]
OnOpen = Literal["pause", "fail"]


def request(**fields: Any) -> ModelOnexEnvelope:
    return ModelOnexEnvelope(**{"envelope_id": ID, "target_node": "orders", "timestamp": NOON, **fields})


def admitted(envelope: ModelOnexEnvelope, *, age: timedelta = timedelta()) -> Admission:
    return admit(envelope, now=lambda: NOON + age, monotonic=lambda: MONOTONIC, new_id=lambda: DRAWN)


def unread() -> Any:
    raise AssertionError("nothing has asked for this")


class TestAdmission:
    def test_a_request_without_a_correlation_id_gets_one(self) -> None:
        assert admitted(request()).envelope == request(correlation_id=DRAWN)

    def test_a_request_with_one_keeps_exactly_that(self) -> None:
        asked = request(correlation_id=OWN)
        admission = admit(asked, now=unread, monotonic=unread, new_id=unread)
        assert admission.envelope is asked

    def test_without_a_ttl_there_is_no_deadline_and_no_clock_is_read(self) -> None:
        assert admit(request(), now=unread, monotonic=unread, new_id=lambda: DRAWN).deadline is None

    @pytest.mark.parametrize(
        ("ttl_seconds", "age", "deadline"),
        [
            (30.0, timedelta(), MONOTONIC + 30),
            (30.0, timedelta(seconds=10), MONOTONIC + 20),
            (30.0, timedelta(seconds=30), MONOTONIC),
            (30.0, timedelta(seconds=31), MONOTONIC - 1),
            (0.5, timedelta(milliseconds=250), MONOTONIC + 0.25),
            (30.0, timedelta(seconds=-5), MONOTONIC + 35),
        ],
    )
    def test_the_deadline_counts_from_the_timestamp(
        self, ttl_seconds: float, age: timedelta, deadline: float
    ) -> None:
        assert admitted(request(ttl_seconds=ttl_seconds), age=age).deadline == deadline

    def test_the_zone_of_the_timestamp_does_not_matter(self) -> None:
        elsewhere = NOON.astimezone(timezone(timedelta(hours=-11)))
        assert admitted(request(timestamp=elsewhere, ttl_seconds=30)).deadline == MONOTONIC + 30

    @pytest.mark.parametrize("ttl_seconds", [5e-324, 1.0, 1e18, 1.7976931348623157e308])
    @pytest.mark.parametrize(
        "timestamp",
        [
            "9999-12-31T23:59:59.999999-23:59",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+23:59",
            "0001-01-01T00:00:00Z",
        ],
    )
    def test_the_ends_of_time_overflow_nothing(self, timestamp: str, ttl_seconds: float) -> None:
        raw = f'{{"envelope_id":"{ID}","target_node":"n","timestamp":"{timestamp}","ttl_seconds":{ttl_seconds}}}'
        deadline = admitted(decode(raw.encode())).deadline
        assert deadline is not None
        assert deadline - deadline == 0.0
        assert (deadline > MONOTONIC) is (timestamp.startswith("9999") or ttl_seconds > 1e17)

    @settings(deadline=None)
    @given(
        st.datetimes(timezones=st.just(UTC)),
        st.datetimes(timezones=st.just(UTC)),
        st.floats(0, exclude_min=True, allow_nan=False, allow_infinity=False),
    )
    def test_every_deadline_is_a_number(self, timestamp: datetime, now: datetime, ttl_seconds: float) -> None:
        asked = request(timestamp=timestamp, ttl_seconds=ttl_seconds)
        deadline = admit(asked, now=lambda: now, monotonic=lambda: MONOTONIC, new_id=lambda: DRAWN).deadline
        assert deadline is not None
        assert deadline - deadline == 0.0

    def test_a_response_is_no_request(self) -> None:
        response = request().reply({}, timestamp=NOON)
        with pytest.raises(EnvelopeValidationError, match="send requests") as caught:
            admit(response, now=unread, monotonic=unread, new_id=unread)
        assert caught.value.path == "$.is_response"

    def test_what_has_expired_is_told_how_to_come_again(self) -> None:
        error = expired(request(ttl_seconds=2.5))
        assert isinstance(error, EnvelopeExpiredError)
        assert error.code is EnumErrorCode.ENVELOPE_EXPIRED
        assert not error.retryable
        assert error.message == (
            "$.ttl_seconds: ttl_seconds 2.5 had passed before the node could run, so it was not executed; "
            "send it again with a new timestamp"
        )


HELD: Final = Verdict(EnumAnswer.NONE, False, None)
ANSWERED: Final = Verdict(EnumAnswer.FAILURE, False, EnumSettlement.DONE)
BOTH: Final[tuple[bool, ...]] = (True, False)
FAILURES: Final[tuple[OnFailure, ...]] = ("answer", "dead_letter")
OPEN: Final[tuple[OnOpen, ...]] = ("pause", "fail")

Row = tuple[EnumHappening, tuple[OnFailure, ...], tuple[OnOpen, ...], tuple[bool, ...], Verdict]
ROWS: Final[tuple[Row, ...]] = (
    (EnumHappening.SUCCEEDED, FAILURES, OPEN, BOTH, Verdict(EnumAnswer.SUCCESS, False, EnumSettlement.DONE)),
    (EnumHappening.FAILED, ("answer",), OPEN, BOTH, ANSWERED),
    (
        EnumHappening.FAILED,
        ("dead_letter",),
        OPEN,
        (True,),
        Verdict(EnumAnswer.FAILURE, True, EnumSettlement.DEAD_LETTERED),
    ),
    (EnumHappening.FAILED, ("dead_letter",), OPEN, (False,), ANSWERED),
    (EnumHappening.BREAKER_OPEN, FAILURES, ("pause",), BOTH, HELD),
    (EnumHappening.BREAKER_OPEN, FAILURES, ("fail",), BOTH, ANSWERED),
    (
        EnumHappening.NO_ENVELOPE,
        FAILURES,
        OPEN,
        (True,),
        Verdict(EnumAnswer.NONE, True, EnumSettlement.DEAD_LETTERED),
    ),
    (EnumHappening.NO_ENVELOPE, FAILURES, OPEN, (False,), Verdict(EnumAnswer.NONE, False, EnumSettlement.SKIPPED)),
    (EnumHappening.TOO_LARGE, FAILURES, OPEN, BOTH, Verdict(EnumAnswer.SMALL_FAILURE, False, EnumSettlement.DONE)),
    (EnumHappening.UNACKNOWLEDGED, FAILURES, OPEN, BOTH, Verdict(EnumAnswer.SAME_AGAIN, False, None)),
    (EnumHappening.WITHDRAWN, FAILURES, OPEN, BOTH, Verdict(EnumAnswer.NONE, False, EnumSettlement.RELEASED)),
    (EnumHappening.UNFORESEEN, FAILURES, OPEN, BOTH, ANSWERED),
)


def circumstances() -> Iterator[tuple[EnumHappening, OnFailure, OnOpen, bool, Verdict]]:
    """Every row of the table, in all the circumstances that it is about."""
    for happening, on_failure, on_open, dead_letters, verdict in ROWS:
        for failure, is_open, has_topic in itertools.product(on_failure, on_open, dead_letters):
            yield happening, failure, is_open, has_topic, verdict


class TestOutcomeTable:
    @pytest.mark.parametrize(
        ("happening", "on_failure", "on_open", "dead_letters", "verdict"), tuple(circumstances())
    )
    def test_each_row(
        self,
        happening: EnumHappening,
        on_failure: OnFailure,
        on_open: OnOpen,
        dead_letters: bool,
        verdict: Verdict,
    ) -> None:
        assert judge(happening, on_failure=on_failure, on_open=on_open, dead_letters=dead_letters) == verdict

    def test_the_rows_cover_every_circumstance_once(self) -> None:
        covered = [row[:4] for row in circumstances()]
        assert len(covered) == len(set(covered))
        assert set(covered) == set(itertools.product(EnumHappening, FAILURES, OPEN, BOTH))

    @pytest.mark.parametrize("row", tuple(circumstances()))
    def test_only_what_is_withdrawn_is_delivered_again_and_only_what_is_not_final_is_held(
        self, row: tuple[EnumHappening, OnFailure, OnOpen, bool, Verdict]
    ) -> None:
        happening, verdict = row[0], row[4]
        assert (verdict.settlement is EnumSettlement.RELEASED) is (happening is EnumHappening.WITHDRAWN)
        assert (verdict.settlement is EnumSettlement.DEAD_LETTERED) is verdict.dead_letter
        if verdict.settlement is None:
            assert happening in (EnumHappening.UNACKNOWLEDGED, EnumHappening.BREAKER_OPEN)

    def test_a_failure_is_only_answered_unless_the_node_says_more(self) -> None:
        assert judge(EnumHappening.FAILED) == ANSWERED

    def test_an_open_breaker_fails_unless_the_binding_says_pause(self) -> None:
        assert judge(EnumHappening.BREAKER_OPEN) == ANSWERED
