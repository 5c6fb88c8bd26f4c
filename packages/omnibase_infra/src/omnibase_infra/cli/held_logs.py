"""Log lines that are only worth reading where something went wrong. Imported within commands only."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Held(logging.Handler):
    """Keeps every record."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class HeldLogs:
    """The records that were held back; `release` writes them where they would have gone."""

    def __init__(self, held: _Held, handlers: list[logging.Handler]) -> None:
        self._held = held
        self._handlers = handlers

    def release(self) -> None:
        """Writes what was held back."""
        for record in self._held.records:
            for handler in self._handlers:
                if record.levelno >= handler.level:
                    handler.handle(record)


@contextmanager
def held_logs() -> Iterator[HeldLogs]:
    """Holds back the log lines of its body."""
    root, held = logging.getLogger(), _Held()
    before = list(root.handlers)
    root.handlers[:] = [held]
    try:
        yield HeldLogs(held, before)
    finally:
        root.handlers[:] = before
