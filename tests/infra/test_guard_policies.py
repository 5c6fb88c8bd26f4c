"""The guard's policies on a handler that fails as told, in virtual time: every wait is exact and takes none."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from uuid import UUID

import pytest
from omnibase_core.contracts.bindings import ModelHandlerPolicies
from omnibase_core.contracts.runtime_host import ModelNodeEntry
from omnibase_core.enums import EnumErrorCode, EnumHandlerType, EnumHealth
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    HandlerUnavailableError,
    IndeterminateEffectError,
    PoolExhaustedError,
    RateLimitedError,
    RuntimeHostError,
    TransientHandlerError,
    UnexpectedResultError,
)
from omnibase_infra.guard import DEADLINE, Guard

from tests.fakes.handlers import NOW, ScriptedHandler, handler_binding
from tests.fakes.virtual_time import virtually

OUTAGE = HandlerConnectionError("GET https://a.example: the connection could not be made")
PATIENT: Mapping[str, object] = {"retry_policy": {"max_retries": 3, "base_delay_ms": 100, "max_delay_ms": 5_000}}
ONCE: Mapping[str, object] = {"retry_policy": {"max_retries": 0}}
TRIPPING: Mapping[str, object] = {**ONCE, "circuit_breaker": {"failure_threshold": 3, "open_ms": 10_000}}
PAUSING: Mapping[str, object] = {**PATIENT, "circuit_breaker": TRIPPING["circuit_breaker"], "on_open": "pause"}


def asking(number: int = 1, node: str = "users") -> ModelOnexEnvelope:
    """A request of one of the nodes."""
    return ModelOnexEnvelope(
        envelope_id=UUID(int=number),
        correlation_id=UUID(int=number),
        target_node=node,
        handler_type=EnumHandlerType.HTTP,
        operation="http.get",
        payload={"number": number},
        timestamp=NOW,
    )


class Server:
    """Fails with what it is told to, and then answers; notes when it was called.

    failures: taken one by one; `broken`: where it is set, every call fails with it.
    """

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.broken: Exception | None = None
        self.calls: list[float] = []
        self.hold: asyncio.Event | None = None

    async def perform(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """One call."""
        self.calls.append(round(asyncio.get_running_loop().time() - 1_000, 3))
        if self.hold is not None:
            await self.hold.wait()
        if self.broken is not None:
            raise self.broken
        if self.failures:
            raise self.failures.pop(0)
        return envelope.reply(envelope.payload or {}, timestamp=NOW)


def guard_of(
    server: Server,
    policies: Mapping[str, object],
    nodes: Mapping[str, Mapping[str, object]] | None = None,
    chance: float = 0.5,
) -> Guard:
    """A guard with these policies; nodes: what their entries override."""
    binding = handler_binding(policies=policies)
    overriding: dict[str, ModelHandlerPolicies] = {
        slug: ModelNodeEntry.model_validate({"slug": slug, **fields}).policies(binding)
        for slug, fields in (nodes or {}).items()
    }
    return Guard(ScriptedHandler(perform=server.perform), binding, overriding, chance=lambda: chance)


async def outcome(call: Awaitable[ModelOnexEnvelope], deadline_s: float | None = None) -> object:
    """True, or the class of the error; `deadline_s` from now is the envelope's deadline."""
    token = DEADLINE.set(None if deadline_s is None else asyncio.get_running_loop().time() + deadline_s)
    try:
        return (await call).success
    except RuntimeHostError as error:
        return type(error)
    finally:
        DEADLINE.reset(token)


