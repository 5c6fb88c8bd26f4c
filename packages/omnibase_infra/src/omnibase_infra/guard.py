"""What stands around a handler: the deadline, and the border that no raw exception passes (I9).

Rate limit, retry and breaker find their place here, in the order rate limit, retry( breaker( timeout( call ) ) ).
"""

import asyncio
import logging
from contextvars import ContextVar
from typing import Final

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateTimeoutError,
    RuntimeHostError,
)
from omnibase_spi.handler import ProtocolHandler

from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.guard")
_SLACK_S = 0.5

DEADLINE: Final[ContextVar[float | None]] = ContextVar("onex_deadline", default=None)
"""The running envelope's deadline in the loop's time (seconds), None for no limit."""


class Guard:
    """A handler as the runtime sees it. Its identity is stable: the handler inside may be exchanged.

    A handler keeps its binding's timeout_ms by itself, and knows best what its time-out means; the guard cuts
    off half a second later whatever did not, and at the envelope's deadline in any case.
    """

    def __init__(self, handler: ProtocolHandler, binding: ModelHandlerBinding) -> None:
        self.handler = handler
        self.name = binding.name
        self._timeout_s = binding.timeout_ms / 1000 + _SLACK_S
        self._repeatable = binding.repeatable_operations

    @property
    def handler_type(self) -> EnumHandlerType:
        """The handler's."""
        return self.handler.handler_type

    def describe(self) -> ModelHandlerDescription:
        """The handler's."""
        return self.handler.describe()

    async def health_check(self) -> ModelHealth:
        """The handler's."""
        return await self.handler.health_check()

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Executes within the deadline. Raises RuntimeHostError, and nothing else."""
        until = asyncio.get_running_loop().time() + self._timeout_s
        deadline = DEADLINE.get()
        if deadline is not None:
            until = min(until, deadline)
        limit = asyncio.timeout_at(until)
        try:
            async with limit:
                return await self.handler.execute(envelope)
        except RuntimeHostError:
            raise
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                raise self._timed_out(envelope) from None
            _log.exception(
                "the %s handler let a raw exception out; this is a defect of the handler",
                self.name,
                extra=events.about(envelope, events.HANDLER_RAW_EXCEPTION),
            )
            raise HandlerExecutionError(
                f"The {self.handler_type} handler failed in an unforeseen way; "
                "the host's log has the trace under this correlation id"
            ) from error

    def _timed_out(self, envelope: ModelOnexEnvelope) -> RuntimeHostError:
        if envelope.operation in self._repeatable:
            return HandlerTimeoutError(
                "The deadline passed before the handler answered; try again, or allow more time"
            )
        return IndeterminateTimeoutError(
            "The deadline passed while the operation was under way: whether it took effect is unknown; "
            "look before you repeat it, or allow more time"
        )
