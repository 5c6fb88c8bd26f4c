"""What `onex-host dev` and those who call its nodes say to each other. Imported within commands only."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

STATE: Final = "/dev/state"
CALL: Final = "/dev/call"


class ModelDevCall(BaseModel):
    """A call of a node, as `onex-host call` has it.

    values: KEY=VALUE. payload: JSON. contract: the real path of the contract that the caller means, where it does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    values: tuple[str, ...] = ()
    payload: str | None = None
    operation: str | None = None
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    contract: str | None = None


class ModelDevAnswer(BaseModel):
    """What came of a call: a response envelope (JSON, compact and for people), or why no request was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    envelope: str | None = None
    success: bool = False
    elapsed_ms: float = 0.0
    readable: str = ""
    pretty: str = ""
    refusal: str | None = None
