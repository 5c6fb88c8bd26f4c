"""What an editor shows of fields whose docstrings say nothing to an author, and examples."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from omnibase_core.contracts.editor_test_texts import TEST_TEXTS
from omnibase_core.contracts.editor_text import SCHEMA_VERSION_TEXT, Text
from omnibase_core.contracts.scalartypes import SCALARS
from omnibase_core.enums import EnumHandlerType

_NAME: Final = "^[a-z][a-z0-9_-]{0,62}$"
_VERSION: Final = "^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$"
_IDENTIFIER: Final = "^[A-Za-z_][A-Za-z0-9_]{0,127}$"
_SECRET_REF: Final = r"^[A-Za-z0-9._/-]+(#[A-Za-z0-9._-]+)?(@[1-9][0-9]*)?$"  # noqa: S105 - the form of a reference

_POLICIES: Final[Mapping[str, Text]] = {
    "timeout_ms": Text("The deadline of one operation, in milliseconds", (30_000,)),
    "retry_policy": Text("How often and how soon a retryable failure is tried again"),
    "rate_limit_per_second": Text("Operations per second at the most; null is no limit", (50,)),
    "circuit_breaker": Text("After how many failures a handler is left alone, and for how long"),
    "on_open": Text("What an open breaker does to requests: `pause` lets them wait, `fail` answers at once"),
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
        EnumHandlerType.CONSUL: "Service discovery",
    }
)
"""Each handler type, in the order of the enumeration."""

BUSES: Final[Mapping[str, str]] = MappingProxyType(
    {"inmemory": "Queues in this process", "kafka": "Topics of a Kafka cluster"}
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
        },
        "ModelEventBusEntry": {
            "": Text("Where requests come from and responses go to."),
            "kind": Text("The kind of bus", ("inmemory", "kafka")),
            "config": Text("The settings of this kind of bus"),
        },
        "ModelEventBusLimits": {
            "ordering": Text("What keeps its order: envelopes of one key, of one partition, or none"),
        },
        "ModelInMemoryBusConfig": {"topics": Text("Names of topics, where the defaults will not do")},
        "ModelKafkaBusConfig": {
            "": Text("The config of a Kafka bus."),
            "bootstrap_servers": Text("The brokers to ask first", ("${KAFKA_BOOTSTRAP_SERVERS}",)),
            "consumer_group": Text("The group that shares the input topic's partitions", ("orders-host",)),
            "topics": Text("The topics of this host, which must exist"),
        },
        "ModelTopicNames": _TOPICS,
        "ModelTopics": _TOPICS,
        "ModelHandlerPolicies": _POLICIES,
        "ModelHandlerEntry": {
            "": Text("A handler, which performs I/O for nodes."),
            "type": Text("The family of I/O"),
            "name": Text("What nodes call it; by default its type", ("orders_db",), _NAME),
            "enabled": Text("Whether the host starts it"),
            "priority": Text("The order of initialisation, lowest first; shutdown in reverse"),
            "config": Text("The settings of this type of handler"),
            "config_ref": Text(
                "A YAML file with fields of `config`, relative to this file; `config` wins",
                ("handlers/http.yaml",),
            ),
        },
        "ModelNodeEntry": {
            "": Text("A node that the host runs, with the policies that it overrides."),
            "slug": Text("The node's name, which requests have as `target_node`", ("order_calculator",), _NAME),
            "contract": Text(
                "The node's file, relative to this one; by default `nodes/<slug>.yaml`, then `<slug>.yaml`",
                ("nodes/order_calculator.yaml",),
            ),
            "max_inflight": Text("Envelopes of this node that are worked on at once; by default the bus's window"),
            **_POLICIES,
        },
        "ModelRetryPolicy": {
            "max_retries": Text("Retries after the first attempt"),
            "backoff_strategy": Text("Whether delays stay the same or double"),
            "base_delay_ms": Text("The first delay, in milliseconds"),
            "max_delay_ms": Text("The longest delay, in milliseconds"),
        },
        "ModelCircuitBreaker": {
            "failure_threshold": Text("Consecutive failures that open the breaker"),
            "open_ms": Text("How long it stays open before one probe, in milliseconds"),
        },
        "ModelSecretRef": {
            "": Text("A secret by its reference; a contract holds no secret."),
            "secret_ref": Text("`path[#key][@version]` of the secret", ("orders/db#dsn",), _SECRET_REF),
            "prefix": Text("What stands before the secret where it is used", ("Bearer ",)),
        },
        "ModelHttpConfig": {
            "base_url": Text(
                "Origin and path prefix that relative urls are put behind", ("https://api.example.com/v1",)
            ),
        },
        "ModelDbConfig": {
            "dsn": Text(
                "A reference to `postgresql://user:password@host:port/database`",
                ({"secret_ref": "orders/db#dsn"},),
            ),
        },
        "ModelNodeContract": {
            "": Text("A node contract: what a node takes, gives and may do."),
            "schema_version": SCHEMA_VERSION_TEXT,
            "node_version": Text("Your version of this node; it is compared with nothing", ("1.0.0",), _VERSION),
            "name": Text("The node's name, its slug in runtime contracts", ("order_calculator",), _NAME),
            "node_type": Text("EFFECT performs I/O, COMPUTE is a pure function of its input"),
            "description": Text("What the node is for"),
            "input_model": Text("What the node takes"),
            "output_model": Text("What the node gives"),
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
            "description": Text("What the model is"),
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
            "required": Text("Whether the field must be there"),
            "default": Text(
                "What an absent field is filled with; null is still refused where the field is required"
            ),
            "description": Text("What the field is"),
        },
        "ModelIoOperation": {
            "type": Text("The family of I/O"),
            "operations": Text("Operations of this type; an envelope names one of them", (["http.get"],)),
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
        **TEST_TEXTS,
    }
)
"""By model and field; "" is the model itself. A base's texts hold for the models that are made from it."""
