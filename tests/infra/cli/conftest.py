"""Commands that run within the tests' own process leave it as they found it."""

import logging
import sys
from collections.abc import Iterator

import pytest
from omnibase_infra.telemetry.logs import QUIET_LOGGERS


@pytest.fixture(autouse=True)
def process_restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging and the module path, which belong to a command's process, are put back."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    loggers = [logging.getLogger(), *map(logging.getLogger, QUIET_LOGGERS)]
    before = [(one, one.level, list(one.handlers)) for one in loggers]
    yield
    logging.captureWarnings(False)
    for one, level, handlers in before:
        one.setLevel(level)
        one.handlers[:] = handlers
