"""What is sampled of a host, and what it proves: slopes, growth and their bounds."""

import statistics
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

_MOST_WARM_S: Final = 600.0


class Sample(NamedTuple):
    """At a moment, in seconds: figures of `/metrics`. served, failed: requests so far, and those not `OK`."""

    at: float
    rss_mb: float
    fds: float
    tasks: float
    threads: float
    lag_ms: float
    served: float
    failed: float


class Verdict(NamedTuple):
    """value: the growth over the time that was measured, or the 99th percentile of the lag. allowed: at most."""

    name: str
    unit: str
    slope_an_hour: float
    value: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether it is within its bound."""
        return self.value <= self.allowed


GROWING: Final[Sequence[tuple[str, str, Callable[[Sample], float], float, float]]] = (
    ("rss", "MB", lambda sample: sample.rss_mb, 4.0, 1.0),  # an allocator settles; beyond that, 1 MB an hour
    ("fds", "", lambda sample: sample.fds, 2.0, 0.0),
    ("tasks", "", lambda sample: sample.tasks, 10.0, 0.0),
    ("threads", "", lambda sample: sample.threads, 0.0, 0.0),
)
"""Name, unit, figure, what it may grow by at all, and for each hour."""


def sample_of(text: str, at: float) -> Sample:
    """The sample in a page of metrics."""
    found = {
        (sample.name, sample.labels.get("code") == "OK"): 0.0
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, sample.labels.get("code") == "OK"] += sample.value
    served = found.get(("onex_envelopes_total", True), 0.0)
    failed = found.get(("onex_envelopes_total", False), 0.0)
    return Sample(
        at,
        found["process_resident_memory_bytes", False] / 1e6,
        found["process_open_fds", False],
        found["onex_tasks", False],
        found["onex_threads", False],
        found["onex_loop_lag_seconds", False] * 1e3,
        served + failed,
        failed,
    )


def settled(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Without the beginning, in which caches and pools fill: a third of the time, ten minutes at most."""
    span_s = samples[-1].at - samples[0].at
    since = samples[0].at + min(span_s / 3, _MOST_WARM_S)
    return [sample for sample in samples if sample.at >= since]


def judged(samples: Sequence[Sample], rate: float, lag_ms: float) -> list[Verdict]:
    """The verdicts on a run. rate: requests a second that it was to serve. lag_ms: that the loop may have."""
    measured = settled(samples)
    span_s = measured[-1].at - measured[0].at
    between_hours = span_s * 2 / 3 / 3_600  # of the middles of the first third and of the last
    verdicts = [
        Verdict(name, unit, slope(measured, figure), _growth(measured, figure), least + an_hour * between_hours)
        for name, unit, figure, least, an_hour in GROWING
    ]
    lags = sorted(sample.lag_ms for sample in measured)
    lag = lags[min(len(lags) - 1, round(len(lags) * 0.99))]
    verdicts.append(Verdict("lag_p99", "ms", slope(measured, lambda sample: sample.lag_ms), lag, lag_ms))
    missing = 1 - (measured[-1].served - measured[0].served) / (rate * span_s)
    verdicts.append(Verdict("not_served", "share", 0.0, missing, 0.1))
    verdicts.append(Verdict("failed", "", 0.0, measured[-1].failed - measured[0].failed, 0.0))
    return verdicts


def slope(samples: Sequence[Sample], figure: Callable[[Sample], float]) -> float:
    """The slope of a figure an hour, by least squares."""
    fit = statistics.linear_regression([sample.at for sample in samples], [figure(each) for each in samples])
    return fit.slope * 3_600


def _growth(samples: Sequence[Sample], figure: Callable[[Sample], float]) -> float:
    """From the median of the first third to that of the last: a single sample proves nothing."""
    third = max(1, len(samples) // 3)
    first, last = ([figure(sample) for sample in part] for part in (samples[:third], samples[-third:]))
    return statistics.median(last) - statistics.median(first)
