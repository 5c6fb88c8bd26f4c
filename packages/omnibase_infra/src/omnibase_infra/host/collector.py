"""Python's garbage collector while a host runs.

A window of decoded envelopes is many young containers that all die soon, and nearly none in a cycle: looking
through them after every 700, as is the default, finds nothing and costs 5 to 20 % of the throughput, more the
larger the payloads are. `uv run python -m tools.bench throughput payload` shows it.
"""

import gc
from collections.abc import Callable
from typing import Final

YOUNG_OBJECTS: Final = 10_000


def relax() -> Callable[[], None]:
    """Has the collector look at young objects less often, unless it is off or set so already.

    Returns what puts the former setting back.
    """
    before = gc.get_threshold()
    if 0 < before[0] < YOUNG_OBJECTS:
        gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    return lambda: gc.set_threshold(*before)
