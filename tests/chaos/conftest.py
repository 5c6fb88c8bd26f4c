"""Servers that tests of this folder may break."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from omnibase_infra.embedded import EmbeddedPostgres, is_installed

from tests.chaos.ledger import lay_out
from tests.services import require, require_service
from tools.services.kafka import Broker, Kafka


@pytest.fixture(scope="session")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker of this folder's own."""
    kafka = Kafka(tmp_path_factory.mktemp("own") / "kafka")
    require(kafka)
    try:
        kafka.start(leashed=True)
        yield kafka
    finally:
        kafka.stop()


@pytest.fixture
def breakable(own_kafka: Kafka) -> Iterator[Kafka]:
    """The same, healed after the test."""
    yield own_kafka
    for broker in own_kafka.brokers:
        heal(broker)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the test's own, with the counters of `ledger`; hosts find it by their secret."""
    require_service("the embedded PostgreSQL", is_installed(), "uv sync --locked")
    with EmbeddedPostgres(password="canary-of-chaos") as server:
        asyncio.run(lay_out(server.dsn))
        monkeypatch.setenv("ONEX_SECRET_CHAOS_DSN", server.dsn)
        yield server


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Kafka]:
    """Three brokers, each with a copy of every topic."""
    kafka = Kafka(tmp_path / "cluster", 3)
    require(kafka)
    try:
        kafka.start(leashed=True)
        yield kafka
    finally:
        kafka.stop()


def heal(broker: Broker) -> None:
    """Whatever was done to it, it answers again."""
    if broker.running:
        broker.thaw()
        broker.await_ready()
    else:
        broker.restart()
