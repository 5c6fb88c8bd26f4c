"""Commands that run within the tests' own process leave it as they found it."""

import logging
import signal
import sys
from collections.abc import Iterator

import pytest
from omnibase_infra.telemetry.logs import QUIET_LOGGERS


@pytest.fixture(autouse=True)
def process_restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging, signals and the module path, which belong to a command's process, are put back."""
    signals = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(sys, "path", list(sys.path))
    loggers = [logging.getLogger(), *map(logging.getLogger, (*QUIET_LOGGERS, "onex"))]
    before = [(one, one.level, list(one.handlers)) for one in loggers]
    yield
    logging.captureWarnings(False)
    for number, handler in signals.items():
        signal.signal(number, handler)
    for one, level, handlers in before:
        one.setLevel(level)
        one.handlers[:] = handlers
