"""The warehouse over HTTP: `http.get` below the base_url of its binding."""

from collections.abc import Callable
from datetime import datetime

import httpx
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.contracts.operations import operation_table
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerConnectionError,
    InvalidOperationError,
    InvalidParameterError,
    ProtocolConfigurationError,
)

_OPERATION = "http.get"


class WarehouseHandler:
    """clock: the time of replies, with its zone."""

    handler_type = EnumHandlerType.HTTP

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Makes the client, which connects when it is first asked."""
        assert isinstance(config.config, ModelHttpConfig)
        if not config.config.base_url:
            raise ProtocolConfigurationError("The warehouse handler needs a base_url in its config")
        timeout_s = config.timeout_ms / 1000
        self._client = httpx.AsyncClient(base_url=config.config.base_url, timeout=timeout_s, trust_env=False)

    async def shutdown(self) -> None:
        """Closes the client."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Asks the warehouse. Every failure is an error of core."""
        if self._client is None:
            raise ProtocolConfigurationError("The warehouse handler is not running; initialise it first")
        if envelope.operation != _OPERATION:
            raise InvalidOperationError("The warehouse handler only reads", [_OPERATION])
        url = (envelope.payload or {}).get("url")
        if not isinstance(url, str):
            raise InvalidParameterError("url is required: a path below the base_url")
        try:
            response = await self._client.get(url)
            body = response.json()
        except (httpx.HTTPError, ValueError):
            raise HandlerConnectionError("The warehouse did not answer with JSON; try again") from None
        status = response.status_code
        result: JsonObject = {"status_code": status, "headers": {}, "body": body, "body_type": "json"}
        return envelope.reply(result, timestamp=self._clock(), handler_type=self.handler_type)

    async def health_check(self) -> ModelHealth:
        """Healthy while it runs."""
        return ModelHealth(status=EnumHealth.HEALTHY if self._client else EnumHealth.UNHEALTHY)

    def describe(self) -> ModelHandlerDescription:
        """The one operation."""
        operations = (operation_table()[_OPERATION],)
        return ModelHandlerDescription(handler_type=self.handler_type, version="1.0.0", operations=operations)
