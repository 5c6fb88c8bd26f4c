"""The probes: live, ready, and how each part is. What they answer: docs/operating.md."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Final

from pydantic import JsonValue

from omnibase_infra.admin.server import Answer, Page, Request
from omnibase_infra.host.condition import Condition, condition_of
from omnibase_infra.host.process import BaseRuntimeHostProcess

_FRESH_S: Final = 1.0
_STALLED: Final = "work is in flight, and none of it gets done; the log line host.stalled says where it waits"


Examine = Callable[[], Awaitable[Condition]]
"""How a host is; however many ask, its parts are asked once a second."""


def health_pages(host: BaseRuntimeHostProcess, look: Examine) -> dict[str, Page]:
    """The probes by path. Live asks no part; the others ask all of them."""
    watchdog = host.watchdog

    async def live(_: Request) -> Answer:
        stalled_s = watchdog.stalled_s
        told: dict[str, JsonValue] = {"status": "live", "loop_lag_ms": round(watchdog.lag_s * 1000, 1)}
        if stalled_s is None:
            return json_answer(200, told)
        told |= {"status": "stalled", "stalled_s": round(stalled_s, 1), "reason": _STALLED}
        return json_answer(503, told)

    async def ready(_: Request) -> Answer:
        seen = await look()
        told: dict[str, JsonValue] = {"status": "not ready" if seen.reasons else "ready", "phase": seen.phase}
        told |= {"reasons": list(seen.reasons), "remarks": list(seen.remarks)}
        return json_answer(503 if seen.reasons else 200, told)

    async def handlers(_: Request) -> Answer:
        seen = await look()
        told: dict[str, JsonValue] = {name: part.model_dump(mode="json") for name, part in seen.parts.items()}
        return json_answer(200, told)

    return {"/health/live": live, "/health/ready": ready, "/health/handlers": handlers}


def json_answer(status: int, value: dict[str, JsonValue]) -> Answer:
    """A JSON object, readable as it is."""
    return Answer(status, json.dumps(value, indent=2).encode() + b"\n")


def once_a_second(host: BaseRuntimeHostProcess) -> Examine:
    """A look at this host. Probes and consoles must not be load for a database.

    A new phase is seen at once, since a host that stops must not be taken for ready.
    """
    asking: asyncio.Future[Condition] | None = None
    asked = 0.0

    async def shared() -> Condition:
        nonlocal asking, asked
        now = time.monotonic()
        if asking is None or (asking.done() and now - asked > _FRESH_S):
            asking, asked = asyncio.ensure_future(host.condition()), now
        seen = await asyncio.shield(asking)
        return seen if seen.phase is host.phase else condition_of(host.phase, seen.parts)

    return shared
