"""KafkaTopicLog on a real broker: what is published is read again, what is kept stays, what is removed is gone."""

import asyncio
import socket
from contextlib import aclosing
from pathlib import Path

import pytest
from omnibase_core.errors import EventBusError
from omnibase_spi.event_bus import Message
from omnibase_spi.topic_log import Extent, Note, Partition, ProtocolTopicLog

from tests.integration.commands.stage import PARTITIONS, STARTED_MS, Stage, everything_in
from tools.services.kafka import Kafka


def messages(stage: Stage, count: int) -> list[Message]:
    return [
        Message(stage.input, b"\xff%d" % number, b"key-%d" % (number % 10), [("h", bytes([number % 256]))])
        for number in range(count)
    ]


@pytest.fixture
def absent(kafka: Kafka, tmp_path: Path) -> Stage:
    """A contract whose topics nobody has created."""
    return Stage(tmp_path, kafka.bootstrap_servers)


async def opened(stage: Stage) -> ProtocolTopicLog:
    log = stage.log()
    await log.open()
    return log


@pytest.mark.asyncio
async def test_what_is_published_is_read_in_the_order_of_its_keys(stage: Stage) -> None:
    log = await opened(stage)
    try:
        sent = messages(stage, 500)
        assert await log.publish(sent) == [None] * 500
        found = await everything_in(log, stage.input)
        for key in {message.key for message in sent}:
            assert [record.value for record in found if record.key == key] == [
                message.value for message in sent if message.key == key
            ]
        assert {(record.value, *record.headers) for record in found} == {
            (message.value, *message.headers) for message in sent
        }
    finally:
        await log.close()


@pytest.mark.asyncio
async def test_extents_bound_what_is_read_and_begin_at_a_time(stage: Stage) -> None:
    log = await opened(stage)
    try:
        old, new = messages(stage, 2)
        await log.publish(
            [old._replace(timestamp_ms=STARTED_MS), new._replace(timestamp_ms=STARTED_MS + 9_000, key=old.key)]
        )
        before = await log.extents([stage.input])
        since = await log.extents([stage.input], since_ms=STARTED_MS + 5_000)
        await log.publish(messages(stage, 1))
        (held,) = [each for each in before if each.end]
        assert [record.value async for batch in log.read(before) for record in batch] == [old.value, new.value]
        assert [record.value async for batch in log.read(since) for record in batch] == [new.value]
        assert [record.value async for batch in log.read([held._replace(start=1)]) for record in batch] == [
            new.value
        ]
        assert len(before) == PARTITIONS
    finally:
        await log.close()


@pytest.mark.asyncio
async def test_who_follows_gets_what_comes_and_time_to_look_up(stage: Stage) -> None:
    log = await opened(stage)
    try:
        ends = await log.extents([stage.input])
        async with aclosing(log.read(ends, follow=True)) as batches:
            assert await anext(batches) == []
            await log.publish(messages(stage, 3))
            found = 0
            async for batch in batches:
                found += len(batch)
                if found == 3:
                    break
    finally:
        await log.close()


@pytest.mark.asyncio
async def test_what_is_kept_under_a_name_outlives_the_process_and_other_names_know_nothing_of_it(
    stage: Stage,
) -> None:
    first = await opened(stage)
    notes = {Partition(stage.dead, 0): Note(7, "onex1:abc"), Partition(stage.dead, 2): Note(0, "")}
    try:
        assert await first.notes(stage.name, stage.dead) == {}
        await first.keep(stage.name, {Partition(stage.dead, 0): Note(3, "before")})
        await first.keep(stage.name, notes)
    finally:
        await first.close()
    second = await opened(stage)
    try:
        assert await second.notes(stage.name, stage.dead) == notes
        assert await second.notes(f"{stage.name}-other", stage.dead) == {}
    finally:
        await second.close()


@pytest.mark.asyncio
async def test_what_is_removed_is_gone(stage: Stage) -> None:
    log = await opened(stage)
    try:
        await log.publish([message._replace(key=b"one") for message in messages(stage, 5)])
        (held,) = [each for each in await log.extents([stage.input]) if each.end]
        await log.remove({held.partition: 3})
        assert await log.extents([stage.input]) == [
            each if each.partition != held.partition else Extent(held.partition, 3, 5)
            for each in await log.extents([stage.input])
        ]
        assert len(await everything_in(log, stage.input)) == 2
    finally:
        await log.close()


@pytest.mark.asyncio
async def test_a_message_over_the_limit_of_its_topic_is_refused_alone(stage: Stage) -> None:
    log = await opened(stage)
    try:
        small, big = messages(stage, 2)
        results = await log.publish([small, big._replace(value=bytes(2 * 1024 * 1024)), small])
        assert [None if result is None else result.retryable for result in results] == [None, False, None]
    finally:
        await log.close()


@pytest.mark.asyncio
async def test_no_topic_is_created_on_a_broker_that_would(absent: Stage) -> None:
    log = await opened(absent)
    try:
        for _ in range(2):
            with pytest.raises(EventBusError, match=f"No such topic in the cluster: {absent.input}"):
                await log.extents([absent.input])
            with pytest.raises(EventBusError, match="No such topic in the cluster"):
                await log.publish(messages(absent, 1))
    finally:
        await log.close()


def test_a_server_that_accepts_and_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        log = Stage(tmp_path, address, "connect_timeout_ms: 300").log()

        async def attempt() -> None:
            try:
                await log.open()
            finally:
                await log.close()

        with pytest.raises(EventBusError, match=f"{address}: "):
            asyncio.run(attempt())
