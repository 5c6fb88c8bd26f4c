"""`uv run python -m tools.bench [NAME…]`: measures the host, and prints ratios.

Without names everything that needs no server is measured; `kafka` starts a broker and measures on it. With
`--broker mock` that is librdkafka's mock cluster, which does not carry every part.
Figures are reported and not judged, unless --check is given: then a missed `must` exits 1.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.bench import guard, handlers, mapped, memory, scraping, startup, validation
from tools.bench.kafka.measure import BROKERS, ON_MOCK, PARTS, kafka
from tools.bench.page import IN_MEMORY, KAFKA, MOCK, page
from tools.bench.report import Row, as_json, as_markdown, as_text
from tools.bench.rounds import Effort

MEASUREMENTS: Final[Mapping[str, Callable[[Effort], list[Row]]]] = {
    "throughput": memory.throughput,
    "latency": memory.latency,
    "http": handlers.http,
    "db": handlers.db,
    "start": startup.start,
    "nodes": memory.nodes,
    "payload": memory.payload,
    "mapped": mapped.mapped,
    "expression": mapped.expression,
    "validate": validation.validate,
    "guard": guard.overhead,
    "scrape": scraping.scraping,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what the arguments name, everything by default; gives the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.broker == "mock" and (left := sorted(set(options.names) & (PARTS.keys() - set(ON_MOCK)))):
        parser.error(f"{', '.join(left)}: not on librdkafka's mock; leave out --broker mock")
    logging.getLogger("onex").setLevel(logging.WARNING)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a topic that was just made has no leader yet
    effort = Effort(options.rounds, options.scale, options.backlog)
    rows = _measured(options.names, effort, options.broker)
    print(as_text([row for section in rows.values() for row in section]))
    if options.json is not None:
        options.json.write_text(as_json([row for section in rows.values() for row in section]))
    if options.markdown is not None:
        _write(options.markdown, rows, effort.rounds)
    return int(options.check and any(row.missed for section in rows.values() for row in section))


def _measured(names: Sequence[str], effort: Effort, broker: str) -> dict[str, list[Row]]:
    """The rows by section of the page."""
    rows: dict[str, list[Row]] = {}
    for name in names or MEASUREMENTS:
        if name in MEASUREMENTS:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows.setdefault(IN_MEMORY, []).extend(MEASUREMENTS[name](effort))
    parts = PARTS if broker == "real" else ON_MOCK
    if chosen := [part for part in parts if part in names or "kafka" in names]:
        rows[KAFKA if broker == "real" else MOCK] = kafka(effort, chosen, broker)
    return rows


def _write(file: Path, rows: Mapping[str, Sequence[Row]], rounds: int) -> None:
    before = file.read_text() if file.exists() else ""
    file.write_text(page({title: as_markdown(section, rounds) for title, section in rows.items()}, before))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    known = [*MEASUREMENTS, "kafka", *PARTS]
    parser.add_argument("names", metavar="NAME", nargs="*", choices=[[], *known], help=", ".join(known))
    parser.add_argument("--rounds", type=int, default=7, help="how often each side is measured (7)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the number of envelopes in a round")
    parser.add_argument("--broker", choices=list(BROKERS), default="real", help="what kafka is measured on (real)")
    parser.add_argument(
        "--backlog", type=int, metavar="N", help="requests in the topic over which memory must not grow (100,000)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes the rows as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="writes its section of the page of the docs")
    parser.add_argument("--check", action="store_true", help="exits 1 where a ratio misses its must")
    return parser


if __name__ == "__main__":
    sys.exit(main())
