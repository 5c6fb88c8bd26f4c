"""The watch over a whole host, under which the soak and the chaos of faults run, sees what it is for."""

import asyncio
import threading
import time

import pytest

from tests.fakes.watched import watched
from tests.guards import Breaches

_HANDLER = "async def nothing(): pass\nasync def execute():\n    await asyncio.create_task(nothing())\n"


def seen(breaches: Breaches) -> str:
    """What was noted."""
    return " ".join(breaches.take())


@pytest.mark.asyncio
async def test_a_blocking_call_is_seen() -> None:
    breaches = Breaches()
    with watched(asyncio.get_running_loop(), breaches):
        asyncio.get_running_loop().call_soon(time.sleep, 0.06)
        await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
    assert "blocked for" in seen(breaches)


@pytest.mark.asyncio
async def test_a_thread_is_seen_and_the_resolvers_is_not() -> None:
    breaches = Breaches()
    with watched(asyncio.get_running_loop(), breaches):
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)
        assert breaches.take() == []
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
    assert "a thread was started" in seen(breaches)


@pytest.mark.asyncio
async def test_a_task_of_a_handler_is_seen_and_another_is_not() -> None:
    breaches = Breaches()
    scope: dict[str, object] = {"asyncio": asyncio}
    exec(compile(_HANDLER, "/x/planted/mine.py", "exec"), scope)  # noqa: S102 - a file of that name
    with watched(asyncio.get_running_loop(), breaches, "planted/"):
        await asyncio.create_task(asyncio.sleep(0))
        assert breaches.take() == []
        await scope["execute"]()  # type: ignore[operator]  # the function above
    assert "created a task" in seen(breaches)
