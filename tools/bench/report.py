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

_HEAD = ("what", "ours", "reference", "unit", "ratio", "must", "aim", "")


class Row(NamedTuple):
    """One figure beside its reference.

    value, reference: medians over the rounds, in `unit`. ratio: the median of each round's ratio, which a slow
    moment of the machine changes less than the medians. must, aim: bounds of the ratio, None for information.
    """

    name: str
    value: float
    reference: float
    ratio: float
    must: float | None
    aim: float | None
    better: Better
    unit: str

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
    return Row(name, value, reference, ratio, goal.must, goal.aim, goal.better, unit)


def floor(name: str, unit: str, values: Sequence[float], bound: float, better: Better) -> Row:
    """The row of an absolute figure that the plan demands."""
    value = statistics.median(values)
    return Row(name, value, bound, value / bound, 1.0, None, better, unit)


def as_json(rows: Sequence[Row]) -> str:
    """An array of rows: name, value, reference, ratio, must, aim, better."""
    listed = [{field: value for field, value in row._asdict().items() if field != "unit"} for row in rows]
    return json.dumps(listed, indent=2) + "\n"


def as_text(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    cells = [_HEAD, *map(_cells, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def as_markdown(rows: Sequence[Row], rounds: int) -> str:
    """The page docs/benchmarks.md."""
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in map(_cells, rows))
    return _PAGE.format(
        cpus=os.cpu_count(),
        model=_processor(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        date=datetime.now(UTC).date().isoformat(),
        rounds=rounds,
        head=" | ".join(_HEAD),
        rule="|".join(["---"] * len(_HEAD)),
        table=table,
    )


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (row.value, row.reference)
    bounds = ("" if bound is None else _bound(row, bound) for bound in (row.must, row.aim))
    return (row.name, *map(_figure, numbers), row.unit, f"{row.ratio:.2f}", *bounds, row.mark)


def _bound(row: Row, bound: float) -> str:
    return f"{'>=' if row.better == 'higher' else '<='} {bound:.2f}"


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 1_000 else f"{number:.3g}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


_PAGE = """# Benchmarks

Written by `uv run python -m tools.bench --markdown docs/benchmarks.md`.

Machine: {cpus} CPUs, {model}; {python}; {date}. {rounds} rounds.

| {head} |
|{rule}|
{table}

## How to read it

- Every ratio is ours against a reference that ran in the same round, turn by turn; the table has the median
  over the rounds. The absolute figures are this machine's on this day: compare ratios, not figures, and take two
  ratios closer than a tenth as equal.
- `must` is what a release has to reach, `aim` what we work towards. `floor.*` rows hold absolute figures to what
  the plan of the project demanded.
- `throughput.*`: envelopes of 0.5 kB through the whole host on the in-memory bus, bytes in to bytes out, a COMPUTE
  node that returns its input. The reference of `throughput.loop` is what one would write by hand: two queues of
  1,000, one task, a plain pydantic model, `validate_json` and `to_json` bound once, a response built by the
  model's constructor. It checks less: duplicate keys, ranges of numbers, nesting and the forms of ids and times
  pass. `throughput.codec` is the same loop with this project's envelope, `decode` and `encode`, and
  `throughput.reply` builds the response with `reply()` too.
- `latency.*`: one envelope at a time, host against the first loop.
- `http.p50`, `db.p50`: the handler's `execute` against httpx's client and against one asyncpg connection that
  nobody else uses, for the same request to the same server process. `db.pool_p50` is against asyncpg's pool
  instead, which concurrent callers need, as they need the handler's. `http.host_p50` and `db.host_p50` are through
  the whole host: while it works between two requests, the server's process falls asleep, and waking it is part of
  the figure.
- `start.*`: a fresh interpreter until a host with 10 nodes, the http and the db handler is ready, against a fresh
  interpreter that imports what such a contract needs and defines nothing: asyncio, pydantic with Field and
  JsonValue, which load most of it, yaml, jmespath, httpx with httpcore and anyio,
  asyncpg. `start.rss` is the resident memory of the two after that.
- `nodes.1000`: throughput with 1,000 nodes of like contracts, asked in turn, against 1 node.
- `payload.300kb`: time for each byte of a payload of 300 kB through the whole host, against `decode` and `encode`
  of the same envelope. `payload.growth`: the same against a payload of 0.3 kB.
- `mapped.http`: envelopes through the whole host to a node whose contract builds a POST (url, header, JSON body)
  from typed input and the output from the answer, against a node that passes on what its caller wrote out; the
  same http handler for both, whose transport has the answer at once.
- `expression.path`: `result.rows[0].id`, compiled once, against the jmespath library, whose parser we use.
- `validate.500_nodes`: the whole validation of a runtime contract with 500 nodes (mapped onto http, onto a db
  transaction, passed through, a transform) within one process, against `yaml.load` of the node contracts with
  PyYAML's C loader.
- `validate.*file`, `validate.project`: the `onex-host validate` command as a process, against
  `python -c "import pydantic, yaml, click"`: of a node contract of the quickstart, of a node contract mapped onto
  http, and of the quickstart's runtime contract with all its nodes. pydantic loads most of itself when it is first
  used, so that import is a part of what a program with pydantic models starts with; `validate.file_models` is
  against an interpreter that imports BaseModel, Field, ConfigDict and JsonValue besides.
- `guard.call`: what a call through the guard takes more than the handler's own, breaker closed and nothing to
  retry, in time of the processor. `guard.deadline`: the same for a request with `ttl_seconds`.
- A host lets Python's collector look at young objects less often while it runs; the references run as Python
  comes.
"""
