"""What goes out: responses and dead letters as bus messages (FORMATS 8)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from omnibase_core.codec import encode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import RuntimeHostError
from omnibase_spi.event_bus import Delivery, Message

STAGE_DECODE: Final = "decode"
STAGE_NODE: Final = "node"
VALUE_OMITTED: Final = "onex-dlq-value-omitted"

_CONTENT_TYPE: Final = ("content-type", b"application/json")
_PASSED_ON: Final = ("traceparent", "tracestate")
_UUID_CHARS: Final = 36
_SMALL_METADATA_BYTES: Final = 2_048

_as_message = tuple.__new__  # half the time of a NamedTuple's own constructor


def _places() -> Iterator[slice]:
    """Where a response's three ids stand in its encoded form: its fields have one order and one length."""
    ids = [UUID(int=number) for number in (1, 2, 3)]
    sample = ModelOnexEnvelope(
        envelope_id=ids[0],
        correlation_id=ids[1],
        causation_id=ids[2],
        timestamp=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        is_response=True,
        success=True,
    )
    for number in ids:
        start = encode(sample).index(str(number).encode())
        yield slice(start, start + _UUID_CHARS)


_ENVELOPE_ID, _CORRELATION_ID, _CAUSATION_ID = _places()


def response_message(
    value: bytes, target_node: str | None, request: Delivery, topic: str, context: object
) -> Message:
    """An encoded response as a message. It keeps its request's key, else its key is the correlation id.

    The ids in the headers are cut from the value, which is cheaper than writing them again.
    """
    correlation_id = value[_CORRELATION_ID]
    headers = [
        ("onex-envelope-id", value[_ENVELOPE_ID]),
        ("onex-correlation-id", correlation_id),
        ("onex-causation-id", value[_CAUSATION_ID]),
        _CONTENT_TYPE,
    ]
    if target_node is not None:
        headers.append(("onex-target-node", target_node.encode()))
    if request.headers:
        headers.extend(header for header in request.headers if header[0] in _PASSED_ON)
    key = request.key
    kept = correlation_id if key is None else key
    return _as_message(Message, (topic, value, kept, headers, context, None, False))


def without_metadata(request: ModelOnexEnvelope) -> ModelOnexEnvelope:
    """The request as a small error envelope answers it: metadata that is itself large is left out."""
    if len(encode(request.model_copy(update={"payload": None}))) <= _SMALL_METADATA_BYTES:
        return request
    return request.model_copy(update={"metadata": {"metadata_omitted": True}})


def dead_letter_message(
    delivery: Delivery,
    error: RuntimeHostError,
    *,
    topic: str,
    group: str,
    failed_at: datetime,
    stage: str,
    node: str | None,
    context: object,
) -> Message:
    """The record itself, byte for byte, with where it came from and why in further headers."""
    source = delivery.source
    told = {
        "__dlq.errors.topic": source.topic,
        "__dlq.errors.partition": str(source.partition),
        "__dlq.errors.offset": str(delivery.position),
        "__dlq.errors.group": group,
        "__dlq.errors.delivery.count": "1",
        "__dlq.errors.message": error.message,
        "onex-dlq-code": error.code.value,
        "onex-dlq-stage": stage,
        "onex-dlq-attempts": str(error.details.get("attempts", 1)),
        "onex-dlq-failed-at": failed_at.isoformat().replace("+00:00", "Z"),
        "onex-dlq-replay-count": _replays(delivery),
    }
    if node is not None:
        told["onex-dlq-node"] = node
    if error.operation is not None:
        told["onex-dlq-operation"] = error.operation
    original = [header for header in delivery.headers if header[0] not in told]
    headers = [*original, *((name, text.encode()) for name, text in told.items())]
    stamp, null = delivery.timestamp_ms, delivery.null
    return Message(topic, delivery.value, delivery.key, headers, context, stamp, null)


def without_value(letter: Message) -> Message | None:
    """The dead letter of a record that its topic has no room for: all but the value, which stays where it was.

    None where it has none already.
    """
    if not letter.value:
        return None
    omitted = (VALUE_OMITTED, str(len(letter.value)).encode())
    return letter._replace(value=b"", headers=[*letter.headers, omitted])


def _replays(delivery: Delivery) -> str:
    counts = [value for name, value in delivery.headers if name == "onex-dlq-replay-count"]
    return counts[-1].decode("ascii", "replace") if counts else "0"
