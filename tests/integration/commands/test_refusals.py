"""What keeps a command from its work is one error with the way out: no traceback, no log line, no endless wait."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from omnibase_infra.cli.main import onex_host

from tests.integration.commands.stage import Stage
from tools.services.kafka import Kafka

COMMANDS = (
    ("dlq", "list", "CONTRACT"),
    ("dlq", "replay", "CONTRACT"),
    ("dlq", "purge", "CONTRACT", "--all", "--yes"),
    ("send", "CONTRACT", "node", "number=1"),
    ("tail", "CONTRACT"),
    ("trace", "CONTRACT", "9f1c0d1e-7c1b-4a55-9a53-0a5f0f3f1f11"),
)
SASL = (
    "security: {protocol: SASL_PLAINTEXT, "
    "sasl: {mechanism: PLAIN, username: restricted, password: {secret_ref: p}}}"
)


def refused(stage: Stage, *command: str) -> str:
    """The one error of a command that cannot work."""
    words = [str(stage.contract) if word == "CONTRACT" else word for word in command]
    ended = CliRunner().invoke(onex_host, words)
    assert (ended.exit_code, ended.stdout) == (1, ""), ended.stderr
    first, *more = ended.stderr.splitlines()
    assert first.startswith("EventBusError: ")
    assert [line.split(":")[0].strip() for line in more] == ["Code", "Hint"], ended.stderr
    return first


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_broker_that_is_down_is_named_with_the_reason(tmp_path: Path, command: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    assert f"{address}: connection refused" in refused(Stage(tmp_path, address), *command)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_topic_that_does_not_exist_is_named(kafka: Kafka, tmp_path: Path, command: tuple[str, ...]) -> None:
    stage = Stage(tmp_path, kafka.bootstrap_servers)
    said = refused(stage, *command)
    assert "No such topic in the cluster" in said
    assert f"onex.{stage.name}.orders." in said


def test_a_wrong_password_is_said(kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEX_SECRET_P", "not-the-password")
    said = refused(Stage(tmp_path, kafka.listener("sasl"), SASL), *COMMANDS[0])
    assert "authentication failed" in said
    assert "not-the-password" not in said


@pytest.mark.parametrize(
    ("command", "operation"),
    [(COMMANDS[0], "READ"), (COMMANDS[1], "READ"), (COMMANDS[3], "WRITE"), (COMMANDS[4], "READ")],
    ids=["list", "replay", "send", "tail"],
)
def test_a_missing_permission_is_named(
    stage: Stage,
    kafka: Kafka,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    operation: str,
) -> None:
    monkeypatch.setenv("ONEX_SECRET_P", "password-of-restricted")
    restricted = Stage(tmp_path, kafka.listener("sasl"), SASL, name=stage.name)
    said = refused(restricted, *command)
    assert f"kafka-acls.sh --add --operation {operation} --topic onex.{stage.name}.orders." in said


def test_a_plain_client_on_a_tls_listener_is_told_within_bounds(kafka: Kafka, tmp_path: Path) -> None:
    stage = Stage(tmp_path, kafka.listener("tls"), "connect_timeout_ms: 2000")
    assert "No Kafka broker can be reached" in refused(stage, *COMMANDS[0])
