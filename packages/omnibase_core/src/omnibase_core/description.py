"""What a part says of itself: its health, and what a handler can do."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import ModelOnexEnvelope


class ModelHealth(BaseModel):
    """The state of a part, with figures (`details`: counts, milliseconds, pool sizes) and no secret."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    status: EnumHealth
    message: str = ""
    details: dict[str, JsonValue] = Field(default_factory=dict)


class ModelOperationDescription(BaseModel):
    """One operation: what its payload must and may hold, and the fields of its result.

    repeatable: doing it twice is no more than doing it once.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    name: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    repeatable: bool = False


class ModelHandlerDescription(BaseModel):
    """What a handler can do; a test holds it to core's table of operations."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    handler_type: EnumHandlerType
    version: str
    operations: tuple[ModelOperationDescription, ...]

    @property
    def operation_names(self) -> tuple[str, ...]:
        """The names of all operations, in the table's order."""
        return tuple(operation.name for operation in self.operations)


class RuntimeHandler(Protocol):
    """What the runtime needs of a handler: core's own small shape, which the SPI's ProtocolHandler extends."""

    @property
    def handler_type(self) -> EnumHandlerType:
        """The family of I/O."""

    def describe(self) -> ModelHandlerDescription:
        """Operations, payload fields and result shapes."""

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Performs `envelope.operation` with `envelope.payload`; answers `envelope.reply(…)`.

        Raises RuntimeHostError, and nothing else.
        """
