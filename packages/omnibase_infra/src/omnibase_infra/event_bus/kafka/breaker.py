"""Failures of the bus in a row stop consumption for a while: nothing is started that could not be answered."""

import logging
from collections.abc import Callable
from typing import Final

from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.meter import BusMeter

_log = logging.getLogger("onex.bus")
OPEN_S: Final = 30.0


class BusBreaker:
    """Counts failures in a row. Open for `OPEN_S` seconds, or until something succeeds.

    changed: called when it opens or closes. meter: has its figures.
    """

    def __init__(
        self,
        threshold: int,
        clock: Callable[[], float],
        changed: Callable[[], None],
        meter: BusMeter | None = None,
    ) -> None:
        self._meter = meter or BusMeter()
        self._threshold = threshold
        self._clock = clock
        self._changed = changed
        self._open_until: float | None = None
        self.last_failure: str | None = None

    @property
    def failures(self) -> int:
        """How many in a row."""
        return self._meter.failures

    def is_open(self) -> bool:
        """Whether consumption stands still."""
        return self._open_until is not None and self._clock() < self._open_until

    def reason(self) -> str | None:
        """Why consumption stands still; None where it does not."""
        return f"the bus failed {self.failures} times in a row: {self.last_failure}" if self.is_open() else None

    def note(self, failure: str | None) -> None:
        """Something of the bus succeeded (None), or failed, and how."""
        if failure is None:
            self._meter.failures = 0
            if self._open_until is not None:
                self._open_until = None
                _log.info("the bus works again; consumption goes on", extra={"event": events.BUS_RECOVERED})
                self._changed()
            return
        self._meter.failures += 1
        self.last_failure = failure
        if self.failures >= self._threshold and not self.is_open():
            self._open_until = self._clock() + OPEN_S
            self._meter.suspensions += 1
            _log.error(
                "%d failures of the bus in a row; consumption stops for %.0f s or until it works again: %s",
                self.failures,
                OPEN_S,
                failure,
                extra={"event": events.BUS_SUSPENDED, "failures": self.failures},
            )
            self._changed()
