"""The runtime contract: the host, its bus, its handlers and its nodes.

`ModelRuntimeHostContract` is what a host runs with. The other models are the shapes that its parts have in
the file, before defaults of other parts and the handler types' own configs have been put in.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SerializeAsAny

from omnibase_core.contracts.bindings import (
    ModelCircuitBreaker,
    ModelEventBusBinding,
    ModelEventBusLimits,
    ModelHandlerBinding,
    ModelHandlerPolicies,
    ModelRetryPolicy,
)
from omnibase_core.contracts.handler_config import (
    Milliseconds,
    ModelConsulConfig,
    ModelDbConfig,
    ModelHandlerConfig,
    ModelHttpConfig,
    ModelVaultConfig,
)
from omnibase_core.contracts.names import HandlerType, Name, Version
from omnibase_core.contracts.observability import ModelObservability
from omnibase_core.contracts.registration import ModelRegistration
from omnibase_core.contracts.schema import SCHEMA_VERSION
from omnibase_core.contracts.secrets_config import ModelSecrets
from omnibase_core.enums import EnumHandlerType


class ModelOpenHandlerConfig(ModelHandlerConfig):
    """The config of a handler type without a model of its own: any fields, secrets as references."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="allow")


CONFIG_MODELS: Mapping[EnumHandlerType, type[ModelHandlerConfig]] = MappingProxyType(
    {
        EnumHandlerType.HTTP: ModelHttpConfig,
        EnumHandlerType.DB: ModelDbConfig,
        EnumHandlerType.VAULT: ModelVaultConfig,
        EnumHandlerType.CONSUL: ModelConsulConfig,
        EnumHandlerType.LOCAL: ModelOpenHandlerConfig,
    }
)


class ModelHandlerEntry(ModelHandlerPolicies):
    """An entry of `handlers` as it is written; `config` and the file behind `config_ref` are checked by type.

    env_overrides: whether variables `ONEX_HANDLER_<NAME>_<FIELD>` override its fields.
    """

    type: HandlerType
    name: Name | None = None
    enabled: bool = True
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    config: dict[str, JsonValue] | None = None
    config_ref: Annotated[str, Field(min_length=1)] | None = None
    env_overrides: bool = False


class ModelNodeEntry(BaseModel):
    """An entry of `nodes`: where the node's contract is, and the policies that it overrides.

    contract: its file; None looks for `nodes/<slug>.yaml`, then `<slug>.yaml`, beside the runtime contract.
    max_inflight: envelopes of this node that are worked on at once; None leaves it to the bus's window.
    A policy that is None is the handler's own; in retry_policy and circuit_breaker, so is a field left out.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    slug: Name
    contract: Annotated[str, Field(min_length=1)] | None = None
    max_inflight: Annotated[int, Field(gt=0, le=100_000)] | None = None
    timeout_ms: Milliseconds | None = None
    retry_policy: ModelRetryPolicy | None = None
    rate_limit_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    circuit_breaker: ModelCircuitBreaker | None = None
    on_open: Literal["pause", "fail"] | None = None

    def policies(self, handler: ModelHandlerPolicies) -> ModelHandlerPolicies:
        """The policies that hold where this node uses a handler."""
        retry, breaker = handler.retry_policy, handler.circuit_breaker
        if self.retry_policy is not None:
            retry = retry.model_copy(update=self.retry_policy.model_dump(exclude_unset=True))
        if self.circuit_breaker is not None:
            breaker = breaker.model_copy(update=self.circuit_breaker.model_dump(exclude_unset=True))
        return ModelHandlerPolicies(
            timeout_ms=self.timeout_ms or handler.timeout_ms,
            retry_policy=retry,
            rate_limit_per_second=self.rate_limit_per_second or handler.rate_limit_per_second,
            circuit_breaker=breaker,
            on_open=self.on_open or handler.on_open,
        )


class ModelEventBusEntry(BaseModel):
    """The `event_bus` as it is written; `config` is checked by `kind`."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    kind: Literal["inmemory", "kafka"]
    config: dict[str, JsonValue] | None = None


class ModelTopicNames(BaseModel):
    """The topics of an in-memory bus; one left out is `onex.local.<host>.<cmd, evt or error>.v1`.

    A dead_letter of null means none.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    input: str | None = None
    output: str | None = None
    dead_letter: str | None = None


class ModelInMemoryBusConfig(ModelEventBusLimits):
    """The `config` of `kind: inmemory`."""

    topics: ModelTopicNames = ModelTopicNames.model_construct()


class ModelRuntimeEntry(BaseModel):
    """The `runtime` of the file, whose parts are checked one by one."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    name: Name
    version: Version
    event_bus: JsonValue
    handlers: list[JsonValue]
    nodes: list[JsonValue]
    observability: ModelObservability = ModelObservability.model_construct()
    secrets: ModelSecrets | None = None
    registration: ModelRegistration | None = None


class ModelRuntimeHostContract(BaseModel):
    """A runtime contract that passed every check.

    handlers: enabled and disabled ones in order of priority, lowest first, else as written; shutdown is in
    reverse. A secret field of a config holds its reference until the host resolves it.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    schema_version: str = SCHEMA_VERSION
    name: Name
    version: Version
    event_bus: ModelEventBusBinding
    handlers: tuple[SerializeAsAny[ModelHandlerBinding], ...]
    nodes: tuple[ModelNodeEntry, ...]
    observability: ModelObservability = ModelObservability.model_construct()
    secrets: ModelSecrets = ModelSecrets.model_construct()
    registration: ModelRegistration | None = None

    @property
    def group(self) -> str:
        """The consumer group of its hosts; of a bus without groups, the host's name."""
        return self.event_bus.options.group or self.name
