"""A circuit breaker with those who wait for it, and a line in the log for each of its changes."""

import asyncio
import logging
from math import ceil, inf
from typing import Final

from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import HandlerUnavailableError, RuntimeHostError
from omnibase_core.policy.breaker import Breaker, EnumBreakerState

from omnibase_infra.guard.waiting import wait_until, wake
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.guard")
_CLOSED: Final = EnumBreakerState.CLOSED
_NO_TIME: Final = -inf  # before the time of any probe


class Gate:
    """What a call has to pass. whose: the handler, or the node's use of it, as log lines name it.

    Attributes: `opened` (how often), `closed` (recoveries), `refused` (calls that found it open and did not wait).
    """

    def __init__(self, breaker: Breaker, whose: str) -> None:
        self.breaker = breaker
        self.opened = 0
        self.closed = 0
        self.refused = 0
        self._whose = whose
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def is_closed(self) -> bool:
        """Whether calls pass."""
        return self.breaker.state is _CLOSED

    @property
    def waiting(self) -> int:
        """Calls that wait for a chance."""
        return len(self._waiting)

    def pass_through(self) -> int | None:
        """The ticket of a call while the breaker is closed; else None."""
        return self.breaker.enter(_NO_TIME)

    async def enter(
        self,
        envelope: ModelOnexEnvelope,
        *,
        pauses: bool,
        deadline: float | None,
        last: RuntimeHostError | None = None,
    ) -> int:
        """The ticket of a call that may be made.

        pauses: waits for it until the deadline, a time of the loop. last: what the attempt before failed with,
        where this is a retry. Raises HandlerUnavailableError where it does not wait (or `last`), and when the
        deadline has come; WithdrawnError where the wait is ended from outside.
        """
        loop = asyncio.get_running_loop()
        waited = False
        while (ticket := self.breaker.enter(now := loop.time())) is None:
            if not pauses:
                raise last or self._refusal(envelope, now)
            if deadline is not None and now >= deadline:
                raise self._late()
            if not waited:
                self._note("paused", events.GUARD_PAUSED, envelope)
            waited = True
            await wait_until(self._next_chance(deadline), self._waiting)
        if not self.is_closed:
            self._note("let through as a probe", events.GUARD_BREAKER_PROBE, envelope)
        return ticket

    async def change(self, until: float) -> None:
        """Returns when the breaker changes, or at this time of the loop. Raises WithdrawnError."""
        await wait_until(until, self._waiting)

    def succeeded(self, ticket: int) -> None:
        """The server works."""
        if self.breaker.succeed(ticket):
            self.closed += 1
            _log.info(
                "the circuit breaker of %s closed: the server works again",
                self._whose,
                extra={"event": events.GUARD_BREAKER_CLOSED},
            )
            wake(self._waiting)

    def failed(self, ticket: int, envelope: ModelOnexEnvelope, error: RuntimeHostError) -> None:
        """The server does not work, or nobody knows, as the error says."""
        if error.outage is None:
            self.forget(ticket)
        elif not error.outage:
            self.succeeded(ticket)
        elif self.breaker.fail(ticket, now := asyncio.get_running_loop().time()):
            self.opened += 1
            _log.warning(
                "the circuit breaker of %s opened for %.1f s: %s",
                self._whose,
                self.breaker.open_until - now,
                error.message,
                extra=events.about(envelope, events.GUARD_BREAKER_OPENED),
            )
            wake(self._waiting)

    def forget(self, ticket: int) -> None:
        """The call showed nothing."""
        if self.breaker.forget(ticket):
            wake(self._waiting)

    def figures(self) -> JsonObject:
        """State and counts, for health_check."""
        return {
            "breaker": self.breaker.state.value,
            "failures": self.breaker.failures,
            "opened": self.opened,
            "closed": self.closed,
            "refused": self.refused,
            "waiting": self.waiting,
        }

    def _next_chance(self, deadline: float | None) -> float:
        """When to ask again, if no change of the breaker comes first."""
        chance = self.breaker.open_until if self.breaker.state is EnumBreakerState.OPEN else inf
        return chance if deadline is None else min(chance, deadline)

    def _refusal(self, envelope: ModelOnexEnvelope, now: float) -> HandlerUnavailableError:
        self.refused += 1
        self._note("refused", events.GUARD_REFUSED, envelope)
        rest_s = max(0, ceil(self.breaker.open_until - now))
        return HandlerUnavailableError(
            f"The circuit breaker of {self._whose} is open: the call was not made. "
            "Try later, and look why the calls before it failed",
            details={"retry_after_s": rest_s},
        )

    def _late(self) -> HandlerUnavailableError:
        return HandlerUnavailableError(
            f"The circuit breaker of {self._whose} stayed open until the deadline; nothing took effect. "
            "Look why the calls before it failed"
        )

    def _note(self, what: str, event: str, envelope: ModelOnexEnvelope) -> None:
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug(
                "%s by the open circuit breaker of %s",
                what,
                self._whose,
                extra=events.about(envelope, event),
            )
