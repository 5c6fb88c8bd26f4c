"""The `registration` of a runtime contract: the host as a service in Consul."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from omnibase_core.contracts.names import Name


class ModelRegistration(BaseModel):
    """The host registers itself when it is ready, says that it lives, and deregisters when it begins to stop.

    handler: the consul handler whose agent it is registered at.
    name: of the service; null: the host's.
    service_id: of this process among the instances at one agent; null: the service's name.
    address: where others reach it; null: the agent's.
    port: where others reach it.
    tags: of the service.
    meta: of the service.
    ttl_ms: without a sign of life for so long Consul calls it critical; it is given three times as often.
    deregister_after_ms: how long it may be critical before Consul deregisters it, a minute at the least.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    handler: Name = "consul"
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")] | None = None
    service_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")] | None = None
    address: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    tags: tuple[str, ...] = ()
    meta: dict[str, str] = Field(default_factory=dict)
    ttl_ms: Annotated[int, Field(ge=500, le=86_400_000)] = 15_000
    deregister_after_ms: Annotated[int, Field(ge=60_000, le=86_400_000)] = 600_000
