"""Ends a client of the library within a bound: its own `stop` waits for brokers, and a broker may not answer."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aiokafka.client import AIOKafkaClient

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    Client = AIOKafkaConsumer | AIOKafkaProducer

_FORCED_S: Final = 0.5


async def end_client(client: "Client", within_s: float) -> bool:
    """Stops the client. One that does not stop in time is taken apart: its tasks are cancelled and its connections
    closed, so that nothing of it is sent later. Whether it stopped by itself; never raises.
    """
    stopping = asyncio.ensure_future(client.stop())
    done, _ = await asyncio.wait([stopping], timeout=within_s)
    if done and not stopping.cancelled() and stopping.exception() is None:
        return True
    parts = [part for part in vars(client).values() if type(part).__module__.startswith("aiokafka")]
    tasks = [stopping, *_tasks_of(parts)]
    closing = [asyncio.ensure_future(part.close()) for part in parts if isinstance(part, AIOKafkaClient)]
    for task in tasks:
        task.cancel()
    await asyncio.wait([*tasks, *closing], timeout=_FORCED_S)
    for part in closing:
        part.cancel()
    return False


def _tasks_of(parts: Sequence[object]) -> list["asyncio.Task[object]"]:
    """The running tasks whose coroutine is a method of one of the parts."""
    found = []
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        owner = None if frame is None else frame.f_locals.get("self")
        if owner is not None and any(owner is part for part in parts):
            found.append(task)
    return found
