"""What an operator should look at: what is wrong, what is safe all the same, and what to do."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from omnibase_core.enums import EnumHealth, EnumPauseCause
from omnibase_core.frontier import ModelFrontier
from omnibase_core.policy.breaker import EnumBreakerState

from omnibase_infra.guard import Guard
from omnibase_infra.host.condition import BUS, Condition, EnumPhase
from omnibase_infra.host.process import BaseRuntimeHostProcess

_LONG_S: Final = 60.0
_NAMED: Final = 3
_HELP: Final[Mapping[EnumPauseCause | None, str]] = MappingProxyType(
    {
        EnumPauseCause.WINDOW_FULL: (
            "Look what the records in flight wait for: a server that is down, or slow work. "
            "More hosts help against slow work only"
        ),
        EnumPauseCause.BEHIND_OLDEST: "Look what the oldest record in flight waits for",
        EnumPauseCause.BUS_SUSPENDED: "Look at the brokers; it is tried again within half a minute",
    }
)


class Finding(NamedTuple):
    """grave: the host is not to be relied upon; else it works, with something to look at."""

    grave: bool
    what: str
    safe: str
    do: str


def findings(host: BaseRuntimeHostProcess, seen: Condition, now: float) -> Iterator[Finding]:
    """The gravest first. now: a time of the loop, which breakers go by."""
    yield from sorted(_findings(host, seen, now), key=lambda one: not one.grave)


def _findings(host: BaseRuntimeHostProcess, seen: Condition, now: float) -> Iterator[Finding]:
    if seen.phase is not EnumPhase.READY:
        yield _of_phase(seen.phase)
    stalled_s = host.watchdog.stalled_s
    if stalled_s is not None:
        yield Finding(
            True,
            f"Work is in flight, and none of it has got done for {stalled_s:.0f} s",
            "Nothing is committed before its outcome: a restart begins with what is in flight",
            "Let the orchestrator restart it (liveness is 503); the log line host.stalled says where it waits",
        )
    yield from _unwell(host, seen)
    held = host.engine.progress.held
    if held:
        yield Finding(
            False,
            f"The bus does not take {held} messages, which wait to be published again",
            "Their nodes have run and are not run again; their records are not committed before",
            "Look at the brokers; the log line engine.publish_failed has the reason",
        )
    yield from _paused([one for one in host.frontier() if one.paused])
    for one in host.frontier():
        if (one.oldest_age_s or 0.0) > _LONG_S:
            yield _held(one)
    for guard in host.handlers:
        yield from _shut(guard, now)


def _held(one: ModelFrontier) -> Finding:
    return Finding(
        False,
        f"{one.topic}-{one.partition} waits for its record at offset {one.oldest_outstanding}, "
        f"in flight for {one.oldest_age_s:.0f} s",
        "It and what is behind it come again after a restart, and nothing is committed before",
        "Look what its node waits for: breakers and retries below; else host.stalled in the log",
    )


def _of_phase(phase: EnumPhase) -> Finding:
    if phase is EnumPhase.STARTING:
        what, do = "The host is starting", "Wait; what its parts say below is what it waits for"
        return Finding(True, what, "It takes no records before it is ready", do)
    safe = "What is in flight is finished within the grace time, and comes again where it is not"
    return Finding(True, "The host is stopping", safe, "Nothing; exit code 4 says that something was given up")


def _unwell(host: BaseRuntimeHostProcess, seen: Condition) -> Iterator[Finding]:
    waits = {guard.name: all(line.pauses for line in guard.breakers.values()) for guard in host.handlers}
    shut = {guard.name for guard in host.handlers if not all(line.gate.is_closed for line in guard.lines.values())}
    for name, health in seen.parts.items():
        if health.status is EnumHealth.DEGRADED and name not in shut:
            yield Finding(
                False,
                f"{'The bus' if name == BUS else f'Handler {name}'} is degraded: {health.message or 'no reason'}",
                "It works",
                "Look at it before it gets worse; /health/handlers has its figures",
            )
        if health.status is EnumHealth.UNHEALTHY:
            is_bus = name == BUS
            yield Finding(
                True,
                f"{'The bus' if is_bus else f'Handler {name}'} is unhealthy: {health.message or 'no reason'}",
                "Records stay in the topic and are not committed before their outcome; responses are kept, and "
                "nodes that have run are not run again"
                if is_bus
                else "Requests that need it wait, and nothing is lost; the others run on while there is room in "
                "their partitions' windows"
                if waits.get(name)
                else "Requests that do not need it run on; the others fail, as its on_open says",
                "Look at the brokers and the network" if is_bus else f"Look at the server behind {name}",
            )


def _paused(paused: Sequence[ModelFrontier]) -> Iterator[Finding]:
    """One for each reason: a host may have a hundred partitions, and they have it in common."""
    by_reason: dict[str, list[ModelFrontier]] = {}
    for one in paused:
        by_reason.setdefault(one.paused_because or "no reason is known", []).append(one)
    for reason, those in by_reason.items():
        named = ", ".join(f"{one.topic}-{one.partition}" for one in those[:_NAMED])
        more = f" and {len(those) - _NAMED} more" if len(those) > _NAMED else ""
        yield Finding(
            False,
            f"{named}{more} {'are' if len(those) > 1 else 'is'} paused: {reason}",
            "The records stay in the topic, and it goes on by itself",
            _HELP.get(those[0].paused_cause, "Look at the oldest record in flight"),
        )


def _shut(guard: Guard, now: float) -> Iterator[Finding]:
    for node, line in guard.breakers.items():
        gate = line.gate
        if gate.is_closed:
            continue
        whose = f"handler {guard.name}" + (f" for node {node}" if node else "")
        opens = gate.breaker.open_until - now
        probing = gate.breaker.state is EnumBreakerState.HALF_OPEN
        when = "its probe is under way" if probing else f"the next probe may go in {max(0.0, opens):.0f} s"
        pausing = f"{gate.waiting} requests wait for it and nothing is lost"
        failing = (
            f"Requests that need it fail with HANDLER_UNAVAILABLE, without any effect ({gate.refused} so far)"
        )
        yield Finding(
            False,
            f"The circuit breaker of {whose} is {gate.breaker.state.value.replace('_', ' ')}; {when}",
            pausing if line.pauses else failing,
            f"Look at the server behind {guard.name}; the breaker closes by itself when a probe succeeds",
        )
