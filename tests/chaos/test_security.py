"""TLS and SASL on real listeners: what is right works, what is wrong ends the start with what is wrong."""

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGTERM
from typing import Final

import pytest

from tests.chaos.backlog import Answers, Topics, requests
from tests.chaos.running import Host, contract, ended
from tools.services.kafka import Kafka
from tools.services.kafka_settings import USERS

PASSWORD: Final = {"secret_ref": "kafka/password"}
LOG_LINES: Final = 30


def tls(kafka: Kafka, authority: str = "ca.pem", client: bool = False) -> Mapping[str, str]:
    """The `ssl` of a contract."""
    folder = kafka.certificates
    files = {"ca_file": str(folder / authority)}
    if client:
        files |= {"cert_file": str(folder / "client-cert.pem"), "key_file": str(folder / "client-key.pem")}
    return files


def sasl(mechanism: str) -> Mapping[str, object]:
    """The `sasl` of a contract."""
    if mechanism == "OAUTHBEARER":
        return {"mechanism": mechanism, "token": {"secret_ref": "kafka/token"}}
    return {"mechanism": mechanism, "username": "admin", "password": PASSWORD}


def token(life_s: float = 600.0) -> str:
    """An unsigned token, as the brokers take it."""
    claims = {"sub": "admin", "iat": time.time(), "exp": time.time() + life_s}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({"alg": "none"}, claims)]
    return ".".join([*(part.rstrip("=") for part in parts), ""])


def host_at(
    kafka: Kafka, listener: str, security: Mapping[str, object], folder: Path, password: str = USERS["admin"]
) -> tuple[Host, Topics]:
    """A host that connects to this listener."""
    topics = Topics.made(kafka.bootstrap_servers, 1)
    options = {"bootstrap_servers": kafka.listener(listener), "security": security, "connect_timeout_ms": 5_000}
    secrets = {"ONEX_SECRET_KAFKA_PASSWORD": password, "ONEX_SECRET_KAFKA_TOKEN": token()}
    return Host(contract(folder, topics, options), folder / "host.log", environment=secrets), topics


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listener", "protocol", "mechanism", "client"),
    [
        ("tls", "SSL", None, False),
        ("mtls", "SSL", None, True),
        ("sasl", "SASL_PLAINTEXT", "PLAIN", False),
        ("sasl", "SASL_PLAINTEXT", "SCRAM-SHA-256", False),
        ("sasl", "SASL_PLAINTEXT", "OAUTHBEARER", False),
        ("sasl_tls", "SASL_SSL", "SCRAM-SHA-512", False),
    ],
)
def test_a_host_works_through_a_secured_listener(
    listener: str, protocol: str, mechanism: str | None, client: bool, kafka: Kafka, tmp_path: Path
) -> None:
    security: dict[str, object] = {"protocol": protocol}
    if protocol.endswith("SSL"):
        security["ssl"] = tls(kafka, client=client)
    if mechanism is not None:
        security["sasl"] = sasl(mechanism)
    host, topics = host_at(kafka, listener, security, tmp_path)
    asked = requests(50, 5)
    topics.publish(asked)
    with ended(host), Answers(topics) as answers:
        answers.until_mark(50, host.alive)
        assert host.end(SIGTERM) == 0
        assert answers.verdict(asked).holds
    assert USERS["admin"] not in host.said()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listener", "protocol", "authority", "mechanism", "said"),
    [
        ("tls", "SSL", "other-ca.pem", None, "TLS: the broker's certificate is not accepted"),
        ("expired", "SSL", "ca.pem", None, "certificate has expired"),
        ("mtls", "SSL", "ca.pem", None, "client certificate"),
        ("sasl", "SASL_PLAINTEXT", "", "PLAIN", "wrong user, password or token"),
        ("sasl_tls", "SASL_SSL", "ca.pem", "SCRAM-SHA-256", "wrong user, password or token"),
    ],
)
def test_what_is_wrong_ends_the_start_and_is_said(
    listener: str,
    protocol: str,
    authority: str,
    mechanism: str | None,
    said: str,
    kafka: Kafka,
    tmp_path: Path,
) -> None:
    security: dict[str, object] = {"protocol": protocol}
    if authority:
        security["ssl"] = tls(kafka, authority)
    if mechanism is not None:
        security["sasl"] = sasl(mechanism)
    host, _ = host_at(kafka, listener, security, tmp_path, password="wrong-" + USERS["admin"])
    with ended(host):
        assert host.process.wait(60) == 1
    print(host.said())
    assert said in host.said()
    assert kafka.listener(listener) in host.said()
    assert len(host.said().splitlines()) < LOG_LINES
    assert "Traceback" not in host.said()
    assert USERS["admin"] not in host.said()
