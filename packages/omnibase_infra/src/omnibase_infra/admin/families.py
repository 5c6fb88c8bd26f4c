"""Metric families, filled: shorter to write than with the library's classes."""

from collections.abc import Iterable, Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from omnibase_infra.telemetry.meter import BOUNDS_S, Histogram

Labelled = Iterable[tuple[tuple[str, ...], float]]


def value(name: str, meaning: str, figure: float) -> Metric:
    """A gauge without labels."""
    return gauge(name, meaning, (), [((), figure)])


def gauge(name: str, meaning: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    """A gauge with a value for each of its labels' values."""
    return _filled(GaugeMetricFamily(name, meaning, labels=labels), values)


def counter(name: str, meaning: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    """A counter, the same."""
    return _filled(CounterMetricFamily(name, meaning, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Labelled) -> Metric:
    for at, value in values:
        family.add_metric(at, value)
    return family


def histogram(
    name: str, meaning: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], Histogram]
) -> Metric:
    """A histogram of durations for each of its labels' values."""
    family = HistogramMetricFamily(name, meaning, labels=labels)
    bounds = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
    for at, histogram in values.items():
        cumulated = accumulate(histogram.counts)
        family.add_metric(at, list(zip(bounds, cumulated, strict=True)), histogram.sum_s)
    return family
