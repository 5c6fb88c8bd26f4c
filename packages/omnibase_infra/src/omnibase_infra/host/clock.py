"""Time and ids, as the host passes them to everything that needs them; tests pass their own."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID, uuid4


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class Clock(NamedTuple):
    """now: wall clock, UTC. monotonic: seconds that never go back, the event loop's. new_id: random UUIDs."""

    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    new_id: Callable[[], UUID] = uuid4
