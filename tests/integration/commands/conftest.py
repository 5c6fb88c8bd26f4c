"""A stage for each test."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.commands.stage import Stage
from tests.services import require
from tools.services.kafka import Kafka


@pytest.fixture
def stage(kafka: Kafka, tmp_path: Path) -> Stage:
    """A contract with topics of its own on the shared broker."""
    made = Stage(tmp_path, kafka.bootstrap_servers)
    asyncio.run(made.create())
    return made


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    """A broker of the test's own: to freeze it, or to have topics of names that everybody may have used."""
    broker = Kafka(tmp_path / "kafka")
    require(broker)
    broker.start(leashed=True)
    yield broker
    broker.stop()
