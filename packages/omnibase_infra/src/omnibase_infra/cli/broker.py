"""From a contract's path to the topics of its bus: what the commands that talk to a broker do alike.

Imported within commands only.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract
from omnibase_spi.topic_log import ProtocolTopicLog

from omnibase_infra.cli.hosting import abort, load
from omnibase_infra.host.signals import stop_on_signals
from omnibase_infra.records.letters import Letters
from omnibase_infra.records.sightings import Reading
from omnibase_infra.telemetry.logs import Levels
from omnibase_infra.wiring import build_topic_log, resolver_of

_Result = TypeVar("_Result")

# Work that ends by itself when it is told to may take so long: one request to a broker, and a bit.
GRACEFUL_S = 30.0


class Desk(NamedTuple):
    """What a command works with: the contract, the topics of its bus, and whether a signal came."""

    loaded: LoadedContract
    log: ProtocolTopicLog
    stop: asyncio.Event

    @property
    def contract(self) -> ModelRuntimeHostContract:
        """The runtime contract."""
        return self.loaded.require()

    @property
    def reading(self) -> Reading:
        """How records of its topics are read."""
        bus = self.contract.event_bus
        return Reading(bus.topics, bus.max_envelope_bytes)

    def letters(self, topic: str) -> Letters:
        """Its dead letters."""
        name = f"{self.contract.group}.dlq-replay"
        return Letters(self.log, topic, self.contract.event_bus.max_envelope_bytes, name)


def desk_of(contract: str) -> Desk:
    """The desk of a contract, nothing connected yet.

    The libraries' log lines are not shown: whatever keeps a command from its work is one error. Raises
    ProtocolConfigurationError for a bus whose topics live in the host's process.
    """
    loaded = load(contract, "text", Levels("CRITICAL"))
    log = build_topic_log(loaded, resolver_of(loaded, os.environ))
    return Desk(loaded, log, asyncio.Event())


def at_desk(desk: Desk, work: Callable[[Desk], Awaitable[_Result]], *, grace_s: float = 0.0) -> _Result | None:
    """What `work` gives, with the topics connected; None where a signal came and `work` did not end in time.

    grace_s: how long it may take to end by itself once `stop` is set.
    """
    return asyncio.run(_worked(desk, work, grace_s))


async def _worked(desk: Desk, work: Callable[[Desk], Awaitable[_Result]], grace_s: float) -> _Result | None:
    with stop_on_signals(desk.stop.set, abort, final=True):
        working = asyncio.create_task(_connected(desk, work), name="onex-work")
        stopping = asyncio.create_task(desk.stop.wait(), name="onex-work-stop")
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({working}, timeout=grace_s)
        stopping.cancel()
        working.cancel()
        await asyncio.wait({working})
        return None if working.cancelled() else working.result()


async def _connected(desk: Desk, work: Callable[[Desk], Awaitable[_Result]]) -> _Result:
    try:
        await desk.log.open()
        return await work(desk)
    finally:
        await desk.log.close()
