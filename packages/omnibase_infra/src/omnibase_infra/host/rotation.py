"""Secrets that change while the host runs: a handler that uses one is rebuilt beside the old one, and swapped.

The new handler is initialised and its health checked before it takes over; the old one is shut down when the calls
that it has under way are done. Where the new one does not work the old one stays, and the next look tries again.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from typing import Final

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.enums import EnumHealth
from omnibase_core.errors import HandlerExecutionError, RuntimeHostError
from omnibase_core.secret import Secret
from omnibase_spi.handler import ProtocolHandler

from omnibase_infra.config.handlers import references_of, with_secrets
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.guard import CutOff, Guard
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.host")
_LEAST_BETWEEN_S: Final = 1.0

MakeHandler = Callable[[ModelHandlerBinding], ProtocolHandler]


class _User:
    """A handler with secrets. used: those that it works with; tried: the last ones that did not work."""

    def __init__(self, guard: Guard, binding: ModelHandlerBinding, secrets: Mapping[str, Secret]) -> None:
        self.guard = guard
        self.binding = binding
        self.references = references_of(binding)
        self.used = {reference: secrets[reference] for reference in self.references}
        self.tried: Mapping[str, Secret] = {}

    def changed(self, secrets: Mapping[str, Secret], since: Mapping[str, Secret]) -> list[str]:
        """The references whose secret is another one by now."""
        return [
            reference
            for reference in self.references
            if reference in secrets and not _same(secrets[reference], since.get(reference))
        ]


class Rotation:
    """The handlers of a host and the secrets that they were opened with; its tasks are the host's.

    make: a handler of a binding, not initialised. `resolver.refresh_s` says how often it looks.
    """

    def __init__(
        self,
        handlers: Sequence[tuple[Guard, ModelHandlerBinding]],
        secrets: Mapping[str, Secret],
        resolver: SecretResolver,
        make: MakeHandler,
    ) -> None:
        self._users = [_User(guard, binding, secrets) for guard, binding in handlers if references_of(binding)]
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
        for user in self._users:
            user.guard.renew = partial(self._renewed, user)
        self._spawn(self._watch(self._resolver.refresh_s), "onex-secrets")

    async def close(self) -> None:
        """Ends looking. Handlers that are not in use, and what they hold, are shut down."""
        for user in self._users:
            user.guard.renew = None
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def look(self) -> None:
        """Looks at every secret once, and exchanges the handlers whose secrets are others by now."""
        references = dict.fromkeys(reference for user in self._users for reference in user.references)
        found, missing = await self._resolver.search(references, fresh=True)
        unreadable = frozenset(each.reference for each in missing)
        for each in missing:
            if each.reference not in self._unreadable:
                _log.warning(
                    "a secret cannot be read any more; its handlers go on with what they have. %s",
                    each,
                    extra={"event": events.ROTATION_UNREADABLE, "references": [each.reference]},
                )
        self._unreadable = unreadable
        pending = [user for user in self._users if user.changed(found, user.used)]
        await asyncio.gather(*(self._exchange(user, {**user.used, **_of(user, found)}) for user in pending))

    async def _watch(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            async with self._looking:
                await self._guarded_look()

    async def _renewed(self, user: _User, used: ProtocolHandler, deadline: float | None) -> bool:
        """Whether another handler is there than the one whose credentials a server has just refused.

        Calls that are refused at the same time wait for one look, as long as a call may last; looks are a second
        apart.
        """
        loop = asyncio.get_running_loop()
        refused = loop.time()
        until = min(inf if deadline is None else deadline, refused + user.binding.timeout_ms / 1_000)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until), self._looking:
                if user.guard.handler is used and self._looked <= refused:
                    await asyncio.sleep(self._looked + _LEAST_BETWEEN_S - loop.time())
                    await self._guarded_look()
        return user.guard.handler is not used

    async def _guarded_look(self) -> None:
        self._looked = asyncio.get_running_loop().time()
        try:
            await self.look()
        except Exception:  # noqa: BLE001 - a defect of a source must end neither the looking nor a call
            _log.exception("looking for changed secrets failed", extra={"event": events.ROTATION_FAILED})

    async def _exchange(self, user: _User, secrets: Mapping[str, Secret]) -> None:
        changed, is_new = user.changed(secrets, user.used), bool(user.changed(secrets, user.tried))
        user.tried = secrets
        said = {"handler": user.guard.name, "references": changed}
        if is_new:
            _log.info(
                "secrets of handler %s have changed: %s",
                user.guard.name,
                ", ".join(changed),
                extra={"event": events.ROTATION_SEEN, **said},
            )
        try:
            handler = await self._opened(user.binding, secrets)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the old one stays
            if is_new:
                _log.warning(
                    "handler %s does not work with its new secrets, and goes on with the old ones: %s. "
                    "Correct %s; it is tried again by itself",
                    user.guard.name,
                    _reason(error),
                    ", ".join(changed),
                    extra={"event": events.ROTATION_FAILED, **said},
                )
            return
        user.used, user.tried = dict(secrets), {}
        self._spawn(_retire(*user.guard.exchange(handler)), "onex-retire")
        _log.info(
            "handler %s works with its new secrets",
            user.guard.name,
            extra={"event": events.ROTATION_DONE, **said},
        )

    async def _opened(self, binding: ModelHandlerBinding, secrets: Mapping[str, Secret]) -> ProtocolHandler:
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


def _of(user: _User, found: Mapping[str, Secret]) -> dict[str, Secret]:
    return {reference: found[reference] for reference in user.references if reference in found}


def _same(one: Secret, other: Secret | None) -> bool:
    return other is not None and one.reveal() == other.reveal()


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
