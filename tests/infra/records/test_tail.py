"""The latest records come in the order of time, then those that are written while somebody watches."""

import asyncio

import pytest
from omnibase_core.codec import encode
from omnibase_infra.records.sightings import Sighting
from omnibase_infra.records.tail import Watch, coming, latest

from tests.fakes.memory_log import MemoryTopicLog
from tests.fakes.runtimes import NOW, request
from tests.infra.records.letters import DEAD, give_up
from tests.infra.records.test_search import OUTPUT, READING, log

TOPICS = (OUTPUT, DEAD)


def answered(topics: MemoryTopicLog, number: int) -> None:
    topics.add(OUTPUT, encode(request(number).reply({}, timestamp=NOW)), timestamp_ms=1_000 + number)


def times(found: list[Sighting]) -> list[int]:
    return [each.record.timestamp_ms for each in found]


@pytest.mark.asyncio
async def test_the_last_are_shown_in_the_order_of_time() -> None:
    topics = log()
    for number in range(50):
        answered(topics, number)
    give_up(topics, 1)
    found, _ = await latest(topics, READING, Watch(TOPICS, last=3))
    assert [each.place for each in found] == ["response", "response", "dead_letter"]
    assert times(list(found))[:2] == [1_048, 1_049]


@pytest.mark.asyncio
async def test_the_last_of_one_correlation_id_are_looked_for_everywhere() -> None:
    topics = log()
    for number in range(50):
        answered(topics, number)
    wanted = str(request(3).correlation_id)
    found, _ = await latest(topics, READING, Watch(TOPICS, last=3, correlation_id=wanted))
    assert times(list(found)) == [1_003]


@pytest.mark.asyncio
async def test_what_comes_is_shown_until_it_is_stopped() -> None:
    topics = log()
    answered(topics, 1)
    watch = Watch(TOPICS, last=0)
    found, behind = await latest(topics, READING, watch)
    assert found == []
    answered(topics, 2)
    topics.add(OUTPUT, b"no envelope", timestamp_ms=1_003)
    stop, shown = asyncio.Event(), list[Sighting]()
    async for sightings in coming(topics, READING, watch, behind, stop):
        shown.extend(sightings)
        if len(shown) == 2:
            stop.set()
    assert [each.place for each in shown] == ["response", "no_envelope"]
    assert times(shown) == [1_002, 1_003]
