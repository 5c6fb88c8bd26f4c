"""What the benchmark found: rows, as JSON, as a table and as a page of the docs."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

Better = Literal["higher", "lower"]

_HEAD = ("what", "ours", "reference", "unit", "ratio", "range", "must", "aim", "")

_NOT_IN_JSON = ("unit", "low", "high")


class Row(NamedTuple):
    """One figure beside its reference.

    value, reference: medians over the rounds, in `unit`. ratio: the median of each round's ratio, which a slow
    moment of the machine changes less than the medians. must, aim: bounds of the ratio, None for information.
    low, high: the smallest and the largest of the rounds' ratios; None where a single figure is the result.
    """

    name: str
    value: float
    reference: float
    ratio: float
    must: float | None
    aim: float | None
    better: Better
    unit: str
    low: float | None = None
    high: float | None = None

    @property
    def missed(self) -> bool:
        """Whether the ratio is on the wrong side of `must`."""
        return self.must is not None and not self._reaches(self.must)

    @property
    def mark(self) -> str:
        """The verdict in a word."""
        if self.must is None:
            return ""
        if self.missed:
            return "MISS"
        return "aim" if self.aim is not None and self._reaches(self.aim) else "pass"

    def _reaches(self, bound: float) -> bool:
        return self.ratio >= bound if self.better == "higher" else self.ratio <= bound


class Goal(NamedTuple):
    """What a row is held to: the bounds of its ratio, and which side of them is good."""

    must: float | None
    aim: float | None
    better: Better


def compared(name: str, unit: str, ours: Sequence[float], theirs: Sequence[float], goal: Goal) -> Row:
    """The row of two sides that were measured in the same rounds."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    value, reference, ratio = map(statistics.median, (ours, theirs, ratios))
    low, high = (min(ratios), max(ratios)) if len(ratios) > 1 else (None, None)
    return Row(name, value, reference, ratio, goal.must, goal.aim, goal.better, unit, low, high)


def floor(name: str, unit: str, values: Sequence[float], bound: float, better: Better) -> Row:
    """The row of an absolute figure that the plan demands."""
    value = statistics.median(values)
    return Row(name, value, bound, value / bound, 1.0, None, better, unit)


def as_json(rows: Sequence[Row]) -> str:
    """An array of rows: name, value, reference, ratio, must, aim, better."""
    listed = [
        {field: value for field, value in row._asdict().items() if field not in _NOT_IN_JSON} for row in rows
    ]
    return json.dumps(listed, indent=2) + "\n"


def as_text(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    cells = [_HEAD, *map(_cells, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def as_markdown(rows: Sequence[Row], rounds: int) -> str:
    """A table, with the machine, the day and the rounds above it."""
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in map(_cells, rows))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    date = datetime.now(UTC).date().isoformat()
    return (
        f"Machine: {os.cpu_count()} CPUs, {_processor()}; {python}; {date}. {rounds} rounds.\n\n"
        f"| {' | '.join(_HEAD)} |\n|{'|'.join(['---'] * len(_HEAD))}|\n{table}\n"
    )


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (row.value, row.reference)
    bounds = ("" if bound is None else _bound(row, bound) for bound in (row.must, row.aim))
    spread = "" if row.low is None or row.high is None else f"{row.low:.2f} to {row.high:.2f}"
    return (row.name, *map(_figure, numbers), row.unit, f"{row.ratio:.2f}", spread, *bounds, row.mark)


def _bound(row: Row, bound: float) -> str:
    return f"{'>=' if row.better == 'higher' else '<='} {bound:.2f}"


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 1_000 else f"{number:.3g}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
