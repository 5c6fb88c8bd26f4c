"""The `observability` of a runtime contract: where a host answers probes, and when it counts as stuck."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from omnibase_core.contracts.handler_config import Milliseconds
from omnibase_core.secret import ModelSecretRef


class ModelAdminListener(BaseModel):
    """The HTTP server for probes, metrics and people. port: 0 takes any free one.

    console_token: of the console, which is off without one unless the server listens at loopback.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    enabled: bool = True
    address: Annotated[str, Field(min_length=1, max_length=253)] = "0.0.0.0"  # noqa: S104 - probes come from outside
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    console_token: ModelSecretRef | None = None


class ModelObservability(BaseModel):
    """What a host shows of itself.

    stall_ms: after so long without an outcome, though there is work and no reason to wait, it is not live.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    http: ModelAdminListener = ModelAdminListener()
    stall_ms: Milliseconds = 120_000
