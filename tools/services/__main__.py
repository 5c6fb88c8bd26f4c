"""`uv run python -m tools.services fetch|build|up|down|status [NAME…] [--json]`: real servers on loopback.

fetch gets what a server needs (build is another word for it, for what is built from source), up starts it, too,
down stops it and forgets its data, and status, with exit code 1 where one does not run, says how to connect.
Without names down and status mean all.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from tools.services.base import Connection, Service, ServiceError
from tools.services.process import alone
from tools.services.registry import SERVICES, shared

_NAMED = ("fetch", "build", "up")


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the arguments say; gives the exit code."""
    options = parser().parse_args(arguments)
    names: Sequence[str] = options.names or tuple(SERVICES)
    if options.action in _NAMED and not options.names:
        print(f"Name what to {options.action}: {', '.join(SERVICES)}", file=sys.stderr)
        return 2
    found: dict[str, Connection] = {}
    for name in names:
        try:
            _act(options.action, shared(name))
            found[name] = _report(shared(name))
        except ServiceError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    print(json.dumps(found, indent=2) if options.json else _text(found))
    return int(options.action == "status" and any(report["state"] != "running" for report in found.values()))


def _act(action: str, service: Service) -> None:
    if action == "status":
        return
    if action in _NAMED:
        service.fetch()
    if action in ("up", "down"):
        with alone(service.folder):
            service.start() if action == "up" else service.stop()


def _report(service: Service) -> Connection:
    state = service.state
    return {"state": state, **(service.connection() if state != "stopped" else {})}


def _text(found: Mapping[str, Connection]) -> str:
    return "\n".join(line for name, report in found.items() for line in (f"{name}:", *_lines(report, "  ")))


def _lines(report: Mapping[str, object], indent: str) -> Sequence[str]:
    lines: list[str] = []
    for name, value in report.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {value}")
    return lines


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m tools.services", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("action", choices=(*_NAMED, "down", "status"))
    made.add_argument("names", metavar="NAME", nargs="*", choices=[[], *SERVICES], help=", ".join(SERVICES))
    made.add_argument("--json", action="store_true", help="prints JSON")
    return made


if __name__ == "__main__":
    sys.exit(main())
