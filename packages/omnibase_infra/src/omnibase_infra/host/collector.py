"""Python's garbage collector around a host.

What a start imports and builds stays for good, and looking for garbage in it takes a fifth of the start. A window
of decoded envelopes is many young containers that all die soon, and nearly none in a cycle: looking through them
after every 700, as is the default, costs 5 to 20 % of the throughput, more the larger the payloads are.
`uv run python -m tools.bench start throughput payload` shows both. On Kafka, where a window of thousands is alive,
looking after 50,000 instead of 10,000 saves 7 % more, and not looking at all saves no more than that.
"""

import gc
from collections.abc import Callable
from typing import Final

STARTING_OBJECTS: Final = 200_000
YOUNG_OBJECTS: Final = 50_000


def rest_while_starting() -> None:
    """For a program of ours, before it imports anything heavy: no collection until `relax`."""
    gc.set_threshold(STARTING_OBJECTS, *gc.get_threshold()[1:])


def relax() -> Callable[[], None]:
    """For a host that is up: what is there by now is never looked at again, and young objects less often.

    A collector that is off, or less eager already, keeps its thresholds. Returns what puts everything back.
    """
    before = gc.get_threshold()
    if 0 < before[0] < YOUNG_OBJECTS or before[0] == STARTING_OBJECTS:
        gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    was_frozen = gc.get_freeze_count() > 0
    gc.freeze()

    def put_back() -> None:
        if not was_frozen:
            gc.unfreeze()
        gc.set_threshold(*before)

    return put_back
