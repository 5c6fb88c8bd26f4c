"""What the host binds a handler or a bus with: the contract's entry, checked and with its defaults."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from omnibase_core.contracts.handler_config import Milliseconds, ModelDbConfig, ModelHandlerConfig, ModelHttpConfig
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.enums import EnumHandlerType

HANDLER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class ModelRetryPolicy(BaseModel):
    """How often and how soon a retryable failure is tried again; delays in milliseconds, with full jitter."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    max_retries: Annotated[int, Field(ge=0, le=100)] = 3
    backoff_strategy: Literal["fixed", "exponential"] = "exponential"
    base_delay_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 100
    max_delay_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 5_000


class ModelCircuitBreaker(BaseModel):
    """Consecutive failures that open the breaker, and how long it stays open before one probe."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    failure_threshold: Annotated[int, Field(gt=0, le=10_000)] = 5
    open_ms: Milliseconds = 30_000


class ModelHandlerPolicies(BaseModel):
    """The policies beside `config`; a node entry may override each."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    timeout_ms: Milliseconds = 30_000
    # A default that is a model is not validated, here and elsewhere: that would build its validator at each start.
    retry_policy: ModelRetryPolicy = ModelRetryPolicy.model_construct()
    rate_limit_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    circuit_breaker: ModelCircuitBreaker = ModelCircuitBreaker.model_construct()
    on_open: Literal["pause", "fail"] | None = None


def default_on_open(bus_kind: str) -> Literal["pause", "fail"]:
    """`on_open` where nobody sets it: only a bus that keeps requests can let them wait."""
    return "pause" if bus_kind == "kafka" else "fail"


class ModelHandlerBinding(ModelHandlerPolicies):
    """One handler of the runtime contract, as its `initialize` gets it: secrets resolved, config typed.

    `config` is the ModelHandlerConfig of its type. `priority` orders initialisation, lowest first.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True)

    type: EnumHandlerType
    name: str
    enabled: bool = True
    priority: int = 0
    config: ModelHandlerConfig

    @property
    def repeatable_operations(self) -> frozenset[str]:
        """The operations that may be done twice: by their nature, with an Idempotency-Key, or with an inbox."""
        match self.config:
            case ModelHttpConfig(idempotency_key=keyed):
                pass
            case ModelDbConfig(idempotency=idempotency):
                keyed = idempotency == "inbox"
            case _:
                keyed = False
        table = operation_table()
        return frozenset(name for name in operations_of(self.type) if keyed or table[name].repeatable)


class ModelTopics(BaseModel):
    """The three topics of a host; a null dead-letter topic means that what is no envelope is only logged."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    input: str
    output: str
    dead_letter: str | None = None


class ModelEventBusLimits(BaseModel):
    """How much a host works on at once; the same for every kind of bus.

    max_inflight_envelopes: envelopes worked on at once, and per source the window at which it is paused.
    pause_consumption_threshold: percent of that window at which a paused source resumes.
    max_envelope_bytes: the largest message that the bus takes, in and out.
    circuit_breaker_threshold: consecutive failures that stop consumption for a while.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    max_inflight_envelopes: Annotated[int, Field(gt=0, le=100_000)] = 100
    pause_consumption_threshold: Annotated[int, Field(gt=0, lt=100)] = 80
    ordering: Literal["key", "partition", "none"] = "key"
    max_envelope_bytes: Annotated[int, Field(ge=4_096, le=64 * 1024 * 1024)] = 1_048_576
    circuit_breaker_threshold: Annotated[int, Field(gt=0, le=10_000)] = 5


class ModelBusOptions(BaseModel):
    """What only one kind of bus understands; the in-memory bus has nothing of the sort."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @property
    def group(self) -> str | None:
        """The consumer group of its hosts; None of a bus without groups."""
        return None


class ModelEventBusBinding(ModelEventBusLimits):
    """The event bus of the runtime contract, as its `initialize` gets it: secrets resolved, options typed.

    options: the ModelBusOptions of its kind.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True)

    kind: Literal["inmemory", "kafka"]
    topics: ModelTopics
    options: SerializeAsAny[ModelBusOptions] = ModelBusOptions.model_construct()
