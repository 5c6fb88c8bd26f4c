"""One line on stderr that changes a few times a second, where somebody can see it."""

import sys
import time
from collections.abc import Callable

import click

_EVERY_S = 0.2


class ProgressLine:
    """The line; nothing at all where stderr is no terminal."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._shows = sys.stderr is not None and sys.stderr.isatty()
        self._next = self._started = monotonic()

    def show(self, done: int, text: str) -> None:
        """Shows a text, and how many a second were `done` on average, unless one was shown just now."""
        now = self._monotonic()
        if self._shows and now >= self._next:
            self._next = now + _EVERY_S
            rate = f", {done / max(now - self._started, 0.001):,.0f}/s" if done else ""
            click.echo(f"\r{text}{rate}\x1b[K", nl=False, err=True)

    def clear(self) -> None:
        """Leaves the line to whatever is printed next."""
        if self._shows:
            click.echo("\r\x1b[K", nl=False, err=True)
