"""Requests go out in order, and each gets its first response, if one comes in time."""

import asyncio
from uuid import UUID

import pytest
from omnibase_core.codec import encode
from omnibase_core.errors import EventBusError
from omnibase_infra.records.sending import (
    Request,
    Response,
    SendingError,
    ends,
    message_of,
    request_of,
    responses,
    send,
)

from tests.fakes.memory_log import MemoryTopicLog
from tests.fakes.runtimes import NOW, request
from tests.infra.records.letters import INPUT
from tests.infra.records.test_search import OUTPUT, READING, log


def messages(count: int) -> list[Request]:
    return [Request(request(number), encode(request(number)), number + 1) for number in range(count)]


async def awaited(topics: MemoryTopicLog, wanted: list[UUID], timeout_s: float = 5) -> list[Response]:
    places = [each._replace(start=0) for each in await ends(topics, OUTPUT)]
    coming = responses(topics, READING, places, wanted, timeout_s=timeout_s, stop=asyncio.Event())
    return [response async for response in coming]


def test_a_request_carries_its_headers() -> None:
    envelope = request(1).model_copy(update={"causation_id": UUID(int=9)})
    message = message_of(request_of(envelope), INPUT, b"\xff")
    assert (message.topic, message.key, message.value) == (INPUT, b"\xff", encode(envelope))
    assert dict(message.headers) == {
        "onex-envelope-id": str(UUID(int=2)).encode(),
        "onex-correlation-id": str(UUID(int=2)).encode(),
        "onex-causation-id": str(UUID(int=9)).encode(),
        "onex-target-node": b"node",
        "content-type": b"application/json",
    }


def test_what_a_request_does_not_say_is_no_header() -> None:
    envelope = request(1).model_copy(update={"correlation_id": None})
    assert "onex-correlation-id" not in dict(message_of(request_of(envelope), INPUT, None).headers)


@pytest.mark.asyncio
async def test_all_are_sent_in_order_and_told() -> None:
    topics, told = log(), list[int]()
    requests = messages(1_200)
    sent = await send(topics, [message_of(each, INPUT, None) for each in requests], asyncio.Event(), told.append)
    assert sent == 1_200
    assert told == [500, 1_000, 1_200]
    assert [message.value for message in topics.published] == [each.value for each in requests]


@pytest.mark.asyncio
async def test_the_first_that_is_not_taken_is_named() -> None:
    topics, requests = log(), messages(700)
    late = requests[600].value
    topics.refuse = lambda message: EventBusError("too late") if message.value == late else None
    with pytest.raises(SendingError, match="too late") as refusal:
        await send(topics, [message_of(each, INPUT, None) for each in requests], asyncio.Event(), lambda n: None)
    assert (refusal.value.sent, refusal.value.line) == (600, 601)


@pytest.mark.asyncio
async def test_the_first_response_to_each_is_given() -> None:
    topics = log()
    for number in (1, 7, 0, 1):
        topics.add(OUTPUT, encode(request(number).reply({"n": number}, timestamp=NOW)))
    topics.add(OUTPUT, b"no envelope")
    found = await awaited(topics, [request(0).envelope_id, request(1).envelope_id])
    assert [response.envelope.payload for response in found] == [{"n": 1}, {"n": 0}]


@pytest.mark.asyncio
async def test_the_wait_ends_when_time_is_up() -> None:
    assert await awaited(log(), [UUID(int=1)], timeout_s=0.05) == []
