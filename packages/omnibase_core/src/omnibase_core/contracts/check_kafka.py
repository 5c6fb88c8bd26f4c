"""Checks what a Kafka bus's config says beyond its fields' types: servers, security, and how its times relate.

Each relation is looked at only where both its sides are known: an unset variable is nobody's mistake here.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from omnibase_core.contracts.findings import Findings, Refusal, Section, dotted
from omnibase_core.contracts.kafka_config import ModelKafkaBusConfig, ModelKafkaOptions, ModelKafkaSecurity
from omnibase_core.contracts.shape import check

_SERVER: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_BEYOND_REBALANCE_MS: Final = 5_000


class _Relation(NamedTuple):
    """`field` must be at least `factor` times `other` and `beyond` milliseconds, because …"""

    field: str
    other: str
    factor: int
    beyond_ms: int
    because: str


_RELATIONS: Final = (
    _Relation(
        "session_timeout_ms", "heartbeat_interval_ms", 3, 0, "One lost heartbeat must not cost the membership"
    ),
    _Relation(
        "rebalance_timeout_ms",
        "session_timeout_ms",
        1,
        0,
        "The group must not wait shorter than it takes members for live",
    ),
    _Relation(
        "request_timeout_ms",
        "rebalance_timeout_ms",
        1,
        _BEYOND_REBALANCE_MS,
        "Joining a group takes as long as the rebalance, and is one request",
    ),
    _Relation(
        "max_poll_interval_ms",
        "rebalance_timeout_ms",
        1,
        0,
        "A rebalance must not look like a member that asks for nothing",
    ),
)


def checked_kafka(section: Section, findings: Findings) -> ModelKafkaBusConfig | None:
    """The config; reports servers, security and times that the bus would refuse at its start, where they stand."""
    config = check(ModelKafkaBusConfig, section, findings)
    servers = section.child("bootstrap_servers")
    if isinstance(servers.value, str) and servers.value and not _is_unknown(servers):
        _check_servers(servers, servers.value, findings)
    if config is None:
        return None
    for relation in _RELATIONS:
        _check_relation(relation, config, section, findings)
    _check_security(config.security, section.child("security"), findings)
    return config


def options_of(config: ModelKafkaBusConfig, host: str) -> ModelKafkaOptions:
    """Its options, with the client id that brokers see: the contract's, else one with the host's name."""
    options = {name: getattr(config, name) for name in ModelKafkaOptions.model_fields}
    options["client_id"] = config.client_id or f"onex-{host}"
    return ModelKafkaOptions.model_construct(**options)


def _is_unknown(section: Section) -> bool:
    return section.home.file.is_unchecked(section.home.path)


def _check_servers(section: Section, text: str, findings: Findings) -> None:
    for server in text.split(","):
        match = _SERVER.fullmatch(server.strip())
        if match is None or not 0 < int(match["port"]) < 65_536:
            refusal = Refusal(
                f"{dotted(section.home.path)} is no list of brokers",
                "It is written host:port, several with commas between: kafka-1:9092,kafka-2:9092",
                "Correct the addresses; credentials belong under security",
            )
            findings.add(section.home, refusal)
            return


def _check_relation(relation: _Relation, options: ModelKafkaOptions, section: Section, findings: Findings) -> None:
    field, other, factor, beyond_ms, because = relation
    if any(_is_unknown(section.child(name)) for name in (field, other)):
        return
    least = getattr(options, other) * factor + beyond_ms
    if getattr(options, field) >= least:
        return
    written = field if field in section.mapping() else other
    name = dotted(section.origin((field,)).path)
    refusal = Refusal(
        f"{name} must be at least {least} where {other} is {getattr(options, other)}",
        because,
        f"Raise {field}, or lower {other}",
    )
    findings.add(section.origin((written,)), refusal)


def _check_security(security: ModelKafkaSecurity, section: Section, findings: Findings) -> None:
    if _is_unknown(section) or _is_unknown(section.child("protocol")):
        return
    for path, refusal in _refusals(security, section):
        findings.add(section.origin(path), refusal, at_key=True)


def _refusals(security: ModelKafkaSecurity, section: Section) -> Iterator[tuple[tuple[str, ...], Refusal]]:
    protocol, sasl = security.protocol, security.sasl
    if protocol.startswith("SASL") and sasl is None:
        yield (
            ("protocol",),
            Refusal(
                f"Protocol {protocol} without sasl",
                "SASL says who connects: mechanism, username and password, or token",
                "Add security.sasl, or choose PLAINTEXT or SSL",
            ),
        )
    if not protocol.startswith("SASL") and sasl is not None:
        yield (
            ("sasl",),
            Refusal(
                f"sasl is not used with protocol {protocol}",
                "Nobody would be authenticated",
                f"Set protocol: {'SASL_SSL' if protocol == 'SSL' else 'SASL_PLAINTEXT'}, or remove sasl",
            ),
        )
    if not protocol.endswith("SSL") and section.child("ssl").mapping():
        yield (
            ("ssl",),
            Refusal(
                f"ssl is not used with protocol {protocol}",
                "The connection would not be encrypted",
                f"Set protocol: {'SASL_SSL' if sasl is not None else 'SSL'}, or remove ssl",
            ),
        )
    if security.ssl.cert_file is None and (security.ssl.key_file or security.ssl.key_password):
        yield ("ssl",), Refusal("A key without cert_file", "A key belongs to a certificate", "Add ssl.cert_file")
    if sasl is not None:
        yield from _credentials(sasl.mechanism, section.child("sasl"))


def _credentials(mechanism: str, section: Section) -> Iterator[tuple[tuple[str, ...], Refusal]]:
    wanted = ("token",) if mechanism == "OAUTHBEARER" else ("username", "password")
    given = {name for name in ("username", "password", "token") if section.mapping().get(name) is not None}
    missing = [name for name in wanted if name not in given]
    if missing:
        yield (
            ("sasl",),
            Refusal(f"Mechanism {mechanism} needs {' and '.join(missing)}", None, f"Add {' and '.join(missing)}"),
        )
    for name in sorted(given - set(wanted)):
        yield (
            ("sasl", name),
            Refusal(
                f"Mechanism {mechanism} takes no {name}", f"It takes {' and '.join(wanted)}", f"Remove {name}"
            ),
        )
