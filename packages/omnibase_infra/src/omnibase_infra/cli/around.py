"""A handler with something of ours around it. Imported within commands only."""

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_spi.handler import ProtocolHandler


class HandlerAround:
    """Passes everything on to the handler within; what is to be different is overridden."""

    def __init__(self, handler: ProtocolHandler, name: str) -> None:
        self.handler = handler
        self.name = name

    @property
    def handler_type(self) -> EnumHandlerType:
        """The handler's."""
        return self.handler.handler_type

    def describe(self) -> ModelHandlerDescription:
        """The handler's."""
        return self.handler.describe()

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Initialises the handler."""
        await self.handler.initialize(config)

    async def shutdown(self) -> None:
        """Shuts the handler down."""
        await self.handler.shutdown()

    async def health_check(self) -> ModelHealth:
        """The handler's."""
        return await self.handler.health_check()

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """The handler's response. Raises what it raises."""
        return await self.handler.execute(envelope)
