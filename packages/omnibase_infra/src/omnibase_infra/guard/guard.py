"""The guard around a handler: it performs what core's policies decide, and lets no raw exception pass (I9).

Rate limit, then retry( breaker( timeout( call ) ) ), all of it within the envelope's deadline.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING

from omnibase_core.contracts.bindings import ModelHandlerBinding, ModelHandlerPolicies
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateTimeoutError,
    RateLimitedError,
    RuntimeHostError,
)
from omnibase_core.policy.bucket import TokenBucket
from omnibase_spi.handler import ProtocolCountingHandler, ProtocolHandler

from omnibase_infra.guard.cutoff import CutOff
from omnibase_infra.guard.line import Line, lines_of
from omnibase_infra.guard.waiting import DEADLINE, wait_until
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.meter import OK, Calls

if TYPE_CHECKING:
    from omnibase_infra.telemetry.tracing import Attempts

_log = logging.getLogger("onex.guard")
_CANCELLED = "CANCELLED"
_NO_OVERRIDES: Mapping[str, ModelHandlerPolicies] = MappingProxyType({})


class Guard:
    """A handler as the runtime sees it. Its identity is stable: the handler inside may be exchanged.

    binding: with the policies of the handler; an `on_open` of None is `fail`. nodes: the policies of the nodes
    that override any, by slug. chance: random numbers of [0, 1), for delays.

    A handler keeps its binding's timeout_ms by itself, and knows best what its time-out means; the guard cuts off
    half a second later whatever did not. It cuts off at once at a node's own, shorter timeout_ms and at the
    envelope's deadline, which says nothing of the server and so is no failure for the breaker.

    Attributes: `handler`, changed by `exchange` only; `renew`, asked where credentials were refused, with the
    handler that made the call and the call's deadline: whether there is another one, which may make it again;
    `attempts`, which puts a span around each attempt, None without traces.
    """

    def __init__(
        self,
        handler: ProtocolHandler,
        binding: ModelHandlerBinding,
        nodes: Mapping[str, ModelHandlerPolicies] = _NO_OVERRIDES,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.handler = handler
        self.name = binding.name
        self._repeatable = binding.repeatable_operations
        self._chance = chance
        self.renew: Callable[[ProtocolHandler, float | None], Awaitable[bool]] | None = None
        self.attempts: Attempts | None = None
        self._cut_off = CutOff()
        self.calls = Calls(handler.describe().operation_names)
        self._line, self._lines = lines_of(binding, nodes, chance)

    @property
    def handler_type(self) -> EnumHandlerType:
        """The handler's."""
        return self.handler.handler_type

    def describe(self) -> ModelHandlerDescription:
        """The handler's."""
        return self.handler.describe()

    @property
    def counts(self) -> Mapping[str, int]:
        """What the handler inside counts by itself; begins anew when it is exchanged."""
        handler = self.handler
        return handler.counts() if isinstance(handler, ProtocolCountingHandler) else {}

    @property
    def lines(self) -> Mapping[str, Line]:
        """The handler's line, under an empty name, and those of the nodes that override its policies, by slug."""
        return {"": self._line, **self._lines}

    @property
    def breakers(self) -> Mapping[str, Line]:
        """The lines that have a circuit breaker of their own, by node as `lines` has them."""
        first = dict[int, str]()
        for node, line in self.lines.items():
            first.setdefault(id(line.gate), node)
        return {node: self.lines[node] for node in first.values()}

    def policies_of(self, node: str) -> ModelHandlerPolicies:
        """What holds for calls of the node with this slug."""
        return self._lines.get(node, self._line).policies

    def exchange(self, handler: ProtocolHandler) -> tuple[ProtocolHandler, CutOff]:
        """Puts another handler in, for all attempts from now on; gives the one before, and its calls under way."""
        before = self.handler, self._cut_off
        self.handler, self._cut_off = handler, CutOff()
        return before

    async def health_check(self) -> ModelHealth:
        """The handler's, with what stands around it: breaker, retries, waits. An open breaker is DEGRADED."""
        health = await self.handler.health_check()
        lines = {self.name: self._line, **{f"{self.name} of {slug}": line for slug, line in self._lines.items()}}
        told = {**health.details, "guard": self._line.figures()}
        if self._lines:
            told["nodes"] = {slug: line.figures() for slug, line in self._lines.items()}
        troubled = {id(line.gate): whose for whose, line in reversed(lines.items()) if not line.gate.is_closed}
        if not troubled or health.status is EnumHealth.UNHEALTHY:
            return health.model_copy(update={"details": told})
        message = f"circuit breaker not closed: {', '.join(sorted(troubled.values()))}"
        return ModelHealth(status=EnumHealth.DEGRADED, message=message, details=told)

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Executes within policies and deadline. Raises RuntimeHostError; WithdrawnError where a wait is ended."""
        line = self._lines.get(envelope.target_node or "", self._line) if self._lines else self._line
        deadline = DEADLINE.get()
        if line.bucket is not None:
            await self._take_token(line, line.bucket, envelope, deadline)
        line.budget.earn()
        gate, failures = line.gate, 0
        last: RuntimeHostError | None = None
        while True:
            ticket = gate.pass_through()
            if ticket is None:
                ticket = await gate.enter(envelope, pauses=line.pauses, deadline=deadline, last=last)
            used = self.handler
            try:
                answer = await self._call(line, envelope, deadline, used, failures)
            except RuntimeHostError as error:
                gate.failed(ticket, envelope, error)
                if failures:
                    error.details["attempts"] = failures + 1
                again = await self._again(line, envelope, error, failures, deadline, used)
                if again is None:
                    raise
                failures, last = again, error
            except BaseException:
                gate.forget(ticket)
                raise
            else:
                gate.succeeded(ticket)
                return answer

    async def _take_token(
        self, line: Line, bucket: TokenBucket, envelope: ModelOnexEnvelope, deadline: float | None
    ) -> None:
        """Waits for the rate limit, unless that is beyond the deadline."""
        now = asyncio.get_running_loop().time()
        wait_s = bucket.take(now, inf if deadline is None else max(0.0, deadline - now))
        if wait_s is None:
            line.rate_limited += 1
            _note(envelope, events.GUARD_RATE_LIMITED, "refused by the rate limit of the %s handler", self.name)
            raise RateLimitedError(
                f"The rate limit of the {self.name} handler lets the call through after the deadline only; it was "
                "not made. Send less at once, or raise rate_limit_per_second"
            )
        if wait_s:
            line.delayed += 1
            await wait_until(now + wait_s)

    async def _again(
        self,
        line: Line,
        envelope: ModelOnexEnvelope,
        error: RuntimeHostError,
        failures: int,
        deadline: float | None,
        used: ProtocolHandler,
    ) -> int | None:
        """Waits until the next attempt is due; gives the number of failures by then, None where there is none.

        Where the breaker is open by now, it is what lets the next attempt through, or ends the retry. Where more
        fails at once than the budget has retries for, a line that pauses waits for the budget, or for the breaker.
        """
        if isinstance(error, HandlerAuthenticationError) and self.renew is not None and not failures:
            return 1 if await self.renew(used, deadline) else None
        while True:
            now = asyncio.get_running_loop().time()
            left_s = inf if deadline is None else deadline - now
            if not error.retryable or left_s <= 0:
                return None
            if not line.gate.is_closed:
                return failures if line.pauses else None
            delay_s = line.schedule.delay(failures + 1, self._chance(), hint_s=_hint(error))
            if delay_s is None or delay_s >= left_s:
                return None
            if line.budget.spend(now):
                break
            if not (line.pauses and error.outage):
                return None
            await line.gate.change(now + min(left_s, 1 / line.budget.per_second))
        line.retries += 1
        _note(envelope, events.GUARD_RETRY, "attempt %d in %.3f s: %s", failures + 2, delay_s, error.message)
        await wait_until(now + delay_s)
        return failures + 1

    async def _call(
        self,
        line: Line,
        envelope: ModelOnexEnvelope,
        deadline: float | None,
        handler: ProtocolHandler,
        failures: int,
    ) -> ModelOnexEnvelope:
        """One attempt, cut off in time. Raises RuntimeHostError, and nothing else. failures: before it.

        A call that was cut off at the caller's deadline shows no outage.
        """
        loop = asyncio.get_running_loop()
        task, time = asyncio.current_task(loop), loop.time
        assert task is not None
        cut_off = self._cut_off
        attempt = None if self.attempts is None else self.attempts.begin(envelope, self.name, failures)
        begun, code = time(), OK
        until = begun + line.limit_s
        is_callers = deadline is not None and deadline < until
        cut_off.begin(task, deadline if deadline is not None and is_callers else until)
        try:
            return await handler.execute(envelope)
        except RuntimeHostError as error:
            code = error.code.value
            raise
        except asyncio.CancelledError:
            code = _CANCELLED
            if not cut_off.end(task):
                raise
            late = self._timed_out(envelope)
            code = late.code.value
            late.outage = None if is_callers else late.outage
            raise late from None
        except Exception as error:
            raw = self._raw(envelope)
            code = raw.code.value
            raise raw from error
        finally:
            cut_off.end(task)
            self.calls.note(envelope.operation, code, time() - begun)
            if attempt is not None:
                attempt.over(code)

    def _raw(self, envelope: ModelOnexEnvelope) -> RuntimeHostError:
        _log.exception(
            "the %s handler let a raw exception out; this is a defect of the handler",
            self.name,
            extra=events.about(envelope, events.HANDLER_RAW_EXCEPTION),
        )
        return HandlerExecutionError(
            f"The {self.handler_type} handler failed in an unforeseen way; "
            "the host's log has the trace under this correlation id"
        )

    def _timed_out(self, envelope: ModelOnexEnvelope) -> RuntimeHostError:
        if envelope.operation in self._repeatable:
            return HandlerTimeoutError(
                "The deadline passed before the handler answered; try again, or allow more time"
            )
        return IndeterminateTimeoutError(
            "The deadline passed while the operation was under way: whether it took effect is unknown; "
            "look before you repeat it, or allow more time"
        )


def _hint(error: RuntimeHostError) -> float | None:
    """The seconds that the server asked to wait for."""
    hint = error.details.get("retry_after_s")
    return float(hint) if isinstance(hint, int | float) else None


def _note(envelope: ModelOnexEnvelope, event: str, text: str, *arguments: object) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug(text, *arguments, extra=events.about(envelope, event))
