"""What only the Kafka bus understands: the servers, the group, security, times. Checked without a driver.

A secret field holds a ModelSecretRef in a contract and a Secret once the host has resolved it.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from omnibase_core.contracts.bindings import ModelBusOptions, ModelEventBusLimits, ModelTopics
from omnibase_core.contracts.handler_config import Milliseconds, SecretField

Text = Annotated[str, Field(min_length=1, max_length=249)]


class ModelKafkaTls(BaseModel):
    """How a connection is encrypted.

    ca_file: PEM file with the certificate authorities to trust instead of the system's.
    cert_file: PEM file with the client's certificate and its chain.
    key_file: PEM file with the client's key; null: it is in cert_file.
    key_password: of an encrypted key, a secret reference always.
    check_hostname: whether the broker's certificate must name the host that was connected to.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True)

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password: SecretField | None = None
    check_hostname: bool = True


class ModelKafkaSasl(BaseModel):
    """Who connects.

    username, password: for PLAIN and SCRAM. token: for OAUTHBEARER. Both secrets are references always.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True)

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
    username: str | None = None
    password: SecretField | None = None
    token: SecretField | None = None


class ModelKafkaSecurity(BaseModel):
    """Kafka's security protocol, with what it needs."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True)

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ssl: ModelKafkaTls = ModelKafkaTls.model_construct()
    sasl: ModelKafkaSasl | None = None


class ModelKafkaOptions(ModelBusOptions):
    """The fields of `kind: kafka` that other buses do not have.

    bootstrap_servers: the brokers to ask first, `host:port` separated by commas.
    consumer_group: the group whose members share the input topic's partitions.
    group_instance_id: a name of this member that outlives its process (static membership).
    client_id: how brokers and their logs call this client; null: `onex-<name of the host>`.
    compression: of what is published; what comes in may have any of them.
    cloudevents: adds the headers of CloudEvents' binary mode (`ce_id`, `ce_type`, …) to responses.
    offset_reset: where a group without a committed offset begins; `none` refuses to: the host ends with code 5.
    session_timeout_ms: without a heartbeat for so long, a member is taken for dead; at least 3 heartbeats.
    heartbeat_interval_ms: between two heartbeats.
    rebalance_timeout_ms: how long the group waits for its members; what is in flight is finished within it, 10 s
        before its end; at least session_timeout_ms.
    request_timeout_ms: of one request to a broker; at least rebalance_timeout_ms, as a join is one, and 5 s.
    max_poll_interval_ms: a member that asks for nothing for so long leaves the group; at least
        rebalance_timeout_ms.
    publish_timeout_ms: after so long without an acknowledgement a message has failed, and is published again.
    connect_timeout_ms: of one connection, at the start.
    """

    bootstrap_servers: Annotated[str, Field(min_length=1)]
    consumer_group: Text
    group_instance_id: Text | None = None
    client_id: Text | None = None
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"
    cloudevents: bool = False
    offset_reset: Literal["earliest", "none"] = "earliest"
    security: ModelKafkaSecurity = ModelKafkaSecurity.model_construct()
    session_timeout_ms: Milliseconds = 30_000
    heartbeat_interval_ms: Milliseconds = 3_000
    rebalance_timeout_ms: Milliseconds = 45_000
    request_timeout_ms: Milliseconds = 60_000
    max_poll_interval_ms: Milliseconds = 300_000
    publish_timeout_ms: Milliseconds = 20_000
    connect_timeout_ms: Milliseconds = 10_000

    @property
    def group(self) -> str:
        """Its consumer_group."""
        return self.consumer_group


class ModelKafkaBusConfig(ModelKafkaOptions, ModelEventBusLimits):
    """The `config` of `kind: kafka`. Its topics have no defaults, and must exist."""

    topics: ModelTopics
