"""The samples of a run as a picture: one graph below the other, in SVG."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from tools.soak.samples import GROWING, Sample, Verdict, settled

_WIDTH: Final = 760
_HEIGHT: Final = 110
_LEFT: Final = 64
_RIGHT: Final = 12
_TOP: Final = 22
_FLAT: Final = 0.05  # of the value: a line that hardly moves is not stretched until it seems to


def drawn(samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> str:
    """The SVG of a run."""
    figures: list[tuple[str, str, Callable[[Sample], float]]] = [
        *((name, unit, figure) for name, unit, figure, _, _ in GROWING),
        ("lag_p99", "ms", lambda sample: sample.lag_ms),
    ]
    by_name = {verdict.name: verdict for verdict in verdicts}
    since = settled(samples)[0].at - samples[0].at
    graphs = [
        _graph(samples, figure, since, number * _HEIGHT + 10, by_name[name])
        for number, (name, _, figure) in enumerate(figures)
    ]
    height = len(graphs) * _HEIGHT + 34
    span = samples[-1].at - samples[0].at
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
            'font-size="12">',
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            *graphs,
            f'<text x="{_LEFT}" y="{height - 8}" fill="#555">0 s; what is shaded is not judged</text>',
            f'<text x="{_WIDTH - _RIGHT}" y="{height - 8}" fill="#555" text-anchor="end">{span:.0f} s</text>',
            "</svg>\n",
        ]
    )


def _graph(
    samples: Sequence[Sample], figure: Callable[[Sample], float], since: float, top: int, verdict: Verdict
) -> str:
    values = [figure(sample) for sample in samples]
    low, high = min(values), max(values)
    if verdict.name == "lag_p99":
        low, high = 0.0, max(high, verdict.allowed)
    margin = max(high - low, abs(high) * _FLAT, 1.0) * 0.08
    low, high = low - margin, high + margin
    begun, span = samples[0].at, max(samples[-1].at - samples[0].at, 1e-9)
    floor, plotted = top + _HEIGHT - 16, _HEIGHT - 16 - _TOP

    def x_of(at: float) -> float:
        return _LEFT + (at - begun) / span * (_WIDTH - _LEFT - _RIGHT)

    def y_of(value: float) -> float:
        return floor - (value - low) / (high - low) * plotted

    points = " ".join(f"{x_of(s.at):.1f},{y_of(v):.1f}" for s, v in zip(samples, values, strict=True))
    colour = "#1a6b3a" if verdict.holds else "#b3261e"
    word = "holds" if verdict.holds else "does not hold"
    said = f"{verdict.name}: {verdict.value:+.2f} {verdict.unit}, allowed {verdict.allowed:.2f}: {word}"
    parts = [
        f'<text x="{_LEFT}" y="{top + 14}" fill="{colour}" font-weight="bold">{escape(said)}</text>',
        f'<rect x="{_LEFT}" y="{floor - plotted}" width="{x_of(begun + since) - _LEFT:.1f}" height="{plotted}" '
        'fill="#eee"/>',
        f'<path d="M{_LEFT} {floor - plotted}V{floor}H{_WIDTH - _RIGHT}" fill="none" stroke="#999"/>',
        *(
            f'<text x="{_LEFT - 6}" y="{y + 4:.0f}" text-anchor="end" fill="#555">{value:.4g}</text>'
            for y, value in ((floor - plotted + 4, max(values)), (floor - 4, min(values)))
        ),
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
    ]
    return "\n".join(parts)
