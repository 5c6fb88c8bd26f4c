"""An app-specific host's own ingress: its `feed` publishes, its `on_response` is told of the answers."""

import itertools
import logging
from collections.abc import Awaitable, Callable

from omnibase_core.codec import decode, encode
from omnibase_core.envelope import ModelOnexEnvelope

from omnibase_infra.host.client import Client, Reply
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.host")

Publish = Callable[[ModelOnexEnvelope], Awaitable[None]]


async def fed(feed: Callable[[Publish], Awaitable[None]], client: Client) -> None:
    """Runs `feed` to its end, and waits for the answers to what it published."""
    numbers = itertools.count(1)

    async def publish(envelope: ModelOnexEnvelope) -> None:
        key = f"{envelope.envelope_id}/{next(numbers)}".encode()
        await client.submit([(key, encode(envelope))])

    await feed(publish)
    await client.idle()


def teller(on_response: Callable[[ModelOnexEnvelope], None], limit_bytes: int) -> Callable[[Reply], None]:
    """Tells `on_response` of each reply; what it raises is logged and goes no further."""

    def replied(reply: Reply) -> None:
        if reply.refusal is not None:
            _log.error(
                "what feed published was refused: %s",
                reply.refusal.message,
                extra={"event": events.HOST_FEED_REFUSED, "code": reply.refusal.code},
            )
            return
        response = decode(reply.value, limit_bytes)
        try:
            on_response(response)
        except Exception:  # noqa: BLE001 - an application's code must not end the bus that calls it
            _log.exception("on_response failed", extra=events.about(response, events.HOST_RESPONSE_FAILED))

    return replied
