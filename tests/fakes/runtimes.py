"""Runtimes whose nodes run when a test says so, and the requests that they are sent."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from omnibase_core.codec import encode
from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelTopics
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.runtime import NodeResult, NodeRuntime

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def request(
    number: int, *, ttl_seconds: float | None = None, payload: JsonObject | None = None
) -> ModelOnexEnvelope:
    """The request with this number: its ids are the number, so that a test knows them."""
    return ModelOnexEnvelope(
        envelope_id=UUID(int=number + 1),
        correlation_id=UUID(int=number + 1),
        source_node="client",
        target_node="node",
        payload={"number": number} if payload is None else payload,
        timestamp=NOW,
        ttl_seconds=ttl_seconds,
    )


def raw_request(number: int) -> bytes:
    """The same as bytes."""
    return encode(request(number))


def bus_binding(
    *,
    window: int = 100,
    threshold: int = 80,
    ordering: str = "key",
    dead_letter: str | None = "onex.acme.orders.error.v1",
    max_envelope_bytes: int = 1_048_576,
) -> ModelEventBusBinding:
    """A binding to the topics that the simulated bus knows."""
    return ModelEventBusBinding.model_validate(
        {
            "kind": "inmemory",
            "topics": ModelTopics(
                input="onex.acme.orders.cmd.v1", output="onex.acme.orders.evt.v1", dead_letter=dead_letter
            ),
            "max_inflight_envelopes": window,
            "pause_consumption_threshold": threshold,
            "ordering": ordering,
            "max_envelope_bytes": max_envelope_bytes,
        }
    )


class StepwiseRuntime(NodeRuntime):
    """Each request waits until the test finishes it."""

    def __init__(self) -> None:
        super().__init__()
        self.running: dict[int, list[asyncio.Future[JsonObject]]] = {}
        self.started: list[int] = []

    async def route_envelope(self, envelope: ModelOnexEnvelope) -> NodeResult:
        """Starts, and waits for the test."""
        number = envelope.envelope_id.int - 1
        self.started.append(number)
        waiting: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self.running.setdefault(number, []).append(waiting)
        return NodeResult(await waiting)

    def finish(self, number: int) -> None:
        """Lets the request's node succeed, in every run of it."""
        for waiting in self.running.pop(number):
            waiting.set_result({"number": number})


class ImmediateRuntime(NodeRuntime):
    """Each request is answered by a function, at once."""

    def __init__(self, answer: Callable[[ModelOnexEnvelope], JsonObject]) -> None:
        super().__init__()
        self.answer = answer
        self.started: list[int] = []

    async def route_envelope(self, envelope: ModelOnexEnvelope) -> NodeResult:
        """Answers."""
        self.started.append(envelope.envelope_id.int - 1)
        return NodeResult(self.answer(envelope))


async def settled_loop(turns: int = 8) -> None:
    """Lets everything run that can run without time passing."""
    for _ in range(turns):
        await asyncio.sleep(0)
