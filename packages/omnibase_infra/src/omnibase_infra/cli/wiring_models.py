"""The wiring of a contract, as `onex-host describe --format json` gives it: docs/inspecting.md has every field."""

from typing import Literal

from omnibase_core.contracts.bindings import ModelCircuitBreaker, ModelRetryPolicy, ModelTopics
from omnibase_core.enums import EnumHandlerType, EnumNodeKind
from pydantic import BaseModel, ConfigDict, JsonValue


class ModelReach(BaseModel):
    """What an operation, or a node, may get at; `*` is whatever the payload says.

    hosts: origins that http may call. paths: below which path of them, or of a vault. statements: SQL.
    """

    model_config = ConfigDict(frozen=True)

    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()


class ModelFieldWiring(BaseModel):
    """A field of a declared model. default: null too where there is none."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: str
    required: bool
    default: JsonValue
    description: str | None


class ModelModelWiring(BaseModel):
    """A declared model."""

    model_config = ConfigDict(frozen=True)

    name: str
    fields: tuple[ModelFieldWiring, ...]


class ModelOperationWiring(BaseModel):
    """An operation that a node may use, the handler binding that performs it, and what it may reach.

    mapping: `let`, `request`, `expect` and `response`, those that are written, as they are written.
    """

    model_config = ConfigDict(frozen=True)

    operation: str
    handler: str
    target: str | None
    mapping: dict[str, JsonValue]
    reach: ModelReach


class ModelNodeWiring(BaseModel):
    """A node. max_inflight: null leaves it to the bus's window. models: those that its fields refer to.

    mapping: `let` and `transform` of a COMPUTE node, as they are written; empty where a function does it.
    """

    model_config = ConfigDict(frozen=True)

    slug: str
    kind: EnumNodeKind
    version: str
    description: str
    on_failure: Literal["answer", "dead_letter"]
    max_inflight: int | None
    dependencies: tuple[str, ...]
    input_model: ModelModelWiring
    output_model: ModelModelWiring
    models: tuple[ModelModelWiring, ...]
    mapping: dict[str, JsonValue]
    operations: tuple[ModelOperationWiring, ...]


class ModelHandlerWiring(BaseModel):
    """A handler binding with its policies. secrets: the references that its config holds. nodes: who uses it.

    needs: SQL that creates what its server must have before a host starts.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    type: EnumHandlerType
    enabled: bool
    priority: int
    operations: tuple[str, ...]
    timeout_ms: int
    retry_policy: ModelRetryPolicy
    rate_limit_per_second: float | None
    circuit_breaker: ModelCircuitBreaker
    on_open: Literal["pause", "fail"]
    secrets: tuple[str, ...]
    nodes: tuple[str, ...]
    needs: str | None


class ModelBusWiring(BaseModel):
    """The event bus; options are those of its kind."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["inmemory", "kafka"]
    topics: ModelTopics
    max_inflight_envelopes: int
    pause_consumption_threshold: int
    ordering: Literal["key", "partition", "none"]
    max_envelope_bytes: int
    circuit_breaker_threshold: int
    options: dict[str, JsonValue]


class ModelUnset(BaseModel):
    """A value that is not known, because variables of its text are not set; elsewhere its default may stand."""

    model_config = ConfigDict(frozen=True)

    file: str
    field: str
    text: str
    variables: tuple[str, ...]


class ModelWiring(BaseModel):
    """A runtime contract as it is wired."""

    model_config = ConfigDict(frozen=True)

    file: str
    name: str
    version: str
    event_bus: ModelBusWiring
    handlers: tuple[ModelHandlerWiring, ...]
    nodes: tuple[ModelNodeWiring, ...]
    unset: tuple[ModelUnset, ...]
