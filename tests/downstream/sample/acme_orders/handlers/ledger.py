"""The ledger in PostgreSQL: `db.execute` with JSON values as parameters."""

from collections.abc import Callable
from datetime import datetime

import asyncpg
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelDbConfig
from omnibase_core.contracts.operations import operation_table
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerExecutionError,
    IndeterminateEffectError,
    InvalidOperationError,
    InvalidParameterError,
    ProtocolConfigurationError,
)
from omnibase_core.secret import Secret

_OPERATION = "db.execute"


class LedgerHandler:
    """clock: the time of replies, with its zone."""

    handler_type = EnumHandlerType.DB

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Makes the pool, which connects when it is first asked."""
        if not isinstance(config.config, ModelDbConfig) or not isinstance(config.config.dsn, Secret):
            raise ProtocolConfigurationError("The ledger handler needs a dsn in its config")
        dsn, limit_s = config.config.dsn.reveal(), config.timeout_ms / 1000
        self._pool = await asyncpg.create_pool(
            dsn, min_size=0, max_size=config.config.pool_size, command_timeout=limit_s
        )

    async def shutdown(self) -> None:
        """Closes the pool."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Writes one entry. Every failure is an error of core."""
        if self._pool is None:
            raise ProtocolConfigurationError("The ledger handler is not running; initialise it first")
        if envelope.operation != _OPERATION:
            raise InvalidOperationError("The ledger handler only writes", [_OPERATION])
        payload = envelope.payload or {}
        sql, parameters = payload.get("sql"), payload.get("parameters", [])
        if not isinstance(sql, str) or not isinstance(parameters, list):
            raise InvalidParameterError("sql is required: a text; parameters is a list")
        try:
            rows = await self._pool.fetch(sql, *parameters)
        except asyncpg.PostgresError:
            raise HandlerExecutionError("The ledger refused the entry") from None
        except (OSError, asyncpg.InterfaceError, TimeoutError):
            raise IndeterminateEffectError("The connection to the ledger broke; see whether it is there") from None
        result: JsonObject = {"rows": [dict(row) for row in rows], "row_count": len(rows)}
        return envelope.reply(result, timestamp=self._clock(), handler_type=self.handler_type)

    async def health_check(self) -> ModelHealth:
        """Healthy while it runs."""
        return ModelHealth(status=EnumHealth.HEALTHY if self._pool else EnumHealth.UNHEALTHY)

    def describe(self) -> ModelHandlerDescription:
        """The one operation."""
        operations = (operation_table()[_OPERATION],)
        return ModelHandlerDescription(handler_type=self.handler_type, version="1.0.0", operations=operations)
