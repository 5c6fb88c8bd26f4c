"""A bus whose publishing is late and fails now and then, within the protocol's promises."""

import asyncio
import random
import zlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from omnibase_core.errors import EventBusError
from omnibase_spi.event_bus import Acknowledged, Message, ProtocolEventBus

from tests.chaos.around import BusAround

_GROUPS: Final = 8


class RoughPublishing(BusAround):
    """Publishes up to `delay_s` late, and fails a share of the batches, from some message on, without sending it.

    Messages of one key stay in order: those of a group of keys leave together, and behind a failed message
    everything of its group that has not left fails with it.
    """

    def __init__(self, inner: ProtocolEventBus, delay_s: float, failures: float) -> None:
        super().__init__(inner)
        self._delay_s = delay_s
        self._failures = failures
        self._random = random.Random()  # noqa: S311 - no two runs of a host alike; the verifier needs no seed
        self._waiting: dict[int, list[tuple[Message, Acknowledged]]] = defaultdict(list)

    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Keeps the messages for a while."""
        for message in messages:
            group = zlib.crc32(message.key or b"") % _GROUPS
            waiting = self._waiting[group]
            waiting.append((message, acknowledged))
            if len(waiting) == 1:
                delay_s = self._random.uniform(0, self._delay_s)
                asyncio.get_running_loop().call_later(delay_s, self._leave, group)

    def _leave(self, group: int) -> None:
        leaving = self._waiting.pop(group)
        sent = self._random.randrange(len(leaving)) if self._random.random() < self._failures else len(leaving)
        for message, acknowledged in leaving[:sent]:
            self.inner.publish_batch([message], acknowledged)
        for message, acknowledged in leaving[sent:]:
            acknowledged(message, EventBusError("the test has this publish fail"))
