"""What checks are made of: a promise that is kept or not, and waiting that ends."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Final, TypeVar

PATIENCE_S: Final[ContextVar[float]] = ContextVar("conformance_patience_s", default=10.0)
"""How long a check waits for what must happen, in seconds; set it for an implementation that needs longer."""

QUIET_S: Final[ContextVar[float]] = ContextVar("conformance_quiet_s", default=0.1)
"""How long a check listens for what must not happen, in seconds."""

_Result = TypeVar("_Result")


def promised(kept: bool, sentence: str) -> None:
    """Raises AssertionError with the sentence where the promise is not kept, with `python -O` too."""
    if not kept:
        raise AssertionError(sentence)


async def in_time(work: Awaitable[_Result], what: str) -> _Result:
    """The result of the work. Raises AssertionError where it does not end, or raises anything."""
    try:
        return await bounded(work, what)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{what} must not raise; it raised {type(error).__name__}: {error}") from error


async def bounded(work: Awaitable[_Result], what: str) -> _Result:
    """The result of the work, or what it raises. Raises AssertionError where it does not end."""
    limit = asyncio.timeout(PATIENCE_S.get())
    try:
        async with limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
    raise AssertionError(f"{what} did not end within {PATIENCE_S.get():g} s")


async def refused(work: Awaitable[object], error: type[Exception], what: str) -> None:
    """Waits for the work, which must raise `error` and nothing else."""
    try:
        await bounded(work, what)
    except error:
        return
    except AssertionError:
        raise
    except Exception as other:
        raise AssertionError(f"{what} must raise {error.__name__}; it raised {type(other).__name__}") from other
    raise AssertionError(f"{what} must raise {error.__name__}; it raised nothing")


class Watch:
    """Lets a check wait until something that it notes is so."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def note(self) -> None:
        """Something has changed."""
        self._news.set()

    async def until(self, condition: Callable[[], bool], sentence: str) -> None:
        """Returns when the condition holds. Raises AssertionError with the sentence when patience ends."""
        try:
            async with asyncio.timeout(PATIENCE_S.get()):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(sentence) from None


async def quiet() -> None:
    """Listens for a while, so that what must not happen had its chance."""
    await asyncio.sleep(QUIET_S.get())
