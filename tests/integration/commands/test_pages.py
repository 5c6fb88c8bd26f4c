"""Pages whose sessions need a broker: they print what the pages show, with a host beside them."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.wiring import build_topic_log
from omnibase_spi.event_bus import Message
from omnibase_spi.topic_log import ProtocolTopicLog

from tests.infra.cli.programs import program
from tests.integration.commands.stage import everything_in
from tests.integration.kafka.ground import create_topics
from tools import docs_check
from tools.services.kafka import Kafka

PAGE = docs_check.ROOT / "docs" / "dead-letters.md"
TOPICS = ("onex.shop.orders.cmd.v1", "onex.shop.orders.evt.v1", "onex.shop.orders.error.v1")
GARBAGE = [
    Message(TOPICS[0], b'{"order": 1}', b"customer-1", []),
    Message(TOPICS[0], b"", b"customer-2", []),
    Message(TOPICS[0], b"\x1b[2Jnot json", b"\x00\xff", [("x-source", b"legacy")]),
]


@pytest.fixture
def folder(own_kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's files, its topics, and what was in them before."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", own_kafka.bootstrap_servers)
    where = tmp_path / "page"
    where.mkdir()
    assert list(docs_check.played(docs_check.read(PAGE), "nothing but the files", str(where))) == []
    return where


def log_of(folder: Path, servers: str) -> ProtocolTopicLog:
    loaded = load_contract_file(str(folder / "runtime.yaml"), {"KAFKA_BOOTSTRAP_SERVERS": servers})
    return build_topic_log(loaded, SecretResolver.of_environment({}))


async def prepare(log: ProtocolTopicLog, servers: str) -> None:
    """Creates the topics and writes what is no envelope."""
    await create_topics(servers, {topic: topic for topic in TOPICS}, 1)
    try:
        await log.open()
        assert set(await log.publish(GARBAGE)) == {None}
    finally:
        await log.close()


async def dead_letters(log: ProtocolTopicLog) -> int:
    try:
        await log.open()
        return len(await everything_in(log, TOPICS[2]))
    finally:
        await log.close()


@pytest.fixture
def host(folder: Path, own_kafka: Kafka) -> Iterator[None]:
    """A host that has worked off what was there."""
    servers = own_kafka.bootstrap_servers
    asyncio.run(prepare(log_of(folder, servers), servers))
    process = subprocess.Popen(  # noqa: S603 - our own program
        program("onex-host", "run", "runtime.yaml"),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while asyncio.run(dead_letters(log_of(folder, servers))) < len(GARBAGE):
        assert process.poll() is None
        assert time.monotonic() < deadline
    yield
    process.terminate()
    process.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("host")
def test_the_page_about_dead_letters_prints_what_it_shows(folder: Path) -> None:
    assert list(docs_check.played(docs_check.read(PAGE), "broker session", str(folder))) == []
