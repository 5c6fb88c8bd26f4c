"""The references in memory: the loop that one would write by hand, and the same with this project's envelope."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import UUID, uuid5

from omnibase_core.codec import decode, encode
from omnibase_core.envelope import ModelOnexEnvelope
from pydantic import BaseModel, ConfigDict, Field

_CAPACITY = 1_000

Answer = Callable[[bytes], bytes]


class ModelPlainEnvelope(BaseModel):
    """An envelope without the checks that pydantic does not make by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    envelope_id: UUID
    envelope_version: str = "1.0.0"
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    source_node: str | None = None
    target_node: str | None = None
    handler_type: str | None = None
    operation: str | None = None
    payload: dict[str, Any] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    timestamp: datetime
    ttl_seconds: float | None = None
    is_response: bool = False
    success: bool | None = None
    error: dict[str, Any] | None = None


validate_plain: Callable[[bytes], ModelPlainEnvelope] = ModelPlainEnvelope.__pydantic_validator__.validate_json
plain_to_json: Callable[[ModelPlainEnvelope], bytes] = ModelPlainEnvelope.__pydantic_serializer__.to_json


def answer_plainly(raw: bytes) -> bytes:
    """Validate, respond, encode, with a plain model."""
    return plain_to_json(respond_plainly(validate_plain(raw)))


def respond_plainly(request: ModelPlainEnvelope) -> ModelPlainEnvelope:
    """The response of a node that returns its input."""
    return ModelPlainEnvelope(
        envelope_id=uuid5(request.envelope_id, "onex.response"),
        correlation_id=request.correlation_id,
        causation_id=request.envelope_id,
        source_node=request.target_node,
        target_node=request.source_node,
        payload=request.payload,
        metadata={**request.metadata, "original_target_node": request.target_node},
        timestamp=datetime.now(UTC),
        is_response=True,
        success=True,
    )


def answer_with_codec(raw: bytes) -> bytes:
    """The same with this project's envelope and codec."""
    request = decode(raw)
    return encode(
        ModelOnexEnvelope(
            envelope_id=uuid5(request.envelope_id, "onex.response"),
            correlation_id=request.correlation_id,
            causation_id=request.envelope_id,
            source_node=request.target_node,
            target_node=request.source_node,
            payload=request.payload,
            metadata={**request.metadata, "original_target_node": request.target_node},
            timestamp=datetime.now(UTC),
            is_response=True,
            success=True,
        )
    )


def answer_with_reply(raw: bytes) -> bytes:
    """The same with the envelope's own way to a response."""
    request = decode(raw)
    return encode(request.reply(request.payload or {}, timestamp=datetime.now(UTC)))


async def loop_seconds(records: Sequence[bytes], answer: Answer) -> float:
    """Time for all records through two bounded queues and one task."""
    requests, responses = asyncio.Queue[bytes](_CAPACITY), asyncio.Queue[bytes](_CAPACITY)
    async with asyncio.TaskGroup() as tasks:
        worker = tasks.create_task(_work(requests, responses, answer))
        start = perf_counter()
        sink = tasks.create_task(_take(responses, len(records)))
        for raw in records:
            await requests.put(raw)
        await sink
        elapsed = perf_counter() - start
        worker.cancel()
    return elapsed


async def loop_latencies(records: Sequence[bytes], answer: Answer) -> list[float]:
    """Seconds for each record, one at a time through the same loop."""
    requests, responses = asyncio.Queue[bytes](_CAPACITY), asyncio.Queue[bytes](_CAPACITY)
    seconds = []
    async with asyncio.TaskGroup() as tasks:
        worker = tasks.create_task(_work(requests, responses, answer))
        for raw in records:
            start = perf_counter()
            await requests.put(raw)
            await responses.get()
            seconds.append(perf_counter() - start)
        worker.cancel()
    return seconds


async def _work(requests: asyncio.Queue[bytes], responses: asyncio.Queue[bytes], answer: Answer) -> None:
    while True:
        await responses.put(answer(await requests.get()))


async def _take(responses: asyncio.Queue[bytes], count: int) -> None:
    for _ in range(count):
        await responses.get()
