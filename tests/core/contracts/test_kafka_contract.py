"""The config of a Kafka bus: closed, with secrets as references, and times that fit together."""

from collections.abc import Mapping

import pytest
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.secret import ModelSecretRef

from tests.core.contracts.contracts_on_hand import load, messages, runtime_text

TOPICS = "topics: {input: onex.a.b.cmd.v1, output: onex.a.b.evt.v1}"


def bus(fields: str, servers: str = '"kafka:9092"') -> str:
    """A runtime contract whose Kafka bus has these further fields."""
    given = f"bootstrap_servers: {servers}, consumer_group: orders, {TOPICS}"
    return runtime_text(event_bus=f"{{kind: kafka, config: {{{given}{', ' if fields else ''}{fields}}}}}")


def options(fields: str = "", environment: Mapping[str, str] | None = None) -> ModelKafkaOptions:
    """The options of a sound contract."""
    found = load(bus(fields), environment=environment or {}).require().event_bus.options
    assert isinstance(found, ModelKafkaOptions)
    return found


def test_the_least_that_is_written_has_safe_defaults() -> None:
    least = options()
    assert (least.offset_reset, least.compression, least.security.protocol) == ("earliest", "none", "PLAINTEXT")
    assert least.client_id == "onex-orders"


def test_a_client_id_of_the_contract_is_kept() -> None:
    assert options("client_id: mine").client_id == "mine"


def test_credentials_are_references() -> None:
    given = "{mechanism: SCRAM-SHA-512, username: u, password: {secret_ref: k/p}}"
    sasl = options(f"security: {{protocol: SASL_SSL, sasl: {given}}}").security.sasl
    assert sasl is not None
    assert sasl.password == ModelSecretRef(secret_ref="k/p")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("bootstrap_server: x", "Unknown field 'bootstrap_server'"),
        ("security: {protocol: TLS}", "Unknown protocol 'TLS'"),
        ("compression: brotli", "Unknown compression 'brotli'"),
        ("offset_reset: latest", "Unknown offset_reset 'latest'"),
        (
            "session_timeout_ms: 5000",
            "session_timeout_ms must be at least 9000 where heartbeat_interval_ms is 3000",
        ),
        ("rebalance_timeout_ms: 20000", "rebalance_timeout_ms must be at least 30000"),
        ("request_timeout_ms: 46000", "request_timeout_ms must be at least 50000"),
        ("max_poll_interval_ms: 10000", "max_poll_interval_ms must be at least 45000"),
        ("session_timeout_ms: 60000", "rebalance_timeout_ms must be at least 60000"),
        ("security: {protocol: SASL_SSL}", "Protocol SASL_SSL without sasl"),
        ("security: {ssl: {ca_file: a.pem}}", "ssl is not used with protocol PLAINTEXT"),
        (
            "security: {sasl: {mechanism: OAUTHBEARER, token: {secret_ref: t}}}",
            "sasl is not used with protocol PLAINTEXT",
        ),
        (
            "security: {protocol: SASL_SSL, sasl: {mechanism: PLAIN, username: u}}",
            "Mechanism PLAIN needs password",
        ),
        (
            "security: {protocol: SASL_SSL, sasl: {mechanism: OAUTHBEARER, username: u}}",
            "Mechanism OAUTHBEARER takes no username",
        ),
        ("security: {protocol: SSL, ssl: {key_file: k.pem}}", "A key without cert_file"),
    ],
)
def test_what_does_not_fit_is_said_at_its_place(fields: str, said: str) -> None:
    assert any(said in message for message in messages(load(bus(fields)))), messages(load(bus(fields)))


@pytest.mark.parametrize(
    "fields",
    [
        "security: {protocol: SASL_SSL, sasl: {mechanism: PLAIN, username: u, password: hunter2}}",
        "security: {protocol: SASL_SSL, sasl: {mechanism: OAUTHBEARER, token: hunter2}}",
        "security: {protocol: SSL, ssl: {cert_file: c.pem, key_password: hunter2}}",
    ],
)
def test_a_literal_secret_is_refused_and_never_repeated(fields: str) -> None:
    loaded = load(bus(fields))
    assert loaded.runtime is None
    assert "hunter2" not in str(loaded.problems)


@pytest.mark.parametrize(
    "servers", ['"kafka"', '"a:9092,,b:9092"', '"a:0"', '"a:70000"', '"user:pw@a:9092"', '"a b:1"']
)
def test_a_malformed_list_of_brokers_is_refused(servers: str) -> None:
    assert any("is no list of brokers" in message for message in messages(load(bus("", servers))))


@pytest.mark.parametrize("servers", ['"a:1"', '"a.b-c_d:9092, 10.0.0.1:9093"', '"[::1]:9092"'])
def test_a_list_of_brokers_has_hosts_and_ports(servers: str) -> None:
    assert load(bus("", servers)).runtime is not None


def test_a_variable_that_is_not_set_is_nobodys_mistake_in_a_relation() -> None:
    loaded = load(bus('session_timeout_ms: "${SESSION}"', '"${SERVERS}"'), no_environment=True)
    assert all("must be at least" not in message for message in messages(loaded))
    assert all("list of brokers" not in message for message in messages(loaded))


def test_a_bus_that_is_not_used_needs_no_variables() -> None:
    servers = bus('max_inflight_envelopes: "${NOT_SET}"', '"${NOT_SET_EITHER}"')
    found = load(servers, in_memory=True)
    assert found.problems == ()
    assert found.require().event_bus.kind == "kafka"


def test_a_bus_that_is_not_used_is_checked_all_the_same() -> None:
    found = load(bus("compresion: gzip", '"${NOT_SET}"'), in_memory=True)
    assert messages(found) == ["Unknown field 'compresion' in runtime.event_bus.config"]


def test_a_variable_of_another_part_is_needed_whatever_the_bus() -> None:
    found = load(runtime_text(handlers='[{type: "http", config: {base_url: "${NOT_SET}"}}]'), in_memory=True)
    assert messages(found) == ["Environment variable NOT_SET is not set"]
