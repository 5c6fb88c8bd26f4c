"""`uv run python -m tools.faults [--images FOLDER] [NAME…]`: kills the servers of a host one by one.

For each fault: what `/health/ready`, the log and the console say. With --images the console is photographed, by
Chromium, into FOLDER: the pictures of docs/operating.md.
"""

import argparse
import json
import logging
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.faults.ground import Ground, ground
from tools.faults.trials import FAULTS, await_well, broken, views

_SHOWS_AFTER_S: Final = 14.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries the faults that are named, all by default."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(FAULTS))
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photographs the console")
    options = parser.parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the load's own client, while the broker is away
    with tempfile.TemporaryDirectory() as folder, ground(Path(folder)) as its, its.running() as process:
        await_well(its)
        for name in options.names or FAULTS:
            _try(its, name, options.images)
            await_well(its)
        print(f"exit code {its.stop(process)} after {its.sent} requests, all answered")
    return 0


def _try(its: Ground, name: str, images: Path | None) -> None:
    with broken(its, name) as since:
        time.sleep(_SHOWS_AFTER_S)
        seen = views(its, since)
        events = [json.loads(line) for line in seen.log.splitlines() if line.startswith("{")]
        told = sorted(
            {f"{line['level']} {line['event']}" for line in events if line["level"] != "INFO" and "event" in line}
        )
        print(f"== {name}\n{seen.ready}\n{seen.page}\n{told}\n")
        if images is not None:
            photograph(its.address, images / f"fault-{name.lower()}.png")


def photograph(address: str, file: Path) -> None:
    """The console, as a browser shows it. Raises RuntimeError where there is no Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise RuntimeError("no chromium; install the package of that name")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={profile}", "--window-size=960,720", "--virtual-time-budget=4000"),
                *(f"--screenshot={file}", f"{address}/"),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )


if __name__ == "__main__":
    sys.exit(main())
