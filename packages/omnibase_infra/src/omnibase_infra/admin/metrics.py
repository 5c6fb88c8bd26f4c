"""`/metrics`: what the host counts, in Prometheus' text format. Each name and its meaning: docs/metrics.md.

Nothing is asked of a server for it: figures are read where they are kept, within one step of the loop.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from omnibase_core.enums import EnumSettlement
from omnibase_core.policy.breaker import EnumBreakerState
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from omnibase_infra.admin.server import Answer, Page
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.host.versions import versions
from omnibase_infra.telemetry.meter import BOUNDS_S, Histogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PARTITION: Final = ("topic", "partition")


def metrics_page(host: BaseRuntimeHostProcess) -> Page:
    """The page of this host's metrics."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(HostCollector(host))

    async def metrics() -> Answer:
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

    def _process(self) -> Iterator[Metric]:
        host = self._host
        built = {package.removeprefix("omnibase-"): version for package, version in versions().items()}
        yield _gauge(
            "onex_build_info", "The versions that run; always 1", tuple(built), [(tuple(built.values()), 1)]
        )
        yield _value("onex_ready", "1 while the host has started and does not stop", float(host.ready))
        yield _value("onex_start_seconds", "How long the start took", host.start_s)
        yield _value("onex_loop_lag_seconds", "How late the event loop was at the last look", host.watchdog.lag_s)
        yield _value(
            "onex_stalled_seconds",
            "How long no work in flight got done; 0 while any does",
            host.watchdog.stalled_s or 0.0,
        )

    def _envelopes(self) -> Iterator[Metric]:
        nodes = self._host.meter.nodes
        yield _counter(
            "onex_envelopes",
            "Requests that have their outcome; code OK for success",
            ("node", "handler", "operation", "code"),
            [
                ((node, (operation or "").partition(".")[0], operation or "", code), n)
                for node, its in nodes.items()
                for (operation, code), n in its.counts.items()
            ],
        )
        yield _histogram(
            "onex_envelope_wait_seconds",
            "From a request's arrival to its node's start",
            ("node",),
            {(node,): its.waited for node, its in nodes.items()},
        )
        yield _histogram(
            "onex_envelope_work_seconds",
            "From the node's start to the outcome, handlers and retries included",
            ("node",),
            {(node,): its.worked for node, its in nodes.items()},
        )
        yield _histogram(
            "onex_envelope_seconds",
            "From a record's arrival to its settlement, its response acknowledged",
            (),
            {(): self._host.meter.whole},
        )

    def _handlers(self) -> Iterator[Metric]:
        guards = self._host.handlers
        yield _counter(
            "onex_handler_calls",
            "Attempts of a handler, each retry one; code OK for success",
            ("handler", "operation", "code"),
            [((g.name, operation, code), n) for g in guards for (operation, code), n in g.calls.counts.items()],
        )
        yield _histogram(
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

    def _policies(self) -> Iterator[Metric]:
        lines = [((g.name, node), line) for g in self._host.handlers for node, line in g.lines.items()]
        labels = ("handler", "node")
        yield _counter(
            "onex_handler_retries", "Attempts after the first", labels, [(at, line.retries) for at, line in lines]
        )
        yield _counter(
            "onex_rate_limit_waits",
            "Calls that the rate limit let wait",
            labels,
            [(at, line.delayed) for at, line in lines],
        )
        yield _counter(
            "onex_rate_limit_refusals",
            "Calls that the rate limit refused",
            labels,
            [(at, line.rate_limited) for at, line in lines],
        )
        yield _gauge(
            "onex_breaker_state",
            "1 for the state that the circuit breaker is in",
            (*labels, "state"),
            [
                ((*at, state.value), float(line.gate.breaker.state is state))
                for at, line in lines
                for state in EnumBreakerState
            ],
        )
        yield _counter(
            "onex_breaker_transitions",
            "How often the circuit breaker opened and closed",
            (*labels, "to"),
            [
                ((*at, to), n)
                for at, line in lines
                for to, n in (("open", line.gate.opened), ("closed", line.gate.closed))
            ],
        )
        yield _counter(
            "onex_breaker_refusals",
            "Calls that an open circuit breaker refused",
            labels,
            [(at, line.gate.refused) for at, line in lines],
        )

    def _engine(self) -> Iterator[Metric]:
        progress = self._host.engine.progress
        yield _counter(
            "onex_records",
            "Records that have their settlement",
            ("settlement",),
            [((each.name.lower(),), progress.settled.get(each, 0)) for each in EnumSettlement],
        )
        yield _value("onex_in_flight", "Records that are being worked on, or wait for it", progress.in_flight)
        yield _value(
            "onex_republish_waiting", "Messages that the bus did not take and that are kept", progress.held
        )
        yield _counter("onex_republished", "Messages that were published again", (), [((), progress.republished)])
        yield _counter(
            "onex_given_up", "Records that a revoke or the stop did not wait for", (), [((), progress.given_up)]
        )

    def _partitions(self) -> Iterator[Metric]:
        frontiers = [((one.topic, str(one.partition)), one) for one in self._host.frontier()]
        for name, meaning, field in _OF_A_PARTITION:
            found = [(at, getattr(one, field)) for at, one in frontiers]
            yield _gauge(
                name, meaning, _PARTITION, [(at, float(value)) for at, value in found if value is not None]
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
    ("onex_partition_paused", "1 while the partition is left out of the poll", "paused"),
    ("onex_partition_lag", "Records in the topic that are not delivered yet, as of the last fetch", "lag"),
)

_Labelled = Iterable[tuple[tuple[str, ...], float]]


def _value(name: str, meaning: str, value: float) -> Metric:
    return _gauge(name, meaning, (), [((), value)])


def _gauge(name: str, meaning: str, labels: tuple[str, ...], values: _Labelled) -> Metric:
    return _filled(GaugeMetricFamily(name, meaning, labels=labels), values)


def _counter(name: str, meaning: str, labels: tuple[str, ...], values: _Labelled) -> Metric:
    return _filled(CounterMetricFamily(name, meaning, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: _Labelled) -> Metric:
    for at, value in values:
        family.add_metric(at, value)
    return family


def _histogram(
    name: str, meaning: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], Histogram]
) -> Metric:
    family = HistogramMetricFamily(name, meaning, labels=labels)
    bounds = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
    for at, histogram in values.items():
        cumulated = accumulate(histogram.counts)
        family.add_metric(at, list(zip(bounds, cumulated, strict=True)), histogram.sum_s)
    return family
