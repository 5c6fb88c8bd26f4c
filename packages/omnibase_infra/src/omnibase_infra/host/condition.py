"""How a host is: its phase, its parts, and whether it is ready to be relied upon."""

import asyncio
from collections.abc import Awaitable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumHealth

BUS: Final = "event_bus"
_LOOK_S: Final = 3.0
_FRESH_S: Final = 60.0


class EnumPhase(StrEnum):
    """Where a host is in its life."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


class Condition(NamedTuple):
    """parts: the health of the bus (`event_bus`) and of each handler, by name.

    reasons: why the host is not ready; empty where it is. remarks: what an operator should look at all the same.
    """

    phase: EnumPhase
    parts: Mapping[str, ModelHealth]
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


class Look(NamedTuple):
    """What was seen when somebody last asked how the parts are. at: seconds of the host's monotonic clock."""

    at: float
    parts: Mapping[str, ModelHealth]

    def fresh(self, now: float) -> Mapping[str, ModelHealth]:
        """The parts, where that is less than a minute ago; else none."""
        return self.parts if now - self.at < _FRESH_S else {}


def condition_of(phase: EnumPhase, parts: Mapping[str, ModelHealth]) -> Condition:
    """The condition of a host with these parts: ready where it has started and no part is unhealthy."""
    reasons = [f"the host is {phase}"] if phase is not EnumPhase.READY else []
    reasons += [_line(name, health) for name, health in parts.items() if health.status is EnumHealth.UNHEALTHY]
    remarks = [_line(name, health) for name, health in parts.items() if health.status is EnumHealth.DEGRADED]
    return Condition(phase, parts, tuple(reasons), tuple(remarks))


async def examined(checks: Mapping[str, Awaitable[ModelHealth]]) -> Mapping[str, ModelHealth]:
    """The health of every part, all asked at once; one that does not answer in three seconds is unhealthy."""
    return dict(zip(checks, await asyncio.gather(*map(_bounded, checks.values())), strict=True))


async def _bounded(check: Awaitable[ModelHealth]) -> ModelHealth:
    try:
        async with asyncio.timeout(_LOOK_S):
            return await check
    except TimeoutError:
        return ModelHealth(status=EnumHealth.UNHEALTHY, message=f"no answer to a health check in {_LOOK_S:.0f} s")


def _line(name: str, health: ModelHealth) -> str:
    return f"{name} is {health.status}: {health.message}" if health.message else f"{name} is {health.status}"
