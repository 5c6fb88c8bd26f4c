"""The outbox: messages on their way to the bus, until each is acknowledged.

Workers post flights; one flush per step of the loop hands their messages to the bus as a batch, in order, and a
worker that is alone flushes at once, before it rests. A message that failed is held and published again, and
whatever has the same topic and key waits behind it: else it would overtake.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from operator import itemgetter

from omnibase_core.enums import EnumSettlement
from omnibase_core.errors import EventBusError
from omnibase_core.verdict import EnumAnswer, EnumHappening, judge
from omnibase_spi.event_bus import Message, ProtocolEventBus

from omnibase_infra.host.flight import Flight
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.engine")
_FLUSH_BYTES = 128 * 1024
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0


class Outbox:
    """Publishes what flights post, again and again until it is acknowledged or its flight is over.

    compose: makes the messages of posted flights, in order.
    settle: told of each flight whose last message is safe, with the settlement that it waited for.
    shrink: gives what to send instead of a message that the bus will never take, or None for nothing.
    """

    def __init__(
        self,
        bus: ProtocolEventBus,
        compose: Callable[[Sequence[Flight]], list[Message]],
        settle: Callable[[Flight, EnumSettlement], None],
        shrink: Callable[[Message, EventBusError], Message | None],
    ) -> None:
        self._bus = bus
        self._compose = compose
        self._settle = settle
        self._shrink = shrink
        self._queue: list[Flight] = []
        self._size_bytes = 0  # of the requests, which says roughly what their outcomes take
        self._flushing = False
        self._posted = 0
        self._held: dict[tuple[str, bytes | None], list[tuple[int, Message]]] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._failures = 0
        self.republished = 0

    def post(self, flight: Flight) -> None:
        """Takes a flight that has its outcome; messages with one topic and key leave in the order of posting."""
        self._posted += 1
        flight.posted = self._posted
        self._queue.append(flight)
        self._size_bytes += len(flight.delivery.value)
        if self._size_bytes >= _FLUSH_BYTES:
            self.flush()
            return
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush_step)

    def flush(self) -> None:
        """Hands over what was posted, for who knows that nobody posts anything else in this step of the loop."""
        posted, self._queue, self._size_bytes = self._queue, [], 0
        batch = self._compose(posted)
        if self._held:
            batch = [message for message in batch if not self._wait_behind(message)]
        if batch:
            self._bus.publish_batch(batch, self._acknowledged)

    def close(self) -> None:
        """Publishes nothing from now on."""
        if self._retry is not None:
            self._retry.cancel()
        self._queue.clear()
        self._held.clear()

    @property
    def held(self) -> int:
        """Messages that wait to be published again."""
        return sum(map(len, self._held.values()))

    def _flush_step(self) -> None:
        self._flushing = False
        self.flush()

    def _wait_behind(self, message: Message) -> bool:
        if (message.topic, message.key) not in self._held:
            return False
        self._hold(message)
        return True

    def _hold(self, message: Message) -> None:
        held = self._held.setdefault((message.topic, message.key), [])
        held.append((_flight(message).posted, message))

    def _acknowledged(self, message: Message, error: EventBusError | None) -> None:
        flight = _flight(message)
        if error is None:
            if self._failures:
                self._failures = 0
                _log.info("publishing works again", extra={"event": events.ENGINE_PUBLISH_RECOVERED})
            flight.unacknowledged -= 1
            if not flight.unacknowledged and flight.settlement is not None:
                self._settle(flight, flight.settlement)
        elif flight.over:
            return
        elif judge(_happened(error)).answer is EnumAnswer.SAME_AGAIN:
            self._hold(message)
            self._failed(error)
        elif (instead := self._shrink(message, error)) is not None:
            self._hold(instead)
            self._schedule(0.0)

    def _failed(self, error: EventBusError) -> None:
        if self._retry is not None:
            return
        delay = min(_FIRST_DELAY_S * 2.0**self._failures, _LONGEST_DELAY_S)
        self._failures = min(self._failures + 1, 16)
        _log.warning(
            "publishing failed, the messages are kept and published again in %.1f s: %s",
            delay,
            error.message,
            extra={"event": events.ENGINE_PUBLISH_FAILED},
        )
        self._schedule(delay)

    def _schedule(self, delay_s: float) -> None:
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(delay_s, self._publish_held)

    def _publish_held(self) -> None:
        self._retry = None
        held = sorted((pair for pairs in self._held.values() for pair in pairs), key=itemgetter(0))
        self._held.clear()
        batch = [message for _, message in held if not _flight(message).over]
        self.republished += len(batch)
        if batch:
            self._bus.publish_batch(batch, self._acknowledged)


def _happened(error: EventBusError) -> EnumHappening:
    return EnumHappening.UNACKNOWLEDGED if error.retryable else EnumHappening.TOO_LARGE


def _flight(message: Message) -> Flight:
    assert isinstance(message.context, Flight)
    return message.context
