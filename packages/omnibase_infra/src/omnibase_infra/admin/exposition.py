"""Metric families in Prometheus' text format, 0.0.4. Decision 22 says why without its client library."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from omnibase_infra.telemetry.meter import BOUNDS_S, Histogram

Labels = tuple[str, ...]
Labelled = Iterable[tuple[Labels, float]]
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_BUCKETS: Final = (*(f"{bound:g}" for bound in BOUNDS_S), "+Inf")


def value(name: str, meaning: str, figure: float) -> str:
    """A gauge without labels."""
    return gauge(name, meaning, (), [((), figure)])


def gauge(name: str, meaning: str, labels: Labels, values: Labelled) -> str:
    """A gauge with a value for each of its labels' values."""
    return _family(name, "gauge", meaning, (_sample(name, labels, *each) for each in values))


def counter(name: str, meaning: str, labels: Labels, values: Labelled) -> str:
    """A counter, the same; its name without `_total`."""
    name += "_total"
    return _family(name, "counter", meaning, (_sample(name, labels, *each) for each in values))


def histogram(name: str, meaning: str, labels: Labels, values: Mapping[Labels, Histogram]) -> str:
    """A histogram of durations for each of its labels' values."""

    def samples() -> Iterator[str]:
        for at, its in values.items():
            count = 0
            for bound, count in zip(_BUCKETS, accumulate(its.counts), strict=True):
                yield _sample(f"{name}_bucket", (*labels, "le"), (*at, bound), count)
            yield _sample(f"{name}_count", labels, at, count)
            yield _sample(f"{name}_sum", labels, at, its.sum_s)

    return _family(name, "histogram", meaning, samples())


def _family(name: str, kind: str, meaning: str, samples: Iterable[str]) -> str:
    return f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n{''.join(samples)}"


def _sample(name: str, labels: Labels, at: Labels, figure: float) -> str:
    told = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in zip(labels, at, strict=True))
    return f"{name}{{{told}}} {float(figure)!r}\n" if told else f"{name} {float(figure)!r}\n"
