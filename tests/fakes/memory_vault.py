"""A vault handler that keeps its secrets in memory: the smallest handler with operations, fields and results."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHandlerConfig
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import InvalidOperationError, InvalidParameterError, ProtocolConfigurationError, shown
from pydantic import JsonValue

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SAMPLE = ModelOnexEnvelope(
    envelope_id=UUID(int=1),
    correlation_id=UUID(int=2),
    source_node="client",
    target_node="keys",
    operation="vault.set_secret",
    payload={"path": "orders/key", "data": {"user": "o"}},
    metadata={"line": 7},
    timestamp=NOW,
)


def vault_binding() -> ModelHandlerBinding:
    """Its binding."""
    return ModelHandlerBinding(type=EnumHandlerType.VAULT, name="vault", config=ModelHandlerConfig())


class MemoryVault:
    """A ProtocolHandler that keeps every promise."""

    def __init__(self) -> None:
        self.secrets: dict[str, list[JsonObject]] = {}
        self.ready = False
        self.over = False

    @property
    def handler_type(self) -> EnumHandlerType:
        """VAULT."""
        return EnumHandlerType.VAULT

    def describe(self) -> ModelHandlerDescription:
        """As core's table has it."""
        operations = tuple(operation_table()[name] for name in operations_of(EnumHandlerType.VAULT))
        return ModelHandlerDescription(handler_type=EnumHandlerType.VAULT, version="1.0.0", operations=operations)

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Once."""
        if self.ready or self.over:
            raise ProtocolConfigurationError("The vault handler is initialised once; make a new one")
        self.ready = True

    async def shutdown(self) -> None:
        """For good."""
        self.over = True

    async def health_check(self) -> ModelHealth:
        """Healthy while it runs."""
        running = self.ready and not self.over
        return ModelHealth(status=EnumHealth.HEALTHY if running else EnumHealth.UNHEALTHY)

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """One of the four operations, a step of the loop later."""
        if not self.ready or self.over:
            raise ProtocolConfigurationError("The vault handler is not running; call initialize before execute")
        operation = envelope.operation or ""
        if operation not in operations_of(EnumHandlerType.VAULT):
            raise InvalidOperationError(
                f"The vault handler has no operation '{shown(operation)}'", operations_of(EnumHandlerType.VAULT)
            )
        payload = envelope.payload or {}
        for field in operation_table()[operation].required:
            self.check_field(field, payload.get(field))
        await asyncio.sleep(0)
        return envelope.reply(self.perform(operation, payload), timestamp=NOW, handler_type=EnumHandlerType.VAULT)

    def check_field(self, field: str, value: JsonValue) -> None:
        """A path is text, data a map."""
        if not isinstance(value, dict if field == "data" else str):
            raise InvalidParameterError(f"{field} is missing, or of another type than it must be")

    def perform(self, operation: str, payload: JsonObject) -> JsonObject:
        """The result."""
        path = str(payload["path"])
        versions = self.secrets.get(path, [])
        match operation:
            case "vault.set_secret":
                data = payload["data"]
                assert isinstance(data, dict)
                self.secrets.setdefault(path, []).append(data)
                return {"version": len(self.secrets[path])}
            case "vault.delete_secret":
                return {"deleted": len(self.secrets.pop(path, []))}
            case "vault.list_secrets":
                return {"keys": [key for key in sorted(self.secrets) if key.startswith(path)]}
        if not versions:
            raise InvalidParameterError("path names no secret")
        return {"data": versions[-1], "version": len(versions), "created_time": NOW.isoformat()}
