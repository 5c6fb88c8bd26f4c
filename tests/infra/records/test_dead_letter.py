"""A dead letter read back is what the host wrote; what somebody else wrote hides nothing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.codec import encode
from omnibase_infra.records.dead_letter import Origin, dead_letter_of, original_headers, replay_of
from omnibase_spi.event_bus import Headers
from omnibase_spi.topic_log import Partition, Record

from tests.fakes.runtimes import NOW, request
from tests.infra.records.letters import DEAD, FAILED_AT, GARBAGE, INPUT, give_up, give_up_garbage, log_with

LIMIT = 1_048_576


def record(headers: Headers, value: bytes | None = b"", timestamp_ms: int = 0) -> Record:
    return Record(Partition(DEAD, 0), 0, timestamp_ms, None, value, headers)


def test_every_header_of_the_host_is_read() -> None:
    letter = dead_letter_of(give_up(log_with(), 7), limit=LIMIT)
    assert (letter.code, letter.stage, letter.node) == ("HANDLER_EXECUTION_ERROR", "node", "node")
    assert (letter.operation, letter.reason) == ("http.get", "no luck")
    assert (letter.attempts, letter.deliveries, letter.replays) == (1, 1, 0)
    assert letter.failed_at == FAILED_AT
    assert letter.origin == Origin(INPUT, 3, 107, "orders-host")
    assert letter.correlation_id == str(UUID(int=8))
    assert letter.is_ours


def test_what_is_no_envelope_is_a_dead_letter_all_the_same() -> None:
    letter = dead_letter_of(give_up_garbage(log_with(), 1), limit=LIMIT)
    assert (letter.code, letter.stage) == ("ENVELOPE_VALIDATION_ERROR", "decode")
    assert (letter.envelope, letter.node, letter.correlation_id) == (None, None, None)
    assert letter.reason == "$: invalid UTF-8"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("onex-dlq-attempts", b"many"),
        ("onex-dlq-attempts", "²".encode()),
        ("onex-dlq-replay-count", b"-1"),
        ("onex-dlq-replay-count", b"9" * 50),
        ("onex-dlq-failed-at", b"yesterday"),
        ("__dlq.errors.offset", b"\xff\xfe"),
    ],
)
def test_a_malformed_header_is_an_empty_field(name: str, value: bytes) -> None:
    letter = dead_letter_of(record([(name, value)], timestamp_ms=1_000), limit=LIMIT)
    assert (letter.attempts, letter.replays, letter.origin.offset) == (None, 0, None)
    assert letter.failed_at == datetime.fromtimestamp(1, UTC)


@given(
    st.lists(
        max_size=5,
        elements=st.tuples(
            st.sampled_from(["onex-dlq-failed-at", "onex-dlq-replay-count", "__dlq.errors.partition", "other"]),
            st.binary(max_size=24) | st.text(max_size=24).map(str.encode),
        ),
    ),
    st.none() | st.binary(max_size=64),
    st.integers(-(2**63), 2**63 - 1),
)
def test_no_record_hides(headers: list[tuple[str, bytes]], value: bytes | None, timestamp_ms: int) -> None:
    letter = dead_letter_of(record(headers, value, timestamp_ms), limit=LIMIT)
    assert letter.failed_at.tzinfo is not None
    assert letter.replays >= 0


def test_a_replay_is_the_original_byte_for_byte_and_counted() -> None:
    headers = [("traceparent", b"00-1"), ("mine", b"\x00\xff"), ("mine", b"twice")]
    lying = give_up(log_with(), 1, value=GARBAGE, headers=headers)
    message = replay_of(dead_letter_of(lying, limit=LIMIT), INPUT)
    assert (message.topic, message.key, message.value) == (INPUT, b"k\xff", GARBAGE)
    assert message.headers == [*headers, ("onex-dlq-replay-count", b"1")]
    assert message.timestamp_ms is None


def test_a_replay_that_comes_back_is_counted_on() -> None:
    log, headers = log_with(), list[tuple[str, bytes]]()
    for expected in (b"1", b"2", b"3"):
        message = replay_of(dead_letter_of(give_up(log, 1, headers=headers), limit=LIMIT), INPUT)
        headers = list(message.headers)
        assert headers == [("onex-dlq-replay-count", expected)]


def test_the_headers_before_are_those_that_are_not_ours() -> None:
    assert original_headers(give_up(log_with(), 1)) == [("traceparent", b"00-1")]


@pytest.mark.parametrize(("ttl", "age", "expired"), [(None, 99, False), (60, 59, False), (60, 61, True)])
def test_a_letter_is_expired_when_its_time_has_passed(ttl: float | None, age: int, expired: bool) -> None:
    raw = encode(request(1, ttl_seconds=ttl))
    letter = dead_letter_of(give_up(log_with(), 1, value=raw), limit=LIMIT)
    assert letter.expired(NOW + timedelta(seconds=age)) is expired
