"""The settings of a Kafka broker for tests: every kind of listener, small, quick, with users and rights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONTROLLER: Final = "controller"
LISTENERS: Final[Mapping[str, str]] = {
    "plaintext": "PLAINTEXT",
    "tls": "SSL",
    "mtls": "SSL",
    "expired": "SSL",
    "sasl": "SASL_PLAINTEXT",
    "sasl_tls": "SASL_SSL",
}
USERS: Final[Mapping[str, str]] = {"admin": "password-of-admin", "restricted": "password-of-restricted"}
SCRAM: Final = ("SCRAM-SHA-256", "SCRAM-SHA-512")

_TOKENS: Final = 'OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="admin";'
_SECURITY: Final = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Node:
    """One broker of a cluster: its number, its folder, its port per listener, the controller's among them."""

    number: int
    folder: Path
    ports: Mapping[str, int]


def properties(node: Node, voters: Mapping[int, int], certificates: Path, more: Mapping[str, str]) -> str:
    """The text of the node's server.properties.

    voters: the controller port of each node of the cluster. more: settings that win over those from here.
    """
    settings = {
        **_roles(node, voters),
        **_topics(len(voters)),
        **_rights(),
        **_tls(certificates),
        **dict(_sasl()),
        **more,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def scram_credentials() -> Iterator[str]:
    """What `kafka.tools.StorageTool format --add-scram` takes, one for each user and mechanism."""
    for user, password in USERS.items():
        for mechanism in SCRAM:
            yield f"{mechanism}=[name={user},password={password},iterations=4096]"


def _roles(node: Node, voters: Mapping[int, int]) -> dict[str, object]:
    protocols = {**LISTENERS, CONTROLLER: "PLAINTEXT"}
    return {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "log.dirs": node.folder / "data",
        "controller.quorum.voters": ",".join(f"{number}@127.0.0.1:{port}" for number, port in voters.items()),
        "controller.listener.names": CONTROLLER.upper(),
        "inter.broker.listener.name": "PLAINTEXT",
        "listeners": ",".join(f"{name.upper()}://127.0.0.1:{node.ports[name]}" for name in protocols),
        "listener.security.protocol.map": ",".join(f"{name.upper()}:{kind}" for name, kind in protocols.items()),
    }


def _topics(nodes: int) -> dict[str, object]:
    durable = min(nodes, 2)
    return {
        "default.replication.factor": nodes,
        "min.insync.replicas": durable,
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": nodes,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": nodes,
        "transaction.state.log.min.isr": durable,
        "share.coordinator.state.topic.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": nodes,
        "share.coordinator.state.topic.min.isr": durable,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "log.cleaner.dedupe.buffer.size": 2_097_152,
        "log.segment.bytes": 67_108_864,
    }


def _rights() -> dict[str, object]:
    """Everybody may do everything, but for the user `restricted`, who may do what an ACL says."""
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:admin;User:client",
        "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/",
    }


def _tls(certificates: Path) -> dict[str, object]:
    return {
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": certificates / "ca.pem",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificates / "broker.pem",
        "listener.name.mtls.ssl.client.auth": "required",
        "listener.name.expired.ssl.keystore.type": "PEM",
        "listener.name.expired.ssl.keystore.location": certificates / "expired.pem",
    }


def _sasl() -> Iterator[tuple[str, object]]:
    yield "sasl.enabled.mechanisms", ",".join(("PLAIN", *SCRAM, "OAUTHBEARER"))
    passwords = " ".join(f'user_{user}="{password}"' for user, password in USERS.items())
    modules = {
        "plain": f"{_SECURITY}.plain.PlainLoginModule required {passwords};",
        **{name.lower(): f"{_SECURITY}.scram.ScramLoginModule required;" for name in SCRAM},
        "oauthbearer": f"{_SECURITY}.oauthbearer.{_TOKENS}",
    }
    for listener in ("sasl", "sasl_tls"):
        for mechanism, module in modules.items():
            yield f"listener.name.{listener}.{mechanism}.sasl.jaas.config", module
