"""What belongs to a correlation id is found in the topics, and what was looked at is told."""

from uuid import UUID

import pytest
from omnibase_core.codec import encode
from omnibase_core.contracts.bindings import ModelTopics
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_infra.records.search import Searched, search
from omnibase_infra.records.sightings import Reading

from tests.fakes.memory_log import MemoryTopicLog
from tests.fakes.runtimes import NOW, request
from tests.infra.records.letters import DEAD, INPUT, give_up

OUTPUT = "onex.acme.orders.evt.v1"
READING = Reading(ModelTopics(input=INPUT, output=OUTPUT, dead_letter=DEAD), 1_048_576)
WANTED = UUID(int=5)


def ours(number: int) -> ModelOnexEnvelope:
    return request(number).model_copy(update={"correlation_id": WANTED})


def log() -> MemoryTopicLog:
    return MemoryTopicLog({INPUT: 2, OUTPUT: 1, DEAD: 1})


@pytest.mark.asyncio
async def test_the_three_topics_are_searched() -> None:
    topics = log()
    for number in range(30):
        topics.add(INPUT, encode(request(number + 100)), partition=number % 2, timestamp_ms=1_000 + number)
    topics.add(INPUT, encode(ours(1)), timestamp_ms=2_000)
    topics.add(OUTPUT, encode(ours(1).reply({}, timestamp=NOW)), timestamp_ms=2_001)
    give_up(topics, 1, value=encode(ours(1)))
    found = await search(topics, READING, WANTED)
    assert sorted(each.place for each in found.sightings) == ["dead_letter", "request", "response"]
    assert found.searched[0] == Searched(INPUT, 31, 1_000)
    assert [(each.topic, each.records) for each in found.searched[1:]] == [(OUTPUT, 1), (DEAD, 1)]


@pytest.mark.asyncio
async def test_an_id_in_capitals_is_the_same_id() -> None:
    topics = log()
    wanted = UUID("abcdefab-0000-4000-8000-abcdefabcdef")
    topics.add(
        INPUT, encode(request(1).model_copy(update={"correlation_id": wanted})).replace(b"abcdef", b"ABCDEF")
    )
    assert len((await search(topics, READING, wanted)).sightings) == 1


@pytest.mark.asyncio
async def test_an_id_within_a_payload_is_not_a_correlation_id() -> None:
    topics = log()
    topics.add(INPUT, encode(request(1, payload={"id": str(WANTED)})))
    assert (await search(topics, READING, WANTED)).sightings == []


@pytest.mark.asyncio
async def test_a_request_without_an_id_is_found_through_its_response() -> None:
    topics = log()
    bare = request(1).model_copy(update={"correlation_id": None})
    topics.add(INPUT, encode(bare))
    topics.add(OUTPUT, encode(bare.correlated(WANTED).reply({}, timestamp=NOW)))
    found = await search(topics, READING, WANTED)
    assert [each.place for each in found.sightings] == ["response", "request"]


@pytest.mark.asyncio
async def test_what_is_no_envelope_is_found_by_its_header() -> None:
    topics = log()
    give_up(topics, 1, value=b"garbage", headers=[("onex-correlation-id", str(WANTED).encode())])
    (found,) = (await search(topics, READING, WANTED)).sightings
    assert (found.place, found.envelope) == ("dead_letter", None)


@pytest.mark.asyncio
async def test_records_before_a_time_are_not_read() -> None:
    topics = log()
    topics.add(INPUT, encode(ours(1)), timestamp_ms=1_000)
    topics.add(INPUT, encode(ours(2)), timestamp_ms=2_000)
    found = await search(topics, READING, WANTED, since_ms=1_500)
    assert found.searched[0] == Searched(INPUT, 1, 2_000)
