"""The hosts that `onex-host run` runs here: one feeds itself at a steady rate, the other is fed by Kafka."""

import asyncio
import itertools
import os
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final
from uuid import uuid4

from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.runtime import ComputeFunction
from omnibase_infra.host.clock import utc_now
from omnibase_infra.host.process import BaseRuntimeHostProcess, Publish

RATE: Final = "ONEX_SOAK_RATE"
_TICK_S: Final = 0.02
_TURNS: Final[Mapping[str, int]] = {"total": 8}
_QUERY: Final = "SELECT count(*)::int AS known FROM pg_class WHERE relpages >= $1"


def payloads(nodes: Mapping[str, object]) -> Iterator[tuple[str, JsonObject]]:
    """Nodes and payloads in turn, for those of the three nodes that there are."""
    payload: Mapping[str, JsonObject] = {
        "total": {"prices": [1, 2, 3, 4, 5], "note": "x" * 200},
        "ask": {"url": "/users/u-123"},
        "query": {"sql": _QUERY, "parameters": [0]},
    }
    turns = [name for name in nodes for _ in range(_TURNS.get(name, 1))]
    return itertools.cycle([(name, payload[name]) for name in turns])


def _total(values: dict[str, object]) -> dict[str, object]:
    prices = values["prices"]
    assert isinstance(prices, list)
    return {"total": sum(prices)}


class ServingHost(BaseRuntimeHostProcess):
    """Adds prices, asks a web service, queries a database, whichever its contract has."""

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"total": _total}


class SteadyHost(ServingHost):
    """The same, which sends itself so many requests a second as ONEX_SOAK_RATE says."""

    async def feed(self, publish: Publish) -> None:
        """Without an end; where the host cannot keep up it sends less."""
        rate = float(os.environ[RATE])
        requests = payloads(self.nodes)
        loop = asyncio.get_running_loop()
        begun, sent = loop.time(), 0
        while True:
            due = int((loop.time() - begun) * rate)
            for target, payload in itertools.islice(requests, due - sent):
                await publish(
                    ModelOnexEnvelope(
                        envelope_id=uuid4(), target_node=target, payload=payload, timestamp=utc_now()
                    )
                )
            sent = due
            await asyncio.sleep(_TICK_S)
