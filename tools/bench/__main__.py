"""`uv run python -m tools.bench [NAME…]`: measures the host, and prints ratios.

Figures are reported and not judged, unless --check is given: then a missed `must` exits 1.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.bench import guard, handlers, mapped, memory, startup, validation
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
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what the arguments name, everything by default; gives the exit code."""
    options = _parser().parse_args(arguments)
    logging.getLogger("onex").setLevel(logging.WARNING)
    effort = Effort(options.rounds, options.scale)
    rows: list[Row] = []
    for name in options.names or MEASUREMENTS:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += MEASUREMENTS[name](effort)
    print(as_text(rows))
    if options.json is not None:
        options.json.write_text(as_json(rows))
    if options.markdown is not None:
        options.markdown.write_text(as_markdown(rows, effort.rounds))
    return int(options.check and any(row.missed for row in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument(
        "names", metavar="NAME", nargs="*", choices=[[], *MEASUREMENTS], help=", ".join(MEASUREMENTS)
    )
    parser.add_argument("--rounds", type=int, default=7, help="how often each side is measured (7)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the number of envelopes in a round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes the rows as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="writes the page of the docs")
    parser.add_argument("--check", action="store_true", help="exits 1 where a ratio misses its must")
    return parser


if __name__ == "__main__":
    sys.exit(main())