async def turns(count: int = 10) -> None:
    """Lets everything run that needs no time."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_retryable_failure_is_tried_again_after_growing_delays() -> None:
    server = Server(OUTAGE, OUTAGE, OUTAGE)
    assert virtually(outcome(guard_of(server, PATIENT).execute(asking()))) is True
    assert server.calls == [0.0, 0.05, 0.15, 0.35]


def test_after_the_last_retry_the_last_error_is_the_answer_with_the_number_of_attempts() -> None:
    server = Server(OUTAGE, OUTAGE, OUTAGE, PoolExhaustedError("the last one"))
    with pytest.raises(PoolExhaustedError) as failed:
        virtually(guard_of(server, PATIENT).execute(asking()))
    assert (len(server.calls), failed.value.details) == (4, {"attempts": 4})


def test_a_retry_that_finds_the_breaker_open_is_answered_with_what_failed_before() -> None:
    server = Server()
    server.broken = OUTAGE
    policies = {**PATIENT, "circuit_breaker": {"failure_threshold": 3, "open_ms": 10_000}}

    async def scenario() -> list[object]:
        guard = guard_of(server, policies)
        return list(await asyncio.gather(*(outcome(guard.execute(asking(number))) for number in range(4))))

    assert virtually(scenario()) == [HandlerConnectionError] * 3 + [HandlerUnavailableError]
    assert len(server.calls) == 3


@pytest.mark.parametrize(
    "error",
    [
        HandlerExecutionError("for good"),
        IndeterminateEffectError("nobody knows"),
        UnexpectedResultError("not what was expected"),
        KeyError("a defect"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_not_retryable_or_not_safe_is_not_tried_again(error: Exception) -> None:
    server = Server(error)
    assert virtually(outcome(guard_of(server, PATIENT).execute(asking()))) is not True
    assert len(server.calls) == 1


@pytest.mark.parametrize("on_open", ["pause", "fail"])
def test_more_failures_at_once_than_the_budget_has_retries_for_wait_where_the_handler_pauses(
    on_open: str,
) -> None:
    """Successes in between keep the breaker closed, as when a server dies with answers on their way."""
    server = Server(*[OUTAGE] * 40)
    policies = {**PATIENT, "circuit_breaker": {"failure_threshold": 1_000}, "on_open": on_open}

    async def scenario() -> list[object]:
        guard = guard_of(server, policies)
        return list(await asyncio.gather(*(outcome(guard.execute(asking(number))) for number in range(40))))

    outcomes = virtually(scenario())
    assert set(outcomes) == ({True} if on_open == "pause" else {True, HandlerConnectionError})


def test_a_wait_for_the_budget_ends_with_the_deadline() -> None:
    server = Server(*[OUTAGE] * 40)
    policies = {**PATIENT, "circuit_breaker": {"failure_threshold": 1_000}, "on_open": "pause"}

    async def scenario() -> list[object]:
        guard = guard_of(server, policies)
        return list(await asyncio.gather(*(outcome(guard.execute(asking(n)), 0.5) for n in range(40))))

    assert virtually(scenario()).count(True) < 40
    assert server.calls[-1] < 0.5


@pytest.mark.parametrize(("hint_s", "calls"), [(2, [0.0, 2.0]), (0, [0.0, 0.05]), (6, [0.0])])
def test_retry_after_is_waited_for_unless_it_is_over_the_longest_delay(hint_s: int, calls: list[float]) -> None:
    server = Server(TransientHandlerError("status 503", details={"retry_after_s": hint_s}))
    virtually(outcome(guard_of(server, PATIENT).execute(asking())))
    assert server.calls == calls


def test_there_is_no_attempt_that_would_begin_at_the_deadline_and_no_wait_for_it() -> None:
    server = Server(OUTAGE, OUTAGE, OUTAGE)

    async def scenario() -> float:
        assert await outcome(guard_of(server, PATIENT).execute(asking()), 0.3) is HandlerConnectionError
        return asyncio.get_running_loop().time() - 1_000

    assert virtually(scenario()) == pytest.approx(0.15)
    assert server.calls == [0.0, 0.05, 0.15]


def test_where_every_call_fails_only_a_fifth_of_them_is_tried_again() -> None:
    server = Server()
    server.broken = PoolExhaustedError("no connection is free")

    async def scenario() -> None:
        guard = guard_of(server, {"retry_policy": {"max_retries": 3, "base_delay_ms": 0}})
        for number in range(1_000):
            await outcome(guard.execute(asking(number)))

    virtually(scenario())
    assert 1_200 <= len(server.calls) <= 1_215


def test_the_breaker_opens_after_so_many_failures_and_then_no_call_is_made() -> None:
    server = Server()
    server.broken = OUTAGE

    async def scenario() -> list[object]:
        guard = guard_of(server, TRIPPING)
        return [await outcome(guard.execute(asking(number))) for number in range(5)]

    assert virtually(scenario()) == [HandlerConnectionError] * 3 + [HandlerUnavailableError] * 2
    assert len(server.calls) == 3


def test_a_refusal_is_retryable_and_says_when_to_come_back() -> None:
    server = Server(OUTAGE, OUTAGE, OUTAGE)

    async def scenario() -> HandlerUnavailableError:
        guard = guard_of(server, TRIPPING)
        for number in range(3):
            await outcome(guard.execute(asking(number)))
        with pytest.raises(HandlerUnavailableError) as refused:
            await guard.execute(asking())
        return refused.value

    error = virtually(scenario())
    assert (error.code, error.retryable) == (EnumErrorCode.HANDLER_UNAVAILABLE, True)
    assert error.details == {"retry_after_s": 10}


def test_an_open_breaker_ends_the_retry() -> None:
    server = Server()
    server.broken = OUTAGE
    policies = {**PATIENT, "circuit_breaker": {"failure_threshold": 2, "open_ms": 10_000}}
    assert virtually(outcome(guard_of(server, policies).execute(asking()))) is HandlerConnectionError
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (OUTAGE, True),
        (HandlerTimeoutError("no answer"), True),
        (IndeterminateEffectError("COMMIT was not answered"), True),
        (PoolExhaustedError("no connection is free"), False),
        (TransientHandlerError("a deadlock"), False),
        (HandlerExecutionError("a constraint"), False),
        (UnexpectedResultError("another row count"), False),
        (KeyError("a defect of the handler"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_a_server_that_is_out_of_order_opens_the_breaker(error: Exception, counts: bool) -> None:
    server = Server()
    server.broken = error

    async def scenario() -> EnumHealth:
        guard = guard_of(server, TRIPPING)
        for number in range(3):
            await outcome(guard.execute(asking(number)))
        return (await guard.health_check()).status

    assert virtually(scenario()) is (EnumHealth.DEGRADED if counts else EnumHealth.HEALTHY)


def test_the_callers_deadline_is_no_failure_of_the_server() -> None:
    server = Server()

    async def scenario() -> EnumHealth:
        server.hold = asyncio.Event()
        guard = guard_of(server, TRIPPING)
        for number in range(5):
            assert await outcome(guard.execute(asking(number)), 0.1) is HandlerTimeoutError
        return (await guard.health_check()).status

    assert virtually(scenario()) is EnumHealth.HEALTHY


def test_calls_that_never_end_are_cut_off_by_their_timeout_and_open_the_breaker() -> None:
    server = Server()

    async def scenario() -> list[object]:
        server.hold = asyncio.Event()
        guard = guard_of(server, {**TRIPPING, "timeout_ms": 2_000})
        calls = [
            outcome(guard.execute(asking(number)), deadline) for number, deadline in enumerate([None, 60, None])
        ]
        results: list[object] = list(await asyncio.gather(*calls))
        assert asyncio.get_running_loop().time() == pytest.approx(1_002.5)
        return [*results, await outcome(guard.execute(asking()))]

    assert virtually(scenario()) == [HandlerTimeoutError] * 3 + [HandlerUnavailableError]


def test_after_its_time_one_probe_closes_the_breaker() -> None:
    server = Server(OUTAGE, OUTAGE, OUTAGE)

    async def scenario() -> list[object]:
        guard = guard_of(server, TRIPPING)
        for number in range(3):
            await outcome(guard.execute(asking(number)))
        await asyncio.sleep(10)
        server.hold = asyncio.Event()
        probe = asyncio.create_task(outcome(guard.execute(asking())))
        await turns()
        beside = await outcome(guard.execute(asking()))
        server.hold.set()
        return [beside, await probe, await outcome(guard.execute(asking()))]

    assert virtually(scenario()) == [HandlerUnavailableError, True, True]


@pytest.mark.parametrize("end", ["cancelled", "a caller's mistake"])
def test_a_probe_that_shows_nothing_does_not_wedge_the_breaker(end: str) -> None:
    server = Server(OUTAGE, OUTAGE, OUTAGE)

    async def scenario() -> object:
        guard = guard_of(server, TRIPPING)
        for number in range(3):
            await outcome(guard.execute(asking(number)))
        await asyncio.sleep(10)
        server.hold = asyncio.Event()
        probe = asyncio.create_task(guard.execute(asking()))
        await turns()
        if end == "cancelled":
            probe.cancel()
        server.failures = [HandlerExecutionError("no such header")]
        server.hold.set()
        await asyncio.wait([probe])
        server.failures.clear()
        return await outcome(guard.execute(asking()))

    assert virtually(scenario()) is True


def test_a_pause_keeps_calls_until_the_server_works_again() -> None:
    server = Server()
    server.broken = OUTAGE

    async def scenario() -> list[object]:
        guard = guard_of(server, PAUSING)
        calls = [asyncio.create_task(outcome(guard.execute(asking(number)))) for number in range(20)]
        await asyncio.sleep(45)
        assert not any(call.done() for call in calls)
        server.broken = None
        return list(await asyncio.gather(*calls))

    assert virtually(scenario()) == [True] * 20
    assert server.calls == [0.0] * 3 + [10.0, 20.0, 30.0, 40.0] + [50.0] * 20


def test_a_pause_ends_at_the_deadline_of_each_call() -> None:
    server = Server()
    server.broken = OUTAGE

    async def scenario() -> list[tuple[object, float]]:
        guard = guard_of(server, PAUSING)

        async def timed(deadline_s: float) -> tuple[object, float]:
            found = await outcome(guard.execute(asking()), deadline_s)
            return found, asyncio.get_running_loop().time() - 1_000

        return list(await asyncio.gather(*(timed(deadline_s) for deadline_s in (4, 5, 6, 7))))

    assert virtually(scenario()) == [(HandlerUnavailableError, deadline_s) for deadline_s in (4, 5, 6, 7)]


@pytest.mark.parametrize("victim", ["the probe", "one that waits"])
def test_a_paused_call_that_is_cancelled_holds_up_no_other(victim: str) -> None:
    server = Server()
    server.broken = OUTAGE

    async def scenario() -> list[object]:
        guard = guard_of(server, PAUSING)
        calls = [asyncio.create_task(outcome(guard.execute(asking(number)))) for number in range(3)]
        await asyncio.sleep(9.9)
        server.broken, server.hold = None, asyncio.Event()
        await asyncio.sleep(0.2)
        assert len(server.calls) == 4
        calls[0 if victim == "the probe" else 1].cancel()
        await turns()
        server.hold.set()
        return list(await asyncio.gather(*calls, return_exceptions=True))

    results = virtually(scenario())
    assert sorted(map(str, results)) == ["", "True", "True"]


def test_where_a_failure_is_not_safe_to_repeat_a_pause_repeats_it_neither() -> None:
    server = Server()
    server.broken = IndeterminateEffectError("COMMIT was not answered")

    async def scenario() -> list[object]:
        guard = guard_of(server, PAUSING)
        return list(await asyncio.gather(*(outcome(guard.execute(asking(n))) for n in range(4))))

    assert virtually(scenario()) == [IndeterminateEffectError] * 4
    assert len(server.calls) == 4


def test_the_rate_limit_lets_a_burst_through_and_then_one_at_a_time() -> None:
    server = Server()

    async def scenario() -> None:
        guard = guard_of(server, {"rate_limit_per_second": 4})
        await asyncio.gather(*(guard.execute(asking(number)) for number in range(7)))

    virtually(scenario())
    assert server.calls == [0.0] * 4 + [0.25, 0.5, 0.75]


def test_a_call_that_the_rate_limit_makes_late_is_answered_at_once_and_takes_no_token() -> None:
    server = Server()

    async def scenario() -> list[object]:
        guard = guard_of(server, {"rate_limit_per_second": 1})
        first = await outcome(guard.execute(asking()))
        late = await outcome(guard.execute(asking()), 0.9)
        assert asyncio.get_running_loop().time() == 1_000
        return [first, late, await outcome(guard.execute(asking()), 1.1)]

    assert virtually(scenario()) == [True, RateLimitedError, True]
    assert server.calls == [0.0, 1.0]


def test_a_retry_takes_no_further_token() -> None:
    server = Server(OUTAGE, OUTAGE)
    guard = guard_of(server, {**PATIENT, "rate_limit_per_second": 0.01})
    assert virtually(outcome(guard.execute(asking()))) is True
    assert len(server.calls) == 3


def test_a_node_that_overrides_retries_and_deadline_shares_the_breaker() -> None:
    server = Server()
    server.broken = OUTAGE

    async def scenario() -> list[object]:
        guard = guard_of(server, TRIPPING, {"eager": {"retry_policy": {"max_retries": 2, "base_delay_ms": 1}}})
        eager = await outcome(guard.execute(asking(node="eager")))
        return [eager, await outcome(guard.execute(asking(node="users")))]

    assert virtually(scenario()) == [HandlerConnectionError, HandlerUnavailableError]
    assert len(server.calls) == 3


def test_a_node_with_a_breaker_of_its_own_has_failures_of_its_own() -> None:
    server = Server()
    server.broken = OUTAGE

    async def scenario() -> list[object]:
        guard = guard_of(server, TRIPPING, {"touchy": {"circuit_breaker": {"failure_threshold": 1}}})
        await outcome(guard.execute(asking(node="touchy")))
        touchy = await outcome(guard.execute(asking(node="touchy")))
        health = await guard.health_check()
        assert health.message == "circuit breaker not closed: http of touchy"
        return [touchy, await outcome(guard.execute(asking(node="users")))]

    assert virtually(scenario()) == [HandlerUnavailableError, HandlerConnectionError]


@pytest.mark.parametrize(("node", "ends_at"), [("hasty", 1.0), ("patient", 5.5), ("users", 2.0)])
def test_each_node_has_the_time_that_it_allows_itself(node: str, ends_at: float) -> None:
    server = Server()

    async def scenario() -> float:
        server.hold = asyncio.Event()
        nodes = {"hasty": {"timeout_ms": 1_000}, "patient": {"timeout_ms": 5_000}}
        guard = guard_of(server, {**ONCE, "timeout_ms": 2_000}, nodes)
        assert await outcome(guard.execute(asking(node=node))) is HandlerTimeoutError
        return asyncio.get_running_loop().time() - 1_000

    assert virtually(scenario()) == pytest.approx(ends_at)


def test_every_retry_trip_refusal_and_recovery_is_one_line_and_one_count(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(OUTAGE, OUTAGE)
    policies = {
        **PATIENT,
        "circuit_breaker": {"failure_threshold": 2, "open_ms": 10_000},
        "rate_limit_per_second": 3,
    }

    async def scenario() -> Mapping[str, object]:
        guard = guard_of(server, policies)
        await outcome(guard.execute(asking(1)))
        await outcome(guard.execute(asking(2)))
        await asyncio.sleep(10)
        await outcome(guard.execute(asking(3)))
        for number in (4, 5):
            await outcome(guard.execute(asking(number)))
        await outcome(guard.execute(asking(6)), 0.1)
        details = (await guard.health_check()).details["guard"]
        assert isinstance(details, dict)
        return details

    with caplog.at_level(logging.DEBUG, logger="onex.guard"):
        figures = virtually(scenario())
    assert [(vars(line)["event"], line.levelname) for line in caplog.records] == [
        ("guard.retry", "DEBUG"),
        ("guard.breaker_opened", "WARNING"),
        ("guard.refused", "DEBUG"),
        ("guard.breaker_probe", "DEBUG"),
        ("guard.breaker_closed", "INFO"),
        ("guard.rate_limited", "DEBUG"),
    ]
    assert figures == {
        "breaker": "closed",
        "failures": 0,
        "opened": 1,
        "closed": 1,
        "refused": 1,
        "waiting": 0,
        "retries": 1,
        "delayed": 0,
        "rate_limited": 1,
    }


@pytest.mark.parametrize("after_s", [-1e-10, 1e-10], ids=["before", "after"])
def test_a_cancellation_in_the_moment_of_the_cut_off_is_not_swallowed(after_s: float) -> None:
    server = Server()

    async def scenario() -> bool:
        server.hold = asyncio.Event()
        call = asyncio.create_task(guard_of(server, {**ONCE, "timeout_ms": 2_000}).execute(asking()))
        asyncio.get_running_loop().call_later(2.5 + after_s, call.cancel)
        await asyncio.wait([call])
        return call.cancelled()

    assert virtually(scenario())
