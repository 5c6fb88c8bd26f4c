"""The app-specific host whose handler takes its time."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts

from tools.bench.guard import Still

_ANSWER: Final[JsonObject] = {"status_code": 200, "headers": {}, "body": {}, "body_type": "json"}


class _Slow(Still):
    """A handler whose answer comes after as many microseconds as the path of the url says."""

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        await asyncio.sleep(int(str((envelope.payload or {})["url"])[1:]) / 1e6)
        return envelope.reply(_ANSWER, timestamp=datetime.now(UTC), handler_type=EnumHandlerType.HTTP)


class SlowHost(BaseRuntimeHostProcess):
    """A host with that handler."""

    def __init__(self, parts: HostParts) -> None:
        for guard, _ in parts.handlers:
            guard.handler = _Slow()
        super().__init__(parts)
