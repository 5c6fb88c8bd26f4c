"""A dead letter read back: where the record came from, why it lies here, and the record itself (FORMATS 8).

Anybody can write into a topic: a header that is missing or malformed leaves its field empty, and never hides
the record.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from omnibase_core.codec import decode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError
from omnibase_spi.event_bus import Headers, Message
from omnibase_spi.topic_log import Record

REPLAY_COUNT: Final = "onex-dlq-replay-count"
CORRELATION_ID: Final = "onex-correlation-id"

_PREFIXES: Final = ("__dlq.errors.", "onex-dlq-")


class Origin(NamedTuple):
    """Where the record was consumed from; a part that is not told is None."""

    topic: str | None
    partition: int | None
    offset: int | None
    group: str | None


class DeadLetter(NamedTuple):
    """A record of a dead-letter topic.

    failed_at: when it was given up; the record's own time where the header says nothing. envelope: what the
    value is, None where it is none. replays: how often it had been replayed before it came here.
    omitted_bytes: of a value that this topic had no room for; None where the value is here.
    """

    record: Record
    failed_at: datetime
    code: str | None
    stage: str | None
    node: str | None
    operation: str | None
    reason: str | None
    attempts: int | None
    deliveries: int | None
    replays: int
    origin: Origin
    correlation_id: str | None
    envelope: ModelOnexEnvelope | None
    omitted_bytes: int | None = None

    @property
    def is_ours(self) -> bool:
        """Whether a host wrote it."""
        return self.code is not None

    def expired(self, now: datetime) -> bool:
        """Whether its `ttl_seconds` has passed, so that a host would not run it again."""
        envelope = self.envelope
        if envelope is None or envelope.ttl_seconds is None:
            return False
        return (now - envelope.timestamp).total_seconds() > envelope.ttl_seconds


def dead_letter_of(record: Record, *, limit: int) -> DeadLetter:
    """The dead letter that this record is. limit: bytes over which a value is not decoded."""
    told = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    envelope = envelope_of(record, limit)
    node, operation, correlation_id = told.get("onex-dlq-node"), told.get("onex-dlq-operation"), None
    if envelope is not None:
        node, operation = node or envelope.target_node, operation or envelope.operation
        correlation_id = envelope.correlation_id
    return DeadLetter(
        record=record,
        failed_at=_time(told.get("onex-dlq-failed-at"), record.timestamp_ms),
        code=told.get("onex-dlq-code"),
        stage=told.get("onex-dlq-stage"),
        node=node,
        operation=operation,
        reason=told.get("__dlq.errors.message"),
        attempts=_number(told, "onex-dlq-attempts"),
        deliveries=_number(told, "__dlq.errors.delivery.count"),
        replays=_number(told, REPLAY_COUNT) or 0,
        origin=Origin(
            told.get("__dlq.errors.topic"),
            _number(told, "__dlq.errors.partition"),
            _number(told, "__dlq.errors.offset"),
            told.get("__dlq.errors.group"),
        ),
        correlation_id=told.get(CORRELATION_ID) if correlation_id is None else str(correlation_id),
        envelope=envelope,
        omitted_bytes=_number(told, "onex-dlq-value-omitted"),
    )


def envelope_of(record: Record, limit: int) -> ModelOnexEnvelope | None:
    """The envelope that a record's value is; None where it is none."""
    try:
        return None if record.value is None else decode(record.value, limit)
    except EnvelopeValidationError:
        return None


def original_headers(record: Record) -> Headers:
    """The headers that the record had before it became a dead letter, in their order."""
    return [header for header in record.headers if not header[0].startswith(_PREFIXES)]


def replay_of(letter: DeadLetter, topic: str) -> Message:
    """The record itself again, byte for byte, for a topic; a header counts this replay."""
    record = letter.record
    headers = [*original_headers(record), (REPLAY_COUNT, str(letter.replays + 1).encode())]
    return Message(topic, record.value or b"", record.key, headers, letter, null=record.value is None)


def _number(told: Mapping[str, str], name: str) -> int | None:
    text = told.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _time(text: str | None, record_ms: int) -> datetime:
    try:
        told = datetime.fromisoformat(text or "")
    except ValueError:
        return moment(record_ms)
    return told if told.tzinfo is not None else told.replace(tzinfo=UTC)


def moment(milliseconds: int) -> datetime:
    """The time of a record; the epoch where the number is none that a calendar knows."""
    try:
        return datetime.fromtimestamp(milliseconds / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
