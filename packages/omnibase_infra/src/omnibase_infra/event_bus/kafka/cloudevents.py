"""CloudEvents over Kafka, binary mode: the attributes of a response as `ce_` headers, its value as it is."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from omnibase_spi.event_bus import Message

_TYPE: Final = b"onex.response.v1"
_FROM: Final = (
    ("ce_id", "onex-envelope-id"),
    ("ce_correlationid", "onex-correlation-id"),
    ("ce_causationid", "onex-causation-id"),
)


def as_cloud_event(group: str) -> Callable[[Message], Message]:
    """What adds the headers to a response; its source is the consumer group. Other messages stay as they are."""
    constant = [
        ("ce_specversion", b"1.0"),
        ("ce_type", _TYPE),
        ("ce_source", f"urn:onex:{quote(group, safe='')}".encode()),
    ]

    def decorate(message: Message) -> Message:
        told = dict(message.headers)
        if "onex-causation-id" not in told:
            return message
        taken = [(name, told[origin]) for name, origin in _FROM if origin in told]
        return message._replace(headers=[*message.headers, *constant, *taken])

    return decorate
