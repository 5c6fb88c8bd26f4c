"""What a host shows of itself, as JSON: counters and conditions as they are now, read where they are kept.

Nothing is kept here: rates are the difference of two of these, which is for whoever asks twice.
"""

import asyncio
from collections.abc import Iterator

from omnibase_core.envelope import JsonObject
from omnibase_core.policy.breaker import EnumBreakerState
from omnibase_core.runtime import NodeInstance
from pydantic import JsonValue

from omnibase_infra.admin.attention import Finding, findings
from omnibase_infra.admin.hints import HINTS
from omnibase_infra.guard import Guard
from omnibase_infra.guard.line import Line
from omnibase_infra.host.condition import BUS, Condition
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.host.versions import versions
from omnibase_infra.telemetry.meter import OK, OTHER, Failure, Outcomes


def state_of(host: BaseRuntimeHostProcess, seen: Condition) -> JsonObject:
    """All that the console shows beside the configuration. seen: how the host's parts were when last asked."""
    now = asyncio.get_running_loop().time()
    return {
        "host": _host(host, seen),
        "attention": [_finding(one) for one in findings(host, seen, now)],
        "bus": _bus(host, seen),
        "partitions": [one.model_dump(mode="json") for one in host.frontier()],
        "nodes": [_node(slug, its, host.nodes.get(slug)) for slug, its in _counted(host)],
        "handlers": [_handler(guard, seen, now) for guard in host.handlers],
        "failures": [_failure(one) for one in reversed(host.meter.failures)],
    }


def _host(host: BaseRuntimeHostProcess, seen: Condition) -> JsonObject:
    progress, watchdog = host.engine.progress, host.watchdog
    return {
        "name": host.name,
        "phase": seen.phase.value,
        "ready": not seen.reasons,
        "versions": {**versions()},
        "clock_s": round(asyncio.get_running_loop().time(), 3),
        "in_flight": progress.in_flight,
        "held": progress.held,
        "given_up": progress.given_up,
        "settled": {settlement.name.lower(): count for settlement, count in progress.settled.items()},
        "loop_lag_ms": round(watchdog.lag_s * 1000, 1),
        "waits_for": host.engine.waits_for(),
    }


def _finding(finding: Finding) -> JsonObject:
    return {"grave": finding.grave, "what": finding.what, "safe": finding.safe, "do": finding.do}


def _bus(host: BaseRuntimeHostProcess, seen: Condition) -> JsonObject:
    binding = host.made_of.binding
    topics: JsonObject = {**binding.topics.model_dump()}
    return {"kind": binding.kind, "topics": topics, "group": host.made_of.group, **_health(seen, BUS)}


def _health(seen: Condition, part: str) -> JsonObject:
    health = seen.parts.get(part)
    if health is None:
        return {"status": "unknown", "message": "not asked yet"}
    return {"status": health.status.value, "message": health.message}


def _counted(host: BaseRuntimeHostProcess) -> Iterator[tuple[str, Outcomes]]:
    return ((slug, its) for slug, its in host.meter.nodes.items() if slug in host.nodes or its.counts)


def _node(slug: str, its: Outcomes, node: NodeInstance | None) -> JsonObject:
    done = sum(its.told.values())
    failed = sum(count for (_, code), count in its.told.items() if code != OK)
    by_operation: dict[str, int] = {}
    for (operation, _), count in its.told.items():
        by_operation[operation or ""] = by_operation.get(operation or "", 0) + count
    entries = [] if node is None else node.contract.io_operations
    uses: list[JsonValue] = [
        {"handler": entry.handler, "operation": name, "done": by_operation.get(name, 0)}
        for entry in entries
        for name in entry.operations
    ]
    return {
        "slug": slug,
        "kind": "requests for nodes that there are not" if node is None else node.node_type.value,
        "known": node is not None or slug != OTHER,
        "done": done,
        "failed": failed,
        "wait_s": round(its.waited.sum_s, 6),
        "work_s": round(its.worked.sum_s, 6),
        "uses": uses,
    }


def _handler(guard: Guard, seen: Condition, now: float) -> JsonObject:
    counts = guard.calls.counts
    done = sum(counts.values())
    return {
        "name": guard.name,
        "type": guard.handler_type.value,
        **_health(seen, guard.name),
        "done": done,
        "failed": done - sum(count for (_, code), count in counts.items() if code == OK),
        "work_s": round(sum(its.sum_s for its in guard.calls.durations.values()), 6),
        "retries": sum(line.retries for line in guard.lines.values()),
        "breakers": [_breaker(node, line, now) for node, line in guard.breakers.items()],
    }


def _breaker(node: str, line: Line, now: float) -> JsonObject:
    breaker = line.gate.breaker
    is_open = breaker.state is EnumBreakerState.OPEN
    return {
        "node": node or None,
        "state": breaker.state.value,
        "failures": breaker.failures,
        "opened": line.gate.opened,
        "refused": line.gate.refused,
        "waiting": line.gate.waiting,
        "probe_in_s": round(max(0.0, breaker.open_until - now), 1) if is_open else None,
    }


def _failure(failure: Failure) -> JsonObject:
    topic, partition, offset = failure.place
    return {
        "at": failure.at.isoformat(timespec="milliseconds"),
        "code": failure.code.value,
        "message": failure.message,
        "hint": HINTS[failure.code],
        "node": failure.node,
        "operation": failure.operation,
        "correlation_id": None if failure.correlation_id is None else str(failure.correlation_id),
        "record": f"{topic}-{partition}@{offset}",
    }
