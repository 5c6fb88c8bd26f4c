"""Dead letters on a real broker: a thousand of them, back byte for byte, whoever kills the replay midway."""

import asyncio
import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from omnibase_infra.records.dead_letter import original_headers
from omnibase_infra.records.replay import BATCH
from omnibase_spi.topic_log import Record

from tests.integration.commands.stage import Stage, dead_letters, everything_in
from tools.services.kafka import Kafka

COUNT = 1_000
RATE = 100

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def replayed(stage: Stage) -> list[Record]:
    """What is in the input topic."""

    log = stage.log()

    async def read() -> list[Record]:
        try:
            await log.open()
            return await everything_in(log, stage.input)
        finally:
            await log.close()

    return asyncio.run(read())


def fill(stage: Stage) -> Stage:
    """A thousand dead letters."""
    log = stage.log()

    async def write() -> None:
        try:
            await log.open()
            assert set(await log.publish(dead_letters(stage, COUNT))) == {None}
        finally:
            await log.close()

    asyncio.run(write())
    return stage


@pytest.fixture
def filled(stage: Stage) -> Stage:
    """A thousand dead letters on the shared broker."""
    return fill(stage)


def replay_under_way(stage: Stage) -> "subprocess.Popen[str]":
    """A replay that has sent something, and not everything."""
    process = stage.start("dlq", "replay", "CONTRACT", "--rate", str(RATE))
    deadline = time.monotonic() + 60
    while len(replayed(stage)) < BATCH:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
    return process


@pytest.fixture
def under_way(filled: Stage) -> "Iterator[subprocess.Popen[str]]":
    """Such a replay on the shared broker."""
    process = replay_under_way(filled)
    yield process
    process.kill()
    process.communicate()


def test_a_thousand_go_back_byte_for_byte(filled: Stage) -> None:
    ended = filled.run("dlq", "replay", "CONTRACT", "--json")
    assert (ended.code, json.loads(ended.stdout)["sent"]) == (0, COUNT), ended.stderr
    originals = {
        (message.key, None if message.null else message.value, *original_headers_of(message.headers))
        for message in dead_letters(filled, COUNT)
    }
    found = replayed(filled)
    assert len(found) == COUNT
    assert {(record.key, record.value, *original_headers(record)) for record in found} == originals
    assert {dict(record.headers)["onex-dlq-replay-count"] for record in found} == {b"1"}
    again = filled.run("dlq", "replay", "CONTRACT", "--json")
    assert json.loads(again.stdout)["replayed_before"] == COUNT
    assert len(replayed(filled)) == COUNT


def test_a_replay_that_is_killed_goes_on_and_repeats_one_batch_at_most(
    filled: Stage, under_way: "subprocess.Popen[str]"
) -> None:
    under_way.send_signal(signal.SIGKILL)
    under_way.wait()
    before = len(replayed(filled))
    assert before < COUNT
    assert filled.run("dlq", "replay", "CONTRACT").code == 0
    counts = Counter(record.key for record in replayed(filled))
    assert set(counts) == {message.key for message in dead_letters(filled, COUNT)}
    assert counts.total() - COUNT <= BATCH


def test_a_replay_that_is_told_to_stop_goes_on_and_repeats_nothing(
    filled: Stage, under_way: "subprocess.Popen[str]"
) -> None:
    under_way.send_signal(signal.SIGTERM)
    _, err = under_way.communicate(timeout=60)
    assert under_way.returncode == 4, err
    assert "the same command goes on where this one ended" in err
    before = len(replayed(filled))
    assert before < COUNT
    ended = filled.run("dlq", "replay", "CONTRACT", "--json")
    assert json.loads(ended.stdout)["replayed_before"] == before
    assert Counter(record.key for record in replayed(filled)).most_common(1)[0][1] == 1
    assert len(replayed(filled)) == COUNT


def test_brokers_that_stop_answering_are_exit_code_5_and_the_rest_is_replayed_later(
    own_kafka: Kafka, tmp_path: Path
) -> None:
    stage = Stage(tmp_path, own_kafka.bootstrap_servers, "publish_timeout_ms: 3000")
    asyncio.run(stage.create())
    process = replay_under_way(fill(stage))
    own_kafka.brokers[0].freeze()
    _, err = process.communicate(timeout=60)
    own_kafka.brokers[0].thaw()
    assert process.returncode == 5, err
    assert "the same command goes on with the rest" in err
    assert stage.run("dlq", "replay", "CONTRACT").code == 0
    counts = Counter(record.key for record in replayed(stage))
    assert set(counts) == {message.key for message in dead_letters(stage, COUNT)}
    assert counts.total() - COUNT <= 2 * BATCH


def test_what_is_replayed_is_listed_so_and_purged(filled: Stage) -> None:
    assert filled.run("dlq", "replay", "CONTRACT", "--partition", "1").code == 0
    ended = filled.run("dlq", "list", "CONTRACT", "--json")
    listed = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(listed) == COUNT, ended
    assert {each["replayed"] for each in listed if each["partition"] == 1} == {True}
    assert {each["replayed"] for each in listed if each["partition"] != 1} == {False}
    expected = sum(each["partition"] == 1 for each in listed)
    ended = filled.run("dlq", "purge", "CONTRACT", "--replayed", "--yes", "--json")
    assert [json.loads(line)["dead_letters"] for line in ended.stdout.splitlines()] == [expected]
    left = filled.run("dlq", "list", "CONTRACT", "--json").stdout.splitlines()
    assert len(left) == COUNT - expected


def test_one_is_shown(filled: Stage) -> None:
    ended = filled.run("dlq", "show", "CONTRACT", "0", "0")
    assert ended.code == 0
    assert "reason          $: invalid UTF-8" in ended.stdout
    assert "\\x00\\x1b no envelope \\xff" in ended.stdout
    assert all(line.isprintable() for line in ended.stdout.splitlines())


def original_headers_of(headers: object) -> list[tuple[str, bytes]]:
    assert isinstance(headers, list)
    return [header for header in headers if not header[0].startswith(("__dlq.", "onex-dlq-"))]
