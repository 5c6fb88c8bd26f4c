"""`/metrics`: what the host counts, in Prometheus' text format. Each name and its meaning: docs/metrics.md.

Nothing is asked of a server for it: figures are read where they are kept, within one step of the loop.
"""

import asyncio
import sys
from collections.abc import Iterator
from typing import Final

from omnibase_core.enums import EnumHealth, EnumPauseCause, EnumSettlement
from omnibase_core.policy.breaker import EnumBreakerState
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from omnibase_infra.admin.families import counter, gauge, histogram, value
from omnibase_infra.admin.server import Answer, Page, Request
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.host.versions import versions
from omnibase_infra.telemetry.logs import host_handlers

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PARTITION: Final = ("topic", "partition")


def metrics_page(host: BaseRuntimeHostProcess) -> Page:
    """The page of this host's metrics."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(HostCollector(host))

    async def metrics(_: Request) -> Answer:
        return Answer(200, generate_latest(registry), CONTENT_TYPE)

    return metrics


class HostCollector(Collector):
    """Reads a host's figures, as metric families."""

    def __init__(self, host: BaseRuntimeHostProcess) -> None:
        self._host = host

    def collect(self) -> Iterator[Metric]:
        """Every family, each time with the same names and in the same order."""
        yield from self._process()
        yield from self._envelopes()
        yield from self._handlers()
        yield from self._policies()
        yield from self._engine()
        yield from self._partitions()
        yield from self._bus()

    def _process(self) -> Iterator[Metric]:
        host = self._host
        built = {package.removeprefix("omnibase-"): version for package, version in versions().items()}
        yield gauge(
            "onex_build_info", "The versions that run; always 1", tuple(built), [(tuple(built.values()), 1)]
        )
        yield value("onex_ready", "1 while the host has started and does not stop", float(host.ready))
        yield value("onex_start_seconds", "How long the start took", host.start_s)
        yield value("onex_loop_lag_seconds", "How late the event loop was at the last look", host.watchdog.lag_s)
        yield value("onex_tasks", "Tasks of the event loop", len(asyncio.all_tasks()))
        yield value("onex_threads", "Threads of Python", len(sys._current_frames()))  # noqa: SLF001 - no lock, no file
        yield value(
            "onex_stalled_seconds",
            "How long no work in flight got done; 0 while any does",
            host.watchdog.stalled_s or 0.0,
        )

        yield gauge(
            "onex_part_health",
            "1 for the health of bus and handlers, as a probe has seen it within the last minute",
            ("part", "status"),
            [
                ((name, status.value), float(health.status is status))
                for name, health in host.parts_seen.items()
                for status in EnumHealth
            ],
        )

        dropped = sum(handler.dropped for handler in host_handlers())
        yield counter(
            "onex_log_lines_dropped", "Log lines that nobody read, and that were dropped", (), [((), dropped)]
        )
        told = (("exported", 0), ("lost", 0))
        if host.traces is not None:
            told = (("exported", host.traces.tracer.exported), ("lost", host.traces.tracer.lost))
        yield counter(
            "onex_spans", "Spans that have ended", ("outcome",), [((outcome,), count) for outcome, count in told]
        )

    def _envelopes(self) -> Iterator[Metric]:
        nodes = self._host.meter.nodes
        yield counter(
            "onex_envelopes",
            "Requests that have their outcome; code OK for success",
            ("node", "handler", "operation", "code"),
            [
                ((node, (operation or "").partition(".")[0], operation or "", code), n)
                for node, its in nodes.items()
                for (operation, code), n in its.told.items()
            ],
        )
        yield histogram(
            "onex_envelope_wait_seconds",
            "From a request's arrival to its node's start",
            ("node",),
            {(node,): its.waited for node, its in nodes.items()},
        )
        yield histogram(
            "onex_envelope_work_seconds",
            "From the node's start to the outcome, handlers and retries included",
            ("node",),
            {(node,): its.worked for node, its in nodes.items()},
        )
        yield histogram(
            "onex_envelope_seconds",
            "From a record's arrival to its settlement, its response acknowledged",
            (),
            {(): self._host.meter.whole},
        )

    def _handlers(self) -> Iterator[Metric]:
        guards = self._host.handlers
        yield counter(
            "onex_handler_calls",
            "Attempts of a handler, each retry one; code OK for success",
            ("handler", "operation", "code"),
            [((g.name, operation, code), n) for g in guards for (operation, code), n in g.calls.counts.items()],
        )
        yield histogram(
            "onex_handler_call_seconds",
            "Duration of an attempt",
            ("handler", "operation"),
            {
                (g.name, operation): its
                for g in guards
                for operation, its in g.calls.durations.items()
                if any(its.counts)
            },
        )

        yield counter(
            "onex_handler_events",
            "What a handler counts besides its calls",
            ("handler", "event"),
            [((g.name, event), n) for g in guards for event, n in g.counts.items()],
        )

    def _policies(self) -> Iterator[Metric]:
        lines = [((g.name, node), line) for g in self._host.handlers for node, line in g.lines.items()]
        labels = ("handler", "node")
        yield counter(
            "onex_handler_retries", "Attempts after the first", labels, [(at, line.retries) for at, line in lines]
        )
        yield counter(
            "onex_rate_limit_waits",
            "Calls that the rate limit let wait",
            labels,
            [(at, line.delayed) for at, line in lines],
        )
        yield counter(
            "onex_rate_limit_refusals",
            "Calls that the rate limit refused",
            labels,
            [(at, line.rate_limited) for at, line in lines],
        )
        yield gauge(
            "onex_breaker_state",
            "1 for the state that the circuit breaker is in",
            (*labels, "state"),
            [
                ((*at, state.value), float(line.gate.breaker.state is state))
                for at, line in lines
                for state in EnumBreakerState
            ],
        )
        yield counter(
            "onex_breaker_transitions",
            "How often the circuit breaker opened and closed",
            (*labels, "to"),
            [
                ((*at, to), n)
                for at, line in lines
                for to, n in (("open", line.gate.opened), ("closed", line.gate.closed))
            ],
        )
        yield counter(
            "onex_breaker_refusals",
            "Calls that an open circuit breaker refused",
            labels,
            [(at, line.gate.refused) for at, line in lines],
        )

    def _engine(self) -> Iterator[Metric]:
        progress = self._host.engine.progress
        yield counter(
            "onex_records",
            "Records that have their settlement",
            ("settlement",),
            [((each.name.lower(),), progress.settled.get(each, 0)) for each in EnumSettlement],
        )
        received = progress.in_flight + sum(progress.settled.values())
        yield counter("onex_records_received", "Records that the bus delivered", (), [((), received)])
        yield value("onex_in_flight", "Records that are being worked on, or wait for it", progress.in_flight)
        yield value(
            "onex_republish_waiting", "Messages that the bus did not take and that are kept", progress.held
        )
        yield counter("onex_republished", "Messages that were published again", (), [((), progress.republished)])
        yield counter(
            "onex_given_up", "Records that a revoke or the stop did not wait for", (), [((), progress.given_up)]
        )

        lanes = self._host.engine.lanes
        yield gauge(
            "onex_lanes",
            "Workers that are busy, and those whose record waits for a retry, a rate limit or a server",
            ("state",),
            [(("busy",), lanes.busy), (("waiting",), lanes.waiting)],
        )
        yield value(
            "onex_queued", "Records that wait for a worker, their key's turn or their node's limit", lanes.queued
        )

    def _bus(self) -> Iterator[Metric]:
        meter = self._host.bus_meter
        yield histogram("onex_commit_seconds", "Duration of a commit that succeeded", (), {(): meter.commits})
        yield counter(
            "onex_commit_failures", "Commits that failed; they are tried again", (), [((), meter.commit_failures)]
        )
        yield counter(
            "onex_bus_clients_rebuilt",
            "Clients of the bus that were replaced after a failure",
            ("client",),
            [((client,), n) for client, n in meter.rebuilt.items()],
        )
        yield value("onex_bus_failures", "Failures of the bus in a row; 0 while it works", meter.failures)
        yield counter(
            "onex_bus_suspensions",
            "How often failures in a row stopped consumption for a while",
            (),
            [((), meter.suspensions)],
        )

    def _partitions(self) -> Iterator[Metric]:
        frontiers = [((one.topic, str(one.partition)), one) for one in self._host.frontier()]
        for name, meaning, field in _OF_A_PARTITION:
            found = [(at, getattr(one, field)) for at, one in frontiers]
            yield gauge(
                name, meaning, _PARTITION, [(at, float(value)) for at, value in found if value is not None]
            )
        yield gauge(
            "onex_partition_paused",
            "1 while the partition is left out of the poll, by cause",
            (*_PARTITION, "cause"),
            [
                ((*at, cause.value), float(one.paused_cause is cause))
                for at, one in frontiers
                for cause in EnumPauseCause
            ],
        )


_OF_A_PARTITION: Final = (
    ("onex_partition_next_offset", "Everything before this offset has an outcome", "next_position"),
    ("onex_partition_committed_offset", "Where a restart would begin", "committed_position"),
    ("onex_partition_outstanding", "Records that are delivered and not settled", "outstanding"),
    ("onex_partition_holes", "Records that are settled and wait behind one that is not", "holes"),
    (
        "onex_partition_oldest_seconds",
        "How long the record that holds the frontier has been on its way",
        "oldest_age_s",
    ),
    ("onex_partition_lag", "Records in the topic that are not delivered yet, as of the last fetch", "lag"),
)
