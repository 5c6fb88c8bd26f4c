"""What goes out: acknowledged once, refused alone, unchanged, and in order."""

from collections import defaultdict
from collections.abc import Sequence

from omnibase_core.codec import decode
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.errors import EventBusError

from omnibase_spi.conformance.bus_life import ENVELOPE
from omnibase_spi.conformance.promise import bounded, in_time, promised, quiet
from omnibase_spi.conformance.stand import BusMaker, running
from omnibase_spi.event_bus import Delivery, Headers, Message

_STAMP_MS = 1_700_000_000_123
_EVERY_BYTE = bytes(range(256))


async def check_every_message_is_acknowledged_once(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """Each message is acknowledged once and never early, with its context; those of the last moment too."""
    contexts = [object() for _ in range(100)]
    async with running(make, binding) as stand:
        receipts = stand.receipts
        receipts.publish([])
        messages = [stand.message(n)._replace(context=context) for n, context in enumerate(contexts)]
        for start in range(0, 90, 30):
            receipts.publish(messages[start : start + 30])
        await receipts.all_told(90)
        receipts.publish(messages[90:])
        await in_time(stand.bus.shutdown(), "shutdown")
        await receipts.all_told(100)
        await quiet()
    told = [id(message.context) for message, _ in receipts.told]
    promised(receipts.early == 0, "a message must not be acknowledged before publish_batch has returned")
    promised(len(told) == len(contexts), "each message must be acknowledged once, and not more often")
    promised(
        sorted(told) == sorted(map(id, contexts)), "an acknowledgement must give the message's own context back"
    )


async def check_what_is_too_large_fails_alone_and_for_good(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """A message over max_envelope_bytes is never taken, and says so; the others of its batch are."""
    limit = binding.max_envelope_bytes
    async with running(make, binding) as stand:
        first, last = stand.message(1), stand.message(2)._replace(value=b"x" * limit)
        too_large = stand.message(3)._replace(value=b"x" * (limit + 1))
        stand.receipts.publish([first, too_large, last])
        await stand.receipts.all_told(3)
        outcome = {message.context: error for message, error in stand.receipts.told}
        error = outcome[3]
        promised(error is not None, "a message over max_envelope_bytes must be acknowledged with an error")
        promised(error is None or not error.retryable, "the error of a message that is too large is not retryable")
        promised(outcome[1] is outcome[2] is None, "a message that is too large must not make others fail")
        values = [delivery.value for delivery in await stand.subscriber.has(2)]
        promised(values == [first.value, last.value], "the messages around one that is too large must arrive")


async def check_publish_envelope_returns_when_it_is_safe(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """What `publish_envelope` has published arrives, as the envelope that it was; what cannot be is refused."""
    limit = binding.max_envelope_bytes
    async with running(make, binding) as stand:
        topic = binding.topics.input
        await in_time(stand.bus.publish_envelope(ENVELOPE, topic, key=b"its key"), "publish_envelope")
        (delivery,) = await stand.subscriber.has(1)
        promised(decode(delivery.value) == ENVELOPE, "publish_envelope must publish the envelope as it is")
        promised(delivery.key == b"its key", "publish_envelope must keep the key that it is given")
        large = ENVELOPE.model_copy(update={"payload": {"text": "x" * limit}})
        try:
            await bounded(stand.bus.publish_envelope(large, topic), "publish_envelope")
        except EventBusError as error:
            promised(not error.retryable, "an envelope over max_envelope_bytes must be refused for good")
        else:
            raise AssertionError("publish_envelope must raise EventBusError over max_envelope_bytes")


async def check_records_arrive_byte_for_byte(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """Value, key, headers and timestamp arrive as they were published, repeated header names too."""
    headers: Headers = (("traceparent", b"00-1"), ("twice", _EVERY_BYTE), ("twice", b""), ("Größe", b"\xff"))
    keys = (None, b"", _EVERY_BYTE)
    async with running(make, binding) as stand:
        for index, key in enumerate(keys):
            value = _EVERY_BYTE * index
            message = Message(binding.topics.input, value, key, headers, None, _STAMP_MS + index)
            await stand.receipts.safe([message])
            came = (await stand.subscriber.has(index + 1))[index]
            promised(came.value == value, "a value must arrive byte for byte")
            promised(came.key == key, "a key must arrive byte for byte; none and an empty one are two things")
            promised(list(came.headers) == list(headers), "headers must arrive in order, each byte for byte")
            promised(came.timestamp_ms == _STAMP_MS + index, "a timestamp that a message brings must be kept")
        await stand.receipts.safe([stand.message(3)])
        promised((await stand.subscriber.has(4))[3].timestamp_ms > 0, "a message without a timestamp must get one")


async def check_records_arrive_in_order_and_once(make: BusMaker, binding: ModelEventBusBinding) -> None:
    """Records of one key keep their order; positions rise within a source; nothing is delivered twice."""
    keys = [None, b"a", b"b", b"c"]
    async with running(make, binding) as stand:
        messages = [stand.message(number, keys[number % 4]) for number in range(200)]
        for start in range(0, 200, 40):
            stand.receipts.publish(messages[start : start + 40])
        deliveries = await stand.subscriber.has(200)
        await quiet()
        promised(len(stand.subscriber.deliveries) == 200, "a record must be delivered once within an assignment")
        promised(
            {delivery.source for delivery in deliveries} <= stand.subscriber.assignments,
            "the subscriber must be told of every stream with assigned()",
        )
    promised(
        {delivery.source.topic for delivery in deliveries} == {binding.topics.input},
        "a subscriber gets the records of its topic, and its sources name that topic",
    )
    _in_order(deliveries)


def _in_order(deliveries: Sequence[Delivery]) -> None:
    last_position = defaultdict[object, int](lambda: -1)
    last_number = defaultdict[bytes, int](lambda: -1)
    for delivery in deliveries:
        promised(delivery.position > last_position[delivery.source], "positions must rise within a source")
        last_position[delivery.source] = delivery.position
        if delivery.key is not None:
            promised(
                int(delivery.value) > last_number[delivery.key], "records of one key must arrive in their order"
            )
            last_number[delivery.key] = int(delivery.value)
