"""Bounds what a chatty library logs: a text at most once in ten seconds, with how often it was left out."""

import logging
import time
from typing import Final

_WINDOW_S: Final = 10.0
_TEXTS: Final = 500


class OncePerWindow(logging.Filter):
    """Lets a record through when its text, before its arguments are filled in, was not seen for ten seconds.

    What the library says in passing (INFO) is left out: the host has lines of its own for what matters.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.levelno == logging.INFO:
            return False
        now, text = time.monotonic(), (record.levelno, str(record.msg))
        last, left_out = self._seen.get(text, (-_WINDOW_S, 0))
        if now - last < _WINDOW_S:
            self._seen[text] = (last, left_out + 1)
            return False
        if len(self._seen) >= _TEXTS:
            self._seen.clear()
        self._seen[text] = (now, 0)
        if left_out:
            record.msg = f"{record.getMessage()} (and {left_out} times since it was last logged)"
            record.args = ()
        return True


def bound_logger(name: str) -> None:
    """Bounds the loggers of this name and below it that exist; a second time changes nothing."""
    for known in [name, *(each for each in logging.Logger.manager.loggerDict if each.startswith(f"{name}."))]:
        logger = logging.getLogger(known)
        if not any(isinstance(each, OncePerWindow) for each in logger.filters):
            logger.addFilter(OncePerWindow())
