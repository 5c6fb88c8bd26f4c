"""Hosts for a soak that must not pass."""

import asyncio
import os

from omnibase_core.envelope import ModelOnexEnvelope

from tools.soak.host import SteadyHost

_KEPT: list[bytes] = []
_TASKS: list[asyncio.Task[None]] = []
_EVERY = 20


class LeakingHost(SteadyHost):
    """Keeps some memory of each response, and of every twentieth a descriptor and a task."""

    def on_response(self, response: ModelOnexEnvelope) -> None:
        """Keeps them."""
        _KEPT.append(bytes(20_000))
        if len(_KEPT) % _EVERY == 0:
            os.dup(0)
            _TASKS.append(asyncio.create_task(asyncio.sleep(3_600)))
