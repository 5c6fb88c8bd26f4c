"""A broker's password or token changes while a host runs: it goes over to the new one, and is not restarted."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Final

import pytest

from tests.chaos.backlog import Answers, Topics, requests
from tests.chaos.running import Host, contract, ended
from tests.chaos.test_security import sasl, token
from tools.services import jars
from tools.services.kafka import Kafka
from tools.services.kafka_settings import USERS

OLD: Final = USERS["admin"]
NEW: Final = "another-password-of-admin"
HALF: Final = 50
TOKEN_S: Final = 8.0
LOG_LINES: Final = 100


def set_password(kafka: Kafka, password: str) -> None:
    """Changes the password of `admin`, as an operator does."""
    chosen = f"SCRAM-SHA-256=[iterations=4096,password={password}]"
    options = ["--bootstrap-server", kafka.bootstrap_servers, "--alter", "--add-config", chosen]
    whom = ["--entity-type", "users", "--entity-name", "admin"]
    command = jars.java("kafka.admin.ConfigCommand", *options, *whom, heap_mb=96)
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own arguments


@contextmanager
def host_with(kafka: Kafka, security: Mapping[str, object], folder: Path) -> Iterator[tuple[Host, Topics]]:
    """A host that finds its secrets in files, and looks at them five times a second."""
    topics = Topics.made(kafka.bootstrap_servers, 2)
    at = kafka.listener("sasl")
    options = {"bootstrap_servers": at, "security": {"protocol": "SASL_PLAINTEXT", "sasl": security}}
    path = contract(folder, topics, options)
    places = f'{{order: ["files"], folder: "{folder / "secrets"}", refresh_ms: 200}}'
    path.write_text(f"{path.read_text()}  secrets: {places}\n")
    host = Host(path, folder / "host.log", environment={})
    with ended(host):
        yield host, topics


def put(folder: Path, name: str, secret: str) -> None:
    """Exchanges the file of a secret, as whoever mounts it does."""
    file = folder / "secrets" / "kafka" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    beside.write_text(secret)
    os.replace(beside, file)


def outlive_the_change(kafka: Kafka, host: Host, topics: Topics, change: Callable[[], None]) -> None:
    """Works, sees the change, loses every connection, and works on."""
    [broker] = kafka.brokers
    asked = requests(2 * HALF, 5)
    topics.publish(asked[:HALF])
    with Answers(topics) as answers:
        answers.until_mark(HALF, host.alive)
        change()
        host.await_said("the event bus works with its new secrets")
        broker.kill()
        broker.restart()
        topics.publish(asked[HALF:])
        answers.until_mark(2 * HALF, host.alive)
        answers.until_committed(host.alive)
        assert host.end(SIGTERM) == 0
        assert answers.verdict(asked).holds
    assert len(host.said().splitlines()) < LOG_LINES


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_host_goes_over_to_a_new_password(breakable: Kafka, tmp_path: Path) -> None:
    put(tmp_path, "password", OLD)

    def change() -> None:
        set_password(breakable, NEW)
        put(tmp_path, "password", NEW)

    set_password(breakable, OLD)
    try:
        with host_with(breakable, sasl("SCRAM-SHA-256"), tmp_path) as (host, topics):
            outlive_the_change(breakable, host, topics, change)
        assert OLD not in host.said()
        assert NEW not in host.said()
    finally:
        set_password(breakable, OLD)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_host_goes_over_to_a_new_token_when_the_old_one_expires(breakable: Kafka, tmp_path: Path) -> None:
    expires = time.time() + TOKEN_S
    put(tmp_path, "token", token(TOKEN_S))

    def change() -> None:
        put(tmp_path, "token", token())
        while time.time() < expires + 1:  # the broker asks for a token at a connection's beginning only
            host.alive()
            time.sleep(0.05)

    with host_with(breakable, sasl("OAUTHBEARER"), tmp_path) as (host, topics):
        outlive_the_change(breakable, host, topics, change)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_wrong_new_password_changes_nothing_and_is_said(breakable: Kafka, tmp_path: Path) -> None:
    put(tmp_path, "password", OLD)
    set_password(breakable, OLD)
    with host_with(breakable, sasl("SCRAM-SHA-256"), tmp_path) as (host, topics):
        host.await_ready()
        put(tmp_path, "password", "wrong-" + OLD)
        host.await_said("the event bus does not work with its new secrets, and goes on with the old ones")
        assert "wrong user, password or token" in host.said()
        asked = requests(HALF, 5)
        topics.publish(asked)
        with Answers(topics) as answers:
            answers.until_mark(HALF, host.alive)
            assert host.end(SIGTERM) == 0
            assert answers.verdict(asked).holds
