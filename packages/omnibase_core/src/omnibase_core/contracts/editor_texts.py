"""What an editor shows of fields whose docstrings say nothing to an author, and examples.

Over 300 lines because it is one table: an entry for each model of a contract.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from omnibase_core.contracts.editor_served_texts import SERVED_TEXTS
from omnibase_core.contracts.editor_test_texts import TEST_TEXTS
from omnibase_core.contracts.editor_text import SCHEMA_VERSION_TEXT, Text
from omnibase_core.contracts.scalartypes import SCALARS
from omnibase_core.enums import EnumHandlerType

_NAME: Final = "^[a-z][a-z0-9_-]{0,62}$"
_VERSION: Final = "^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$"
_IDENTIFIER: Final = "^[A-Za-z_][A-Za-z0-9_]{0,127}$"
_SECRET_REF: Final = r"^[A-Za-z0-9._/-]+(#[A-Za-z0-9._-]+)?(@[1-9][0-9]*)?$"  # noqa: S105 - the form of a reference

_POLICIES: Final[Mapping[str, Text]] = {
    "timeout_ms": Text("The deadline of one attempt, in milliseconds", (30_000,)),
    "retry_policy": Text("How often and how soon what is retryable and safe is tried again"),
    "rate_limit_per_second": Text(
        "Calls in a second; more of them wait, until their deadline; null is no limit", (50,)
    ),
    "circuit_breaker": Text("Failures in a row that keep calls from a server for a while"),
    "on_open": Text(
        "What an open breaker does to requests: `pause` lets them wait, `fail` answers at once; null: `pause` "
        "with kafka, `fail` with inmemory"
    ),
}
_TOPICS: Final[Mapping[str, Text]] = {
    "input": Text("Where requests are read, direction `cmd`", ("onex.acme.orders.cmd.v1",)),
    "output": Text("Where responses go, direction `evt`", ("onex.acme.orders.evt.v1",)),
    "dead_letter": Text(
        "Where goes what is no envelope, direction `error`; null: nowhere, it is logged",
        ("onex.acme.orders.error.v1",),
    ),
}

HANDLERS: Final[Mapping[EnumHandlerType, str]] = MappingProxyType(
    {
        EnumHandlerType.LOCAL: "For development and tests; the production host refuses it",
        EnumHandlerType.HTTP: "Calls web services",
        EnumHandlerType.DB: "PostgreSQL",
        EnumHandlerType.VAULT: "Secrets of HashiCorp Vault, KV version 2",
        EnumHandlerType.CONSUL: "Service discovery by HashiCorp Consul",
    }
)
"""Each handler type, in the order of the enumeration."""

BUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "inmemory": "Queues in this process",
        "kafka": "Topics of a Kafka cluster",
    }
)
"""Each kind of bus."""

TEXTS: Final[Mapping[str, Mapping[str, Text]]] = MappingProxyType(
    {
        "ModelRuntimeFile": {
            "": Text("A runtime contract: the host, its event bus, its handlers and its nodes."),
            "schema_version": SCHEMA_VERSION_TEXT,
            "runtime": Text("What one host process runs"),
        },
        "ModelRuntimeEntry": {
            "": Text("What one host process runs."),
            "name": Text("The host's name", ("orders_runtime_host",), _NAME),
            "version": Text("Your version of this host; it is compared with nothing", ("1.0.0",), _VERSION),
            "event_bus": Text("Where requests come from and responses go to"),
            "handlers": Text("What performs I/O: one of a type, unless names tell them apart"),
            "nodes": Text("The nodes that this host runs"),
            "observability": Text("What the host shows of itself", ({"http": {"port": 9090}},)),
            "secrets": Text("Where secret references are looked for", ({"refresh_ms": 30_000},)),
            "registration": Text("The host as a service in Consul; null: it is none", ({"port": 8080},)),
        },
        "ModelLogs": {
            "level": Text("Of every logger that `levels` does not name; null: INFO", ("WARNING",)),
            "levels": Text("By logger, those below it included", ({"onex.engine": "DEBUG", "aiokafka": "ERROR"},)),
        },
        "ModelTraces": {
            "endpoint": Text(
                "Base URL of the receiver; `/v1/traces` is put behind it", ("http://otel-collector:4318",)
            ),
            "headers": Text(
                "Sent with every export; a value is text or a secret reference",
                ({"Authorization": {"secret_ref": "otel/token", "prefix": "Bearer "}},),
            ),
            "ca_file": Text(
                "PEM file with the authorities to trust instead of the system's; it is read at the start",
                ("/etc/onex/ca.pem",),
            ),
            "service_name": Text("Of the spans' resource; null: the host's name", ("orders",)),
            "sample_ratio": Text(
                "The share of traces that are kept, of those that begin here; a sender's decision holds", (0.1,)
            ),
        },
        "ModelSecrets": {
            "order": Text("The places, of which the first that has a secret gives it", (["vault", "files"],)),
            "folder": Text("Of the files; null: `ONEX_SECRETS_DIR`, or `/run/secrets`", ("/mnt/secrets",)),
            "names": Text(
                "Secrets that are called otherwise in some place",
                ([{"reference": "orders/db#dsn", "environment": "ORDERS_DSN"}],),
            ),
        },
        "ModelSecretNames": {
            "reference": Text("`path[#key]`, as fields have it", ("orders/db#dsn",)),
            "vault": Text("`path[#key]` below the mount; null: it is not looked for there", ("teams/orders#dsn",)),
            "environment": Text("The variable; null: it is not looked for there", ("ORDERS_DSN",)),
            "files": Text("The file, relative to the folder; null: it is not looked for there", ("orders/dsn",)),
        },
        "ModelEventBusEntry": {
            "": Text("Where requests come from and responses go to."),
            "kind": Text(
                "The kind of bus; `pipe`, `call` and `demo` use `inmemory` always", ("inmemory", "kafka")
            ),
            "config": Text("The settings of this kind of bus", ({"max_inflight_envelopes": 50},)),
        },
        "ModelEventBusLimits": {
            "ordering": Text("What keeps its order: envelopes of one key, of one partition, or none"),
            "circuit_breaker_threshold": Text(
                "Consecutive failures that stop consumption for 30 s, or until the bus works again; Kafka only"
            ),
        },
        "ModelInMemoryBusConfig": {"topics": Text("Names of topics, where the defaults will not do")},
        "ModelKafkaBusConfig": {
            "": Text("The config of a Kafka bus."),
            "bootstrap_servers": Text(
                "The brokers to ask first, `host:port`, several with commas between",
                ("${KAFKA_BOOTSTRAP_SERVERS}",),
            ),
            "consumer_group": Text("The group that shares the input topic's partitions", ("orders-host",)),
            "topics": Text("The topics of this host, which must exist"),
        },
        "ModelKafkaOptions": {
            "group_instance_id": Text(
                "A name of this member that outlives its process (static membership), such as a pod's",
                ("orders-host-0",),
            ),
            "client_id": Text(
                "How brokers call this client in logs and quotas; null: `onex-<name of the host>`", ("orders",)
            ),
            "security": Text("Encryption and authentication", ({"protocol": "SSL"},)),
        },
        "ModelKafkaSecurity": {
            "protocol": Text("What the listener speaks", ("SASL_SSL",)),
            "ssl": Text("For SSL and SASL_SSL"),
            "sasl": Text("For SASL_PLAINTEXT and SASL_SSL"),
        },
        "ModelKafkaTls": {
            "cert_file": Text("PEM file with the client's certificate and its chain", ("/etc/onex/client.pem",)),
            "key_file": Text("PEM file with the client's key; null: it is in cert_file", ("/etc/onex/key.pem",)),
            "ca_file": Text(
                "PEM file with the authorities to trust instead of the system's", ("/etc/onex/ca.pem",)
            ),
        },
        "ModelKafkaSasl": {
            "": Text("Who connects."),
            "mechanism": Text("How the client authenticates", ("SCRAM-SHA-512",)),
            "username": Text("For PLAIN and SCRAM", ("orders",)),
            "password": Text("For PLAIN and SCRAM", ({"secret_ref": "kafka/orders#password"},)),
            "token": Text("For OAUTHBEARER; it is read once, at the start", ({"secret_ref": "kafka/token"},)),
        },
        "ModelTopicNames": _TOPICS,
        "ModelTopics": _TOPICS,
        "ModelHandlerPolicies": _POLICIES,
        "ModelHandlerEntry": {
            "": Text("A handler, which performs I/O for nodes."),
            "type": Text("The family of I/O", ("http",)),
            "name": Text("What nodes call it; by default its type", ("orders_db",), _NAME),
            "enabled": Text("Whether the host starts it"),
            "priority": Text("The order of initialisation, lowest first; shutdown in reverse"),
            "config": Text("The settings of this type of handler", ({"pool_size": 20},)),
            "config_ref": Text(
                "A YAML file with fields of `config`, relative to this file; `config` wins",
                ("handlers/http.yaml",),
            ),
            "env_overrides": Text(
                "Whether environment variables `ONEX_HANDLER_<NAME>_<FIELD>` override fields of this handler"
            ),
        },
        "ModelNodeEntry": {
            "": Text("A node that the host runs, with the policies that it overrides."),
            "slug": Text("The node's name, which requests have as `target_node`", ("order_calculator",), _NAME),
            "contract": Text(
                "The node's file, relative to this one; by default `nodes/<slug>.yaml`, then `<slug>.yaml`",
                ("nodes/order_calculator.yaml",),
            ),
            "max_inflight": Text(
                "Envelopes of this node that are worked on at once, the others wait; by default the bus's window",
                (10,),
            ),
            **_POLICIES,
            "timeout_ms": Text("Overrides the handler's for this node, as the four below do", (2_000,)),
        },
        "ModelRetryPolicy": {
            "max_retries": Text("Attempts after the first"),
            "backoff_strategy": Text(
                "The base delay each time; or a random part of it, doubled after each failure"
            ),
            "base_delay_ms": Text("The base delay, in milliseconds"),
            "max_delay_ms": Text(
                "The longest delay, in milliseconds; a server whose Retry-After is longer is not asked again"
            ),
        },
        "ModelCircuitBreaker": {
            "failure_threshold": Text("Consecutive failures that open the breaker"),
            "open_ms": Text("How long it stays open before one probe, in milliseconds, a fifth more or less"),
        },
        "ModelSecretRef": {
            "": Text("A secret by its reference; a contract holds no secret."),
            "secret_ref": Text("`path[#key][@version]` of the secret", ("orders/db#dsn",), _SECRET_REF),
            "prefix": Text("What stands before the secret where it is used", ("Bearer ",)),
        },
        "ModelHttpConfig": {
            "health_path": Text(
                "What health checks ask base_url for, with `headers`; a status of 400 or more is unhealthy. Null: "
                "no server is asked, and a new token takes over untried",
                ("/health",),
            ),
            "base_url": Text(
                "Origin and path prefix that relative urls are put behind; its origin may be called",
                ("https://api.example.com/v1",),
            ),
            "headers": Text(
                "Sent to base_url's origin only; a value is text or a secret reference",
                ({"Authorization": {"secret_ref": "api/token", "prefix": "Bearer "}},),
            ),
            "allow": Text(
                "Further origins, `scheme://host[:port]`, that payload urls may name",
                (["https://files.example.com"],),
            ),
            "allow_private": Text(
                "Networks, or host names, whose private or loopback addresses may be connected to",
                (["10.0.0.0/8", "billing.internal"],),
            ),
            "ca_file": Text(
                "PEM file with the authorities to trust instead of the system's; it is read at the start",
                ("/etc/onex/ca.pem",),
            ),
        },
        "ModelDbConfig": {
            "dsn": Text(
                "A reference to `postgresql://user:password@host:port/database`",
                ({"secret_ref": "orders/db#dsn"},),
            ),
            "statement_timeout_ms": Text(
                "Of one statement, told to the server too; null leaves it to the handler's timeout_ms", (2_000,)
            ),
            "idempotency": Text(
                "`inbox` notes each writing request in its own transaction, so that it takes effect once",
                ("inbox",),
            ),
            "inbox_table": Text("The table for that, which must exist: `describe` prints it", ("orders.inbox",)),
            "inbox_retention_hours": Text("How long it is noted; one that comes again later takes effect again"),
        },
        "ModelNodeContract": {
            "": Text("A node contract: what a node takes, gives and may do."),
            "schema_version": SCHEMA_VERSION_TEXT,
            "node_version": Text("Your version of this node; it is compared with nothing", ("1.0.0",), _VERSION),
            "name": Text("The node's name, its slug in runtime contracts", ("order_calculator",), _NAME),
            "node_type": Text("EFFECT performs I/O, COMPUTE is a pure function of its input", ("EFFECT",)),
            "description": Text("What the node is for", ("Stores an order",)),
            "input_model": Text("What the node takes"),
            "output_model": Text("What the node gives"),
            "models": Text(
                "Further models, which fields refer to by name",
                ([{"name": "ModelItem", "fields": [{"name": "sku", "type": "string"}]}],),
            ),
            "dependencies": Text(
                "Slugs that must be in the same runtime contract; checked at load, nothing more",
                (["order_calculator"],),
            ),
            "on_failure": Text("Whether what failed for good is only answered, or becomes a dead letter as well"),
            "io_operations": Text("The only operations that an EFFECT node may use; a COMPUTE node has none"),
            "let": Text(
                "Values of a COMPUTE node's mapping, each a template that sees those before it",
                ({"total": "${{ sum(input.items[*].price) }}"},),
            ),
            "transform": Text(
                "The template of a COMPUTE node's output, instead of a function", ({"total": "${{ let.total }}"},)
            ),
        },
        "ModelDeclaredModel": {
            "": Text("A model: closed, with a name and fields."),
            "name": Text(
                "The model's name, by which fields of other models refer to it", ("ModelOrder",), _IDENTIFIER
            ),
            "description": Text("What the model is", ("An order as the shop sends it",)),
            "fields": Text("The fields; others are refused", ([{"name": "order_id", "type": "uuid"}],)),
        },
        "ModelField": {
            "": Text("A field of a model."),
            "name": Text("The field's name", ("order_id",), _IDENTIFIER),
            "type": Text(
                "string, boolean, integer, number, decimal, uuid, date, datetime, object, any, a model's name, "
                "list[…] or map[…] of one",
                (*SCALARS, "list[string]", "map[string]", "list[ModelItem]"),
            ),
            "required": Text("Whether the field must be there; otherwise it may be absent or null"),
            "default": Text(
                "What an absent field is filled with; null is still refused where the field is required", ("0",)
            ),
            "description": Text("What the field is", ("In euros",)),
        },
        "ModelIoOperation": {
            "type": Text("The family of I/O", ("http",)),
            "operations": Text(
                "Operations of this type; an envelope names one, unless there is only one", (["http.get"],)
            ),
            "handler": Text("The binding's name; left out: the type", ("orders_db",)),
            "target": Text(
                "An address that the node is meant for; with http and no `request` the only origin and path "
                "prefix that it may call",
                ("https://api.example.com/users",),
            ),
            "let": Text(
                "Values that the mapping names, each a template that sees those before it",
                ({"total": "${{ sum(input.items[*].price) }}"},),
            ),
            "request": Text(
                "The template of the operation's payload; exactly one operation then",
                (
                    {"url": "/orders/${{ input.order_id }}"},
                    {"sql": "SELECT 1"},
                ),
            ),
            "expect": Text(
                "What the result must be; a miss fails the request, and rolls a transaction back",
                ({"status": [200, 404]}, {"rows": "one"}, {"results": [{"row_count": 1}, {"rows": "optional"}]}),
            ),
            "response": Text("The template of the node's output", ({"id": "${{ result.body.id }}"},)),
        },
        **SERVED_TEXTS,
        **TEST_TEXTS,
    }
)
"""By model and field; "" is the model itself. A base's texts hold for the models that are made from it."""
