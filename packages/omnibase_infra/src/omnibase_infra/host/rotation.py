"""Secrets that change while the host runs: a handler that uses one is rebuilt beside the old one, and swapped.

The new handler is initialised and its health checked before it takes over; the old one is shut down when the calls
that it has under way are done. Where the new one does not work the old one stays, and the next look tries again.
A bus is not rebuilt: it tries the new secrets, and makes its further connections with them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from typing import Final, NamedTuple

from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelHandlerBinding
from omnibase_core.enums import EnumHealth
from omnibase_core.errors import HandlerExecutionError, RuntimeHostError
from omnibase_core.secret import Secret
from omnibase_spi.event_bus import ProtocolEventBus
from omnibase_spi.handler import ProtocolHandler

from omnibase_infra.config.handlers import bus_with_secrets, references_of, with_secrets
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.guard import CutOff, Guard
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.host")
_LEAST_BETWEEN_S: Final = 1.0

MakeHandler = Callable[[ModelHandlerBinding], ProtocolHandler]
Secrets = Mapping[str, Secret]


class _User:
    """Who works with secrets, as people call it. used: those that it has; tried: the last ones that did not work.

    adopt: goes over to others, or raises and stays as it is.
    """

    def __init__(
        self, title: str, references: Iterable[str], secrets: Secrets, adopt: Callable[[Secrets], Awaitable[None]]
    ) -> None:
        self.title = title
        self.references = tuple(references)
        self.used = {reference: secrets[reference] for reference in self.references}
        self.tried: Secrets = {}
        self.adopt = adopt

    def changed(self, secrets: Secrets, since: Secrets) -> list[str]:
        """The references whose secret is another one by now."""
        return [
            reference
            for reference in self.references
            if reference in secrets and not _same(secrets[reference], since.get(reference))
        ]


class BusSecrets(NamedTuple):
    """A bus that is initialised, the binding that it has them from, and the secrets, by reference."""

    bus: ProtocolEventBus
    binding: ModelEventBusBinding
    secrets: Secrets


class Rotation:
    """The handlers and the bus of a host, and the secrets that they were opened with; its tasks are the host's.

    make: a handler of a binding, not initialised. `resolver.refresh_s` says how often it looks.
    """

    def __init__(
        self,
        handlers: Sequence[tuple[Guard, ModelHandlerBinding]],
        secrets: Secrets,
        resolver: SecretResolver,
        make: MakeHandler,
        bus: BusSecrets | None = None,
    ) -> None:
        self._handlers = [(guard, binding) for guard, binding in handlers if references_of(binding)]
        self._users = [
            _User(
                f"handler {guard.name}", references_of(binding), secrets, partial(self._exchange, guard, binding)
            )
            for guard, binding in self._handlers
        ]
        if bus is not None and bus.secrets:
            self._users.append(_User("the event bus", bus.secrets, bus.secrets, partial(_renew, bus)))
        self._resolver = resolver
        self._make = make
        self._looking = asyncio.Lock()
        self._looked = -inf
        self._unreadable: frozenset[str] = frozenset()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begins to look, where the contract says how often and there is something to look for."""
        if self._resolver.refresh_s is None or not self._users:
            return
        for guard, binding in self._handlers:
            guard.renew = partial(self._renewed, guard, binding.timeout_ms / 1_000)
        self._spawn(self._watch(self._resolver.refresh_s), "onex-secrets")

    async def close(self) -> None:
        """Ends looking. Handlers that are not in use, and what they hold, are shut down."""
        for guard, _ in self._handlers:
            guard.renew = None
        await asyncio.sleep(0)  # a task that is cancelled before it has begun would not even shut down its handler
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def look(self) -> None:
        """Looks at every secret once, and brings the changed ones to whoever works with them."""
        references = dict.fromkeys(reference for user in self._users for reference in user.references)
        found, missing = await self._resolver.search(references, fresh=True)
        unreadable = frozenset(each.reference for each in missing)
        for each in missing:
            if each.reference not in self._unreadable:
                _log.warning(
                    "a secret cannot be read any more; whoever works with it goes on with what there is. %s",
                    each,
                    extra={"event": events.ROTATION_UNREADABLE, "references": [each.reference]},
                )
        self._unreadable = unreadable
        pending = [user for user in self._users if user.changed(found, user.used)]
        await asyncio.gather(*(self._bring(user, {**user.used, **_of(user, found)}) for user in pending))

    async def _watch(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            async with self._looking:
                await self._guarded_look()

    async def _renewed(
        self, guard: Guard, timeout_s: float, used: ProtocolHandler, deadline: float | None
    ) -> bool:
        """Whether another handler is there than the one whose credentials a server has just refused.

        Calls that are refused at the same time wait for one look, as long as a call may last; looks are a second
        apart.
        """
        loop = asyncio.get_running_loop()
        refused = loop.time()
        until = min(inf if deadline is None else deadline, refused + timeout_s)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until), self._looking:
                if guard.handler is used and self._looked <= refused:
                    await asyncio.sleep(self._looked + _LEAST_BETWEEN_S - loop.time())
                    await self._guarded_look()
        return guard.handler is not used

    async def _guarded_look(self) -> None:
        self._looked = asyncio.get_running_loop().time()
        try:
            await self.look()
        except Exception:  # noqa: BLE001 - a defect of a source must end neither the looking nor a call
            _log.exception("looking for changed secrets failed", extra={"event": events.ROTATION_FAILED})

    async def _bring(self, user: _User, secrets: Secrets) -> None:
        changed, is_new = user.changed(secrets, user.used), bool(user.changed(secrets, user.tried))
        user.tried = secrets
        said = {"user": user.title, "references": changed}
        if is_new:
            _log.info(
                "secrets of %s have changed: %s",
                user.title,
                ", ".join(changed),
                extra={"event": events.ROTATION_SEEN, **said},
            )
        try:
            await user.adopt(secrets)
        except Exception as error:  # noqa: BLE001 - whatever a handler or a bus raises, the old ones stay
            if is_new:
                _log.warning(
                    "%s does not work with its new secrets, and goes on with the old ones: %s. "
                    "Correct %s; it is tried again by itself",
                    user.title,
                    _reason(error),
                    ", ".join(changed),
                    extra={"event": events.ROTATION_FAILED, **said},
                )
            return
        user.used, user.tried = dict(secrets), {}
        _log.info("%s works with its new secrets", user.title, extra={"event": events.ROTATION_DONE, **said})

    async def _exchange(self, guard: Guard, binding: ModelHandlerBinding, secrets: Secrets) -> None:
        handler = await self._opened(binding, secrets)
        self._spawn(_retire(*guard.exchange(handler)), "onex-retire")

    async def _opened(self, binding: ModelHandlerBinding, secrets: Secrets) -> ProtocolHandler:
        """A handler that works. Raises where there is none, with nothing left behind."""
        handler = self._make(binding)
        try:
            async with asyncio.timeout(binding.timeout_ms / 1_000):
                await handler.initialize(with_secrets(binding, secrets))
                health = await handler.health_check()
            if health.status is EnumHealth.UNHEALTHY:
                raise HandlerExecutionError(health.message or "its health check fails")
        except BaseException:
            await handler.shutdown()
            raise
        return handler

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _of(user: _User, found: Secrets) -> dict[str, Secret]:
    return {reference: found[reference] for reference in user.references if reference in found}


def _same(one: Secret, other: Secret | None) -> bool:
    return other is not None and one.reveal() == other.reveal()


async def _renew(user: BusSecrets, secrets: Secrets) -> None:
    await user.bus.renew(bus_with_secrets(user.binding, secrets))


async def _retire(handler: ProtocolHandler, calls: CutOff) -> None:
    """Shuts a handler down when its calls are done, or at once where the host ends."""
    try:
        await calls.idle()
    finally:
        await handler.shutdown()


def _reason(error: Exception) -> str:
    if isinstance(error, RuntimeHostError):
        return error.message
    return "it was not ready in time" if isinstance(error, TimeoutError) else "it failed in an unforeseen way"
