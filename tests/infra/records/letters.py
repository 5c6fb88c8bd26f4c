"""Dead letters as a host writes them, in a log in memory."""

from datetime import UTC, datetime, timedelta
from typing import Final

from omnibase_core.errors import EnvelopeValidationError, HandlerExecutionError, RuntimeHostError
from omnibase_infra.host.messages import STAGE_DECODE, STAGE_NODE, dead_letter_message
from omnibase_infra.records.letters import Letters
from omnibase_spi.event_bus import Delivery, Headers, Source
from omnibase_spi.topic_log import Record

from tests.fakes.memory_log import MemoryTopicLog
from tests.fakes.runtimes import raw_request

INPUT: Final = "onex.acme.orders.cmd.v1"
DEAD: Final = "onex.acme.orders.error.v1"
FAILED_AT: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GARBAGE: Final = b"\x00no envelope\xff"


def log_with(*, partitions: int = 1) -> MemoryTopicLog:
    """An empty log of the two topics."""
    return MemoryTopicLog({INPUT: 1, DEAD: partitions})


def letters_in(log: MemoryTopicLog) -> Letters:
    """The dead letters of that log."""
    return Letters(log, DEAD, 1_048_576, "orders-host.dlq-replay")


def give_up(
    log: MemoryTopicLog,
    number: int,
    *,
    value: bytes | None = None,
    error: RuntimeHostError | None = None,
    node: str | None = "node",
    key: bytes | None = b"k\xff",
    headers: Headers = (("traceparent", b"00-1"),),
    partition: int = 0,
    after_minutes: int = 0,
    skip: int = 0,
) -> Record:
    """Dead-letters the request of that number, or `value`, as the host does."""
    error = error or HandlerExecutionError("no luck", operation="http.get")
    message = dead_letter_message(
        Delivery(Source(INPUT, 3, 1), 100 + number, value or raw_request(number), key, headers, 1_764_000_000_000),
        error,
        topic=DEAD,
        group="orders-host",
        failed_at=FAILED_AT + timedelta(minutes=after_minutes),
        stage=STAGE_DECODE if isinstance(error, EnvelopeValidationError) else STAGE_NODE,
        node=node,
        context=None,
    )
    return log.add(DEAD, message.value, partition=partition, key=message.key, headers=message.headers, skip=skip)


def give_up_garbage(log: MemoryTopicLog, number: int) -> Record:
    """Dead-letters what is no envelope."""
    error = EnvelopeValidationError("invalid UTF-8", path="$", offset=12)
    return give_up(log, number, value=GARBAGE, error=error, node=None)
