"""The start of a host: the threads that it allows, its bus, its interruption, and the line about its failure."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from omnibase_core.errors import RuntimeHostError
from omnibase_core.secret import Secret

from omnibase_infra.config.handlers import bus_with_secrets, find_bus_secrets
from omnibase_infra.host.ending import ended
from omnibase_infra.host.parts import HostParts
from omnibase_infra.host.rotation import BusSecrets, Rotation
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.host")
_DNS_THREADS: Final = 2


def allow_dns_threads() -> None:
    """The only threads that there are: the loop looks names up in them."""
    executor = ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="onex-dns")
    asyncio.get_running_loop().set_default_executor(executor)


async def bus_opened(parts: HostParts, of_handlers: Mapping[str, Secret]) -> Rotation:
    """Initialises the bus; gives what will look for changed secrets, its own and those of the handlers."""
    secrets = await find_bus_secrets(parts.binding, parts.resolver)
    await parts.bus.initialize(bus_with_secrets(parts.binding, secrets))
    own = BusSecrets(parts.bus, parts.binding, secrets)
    return Rotation(parts.handlers, of_handlers, parts.resolver, parts.make, own)


async def unless_stopped(start: Coroutine[object, object, None], stop: asyncio.Event) -> None:
    """Runs the start, which is cancelled when the stop comes first. Raises what it meets."""
    starting = asyncio.create_task(start, name="onex-start")
    stopping = asyncio.create_task(_set(stop), name="onex-stopping")
    try:
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
    finally:
        await ended(stopping)
        if not starting.done():
            await ended(starting)


async def _set(event: asyncio.Event) -> None:
    await event.wait()


@contextmanager
def start_failure_told() -> Iterator[None]:
    """One line about a start that fails; with a trace where the error does not say enough by itself."""
    try:
        yield
    except BaseException as error:
        _say(error)
        raise


def _say(error: BaseException) -> None:
    told = {"code": error.code, "reason": error.message} if isinstance(error, RuntimeHostError) else {}
    _log.error(
        "the start failed; what was started is undone: %s",
        told.get("reason") or type(error).__name__,
        exc_info=None if told else error,
        extra={"event": events.HOST_START_FAILED, **told},
    )
