"""The guard: what a handler may cost in time, and what may come out of it."""

import asyncio
import json
import logging
from collections.abc import Callable
from uuid import UUID

import pytest
from omnibase_core.codec import encode
from omnibase_core.enums import EnumErrorCode, EnumHandlerType
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateTimeoutError,
    RuntimeHostError,
)
from omnibase_infra.guard import DEADLINE, Guard
from omnibase_infra.handlers.http_request import OPERATIONS, RequestBuilder

from tests.fakes.handlers import NOW, Perform, ScriptedHandler, echo, handler_binding

REQUEST = ModelOnexEnvelope(
    envelope_id=UUID(int=1),
    correlation_id=UUID(int=0xC0DE),
    target_node="users",
    handler_type=EnumHandlerType.HTTP,
    operation="http.get",
    payload={"url": "https://a.example/"},
    timestamp=NOW,
)


def asking(operation: str) -> ModelOnexEnvelope:
    """The request with another operation."""
    return REQUEST.model_copy(update={"operation": operation})


def guard_of(perform: Perform, timeout_ms: int = 30_000) -> Guard:
    """A guard around an http handler that does this."""
    binding = handler_binding(timeout_ms=timeout_ms, policies={"retry_policy": {"max_retries": 0}})
    return Guard(ScriptedHandler(perform=perform), binding)


async def never(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
    """Does not answer."""
    await asyncio.Event().wait()
    return envelope


def raising(error: Exception) -> Perform:
    """Fails with the error."""

    async def perform(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        raise error

    return perform


async def cut_off_after(guard: Guard, until: Callable[[float], float] | None = None) -> float:
    """How long the guard waits for a handler that never answers, in seconds; `until` makes a deadline of now."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    token = DEADLINE.set(until(started)) if until is not None else None
    try:
        with pytest.raises(HandlerTimeoutError):
            await guard.execute(REQUEST)
    finally:
        if token is not None:
            DEADLINE.reset(token)
    return loop.time() - started


@pytest.mark.asyncio
async def test_what_the_handler_answers_and_says_of_itself_is_passed_on() -> None:
    handler = ScriptedHandler(perform=echo)
    guard = Guard(handler, handler_binding(name="accounts"))
    assert await guard.execute(REQUEST) == await echo(REQUEST)
    assert (guard.name, guard.handler_type) == ("accounts", EnumHandlerType.HTTP)
    assert guard.describe() == handler.describe()
    assert (await guard.health_check()).details["name"] == "handler"


@pytest.mark.asyncio
async def test_a_typed_error_is_passed_on_as_it_is() -> None:
    error = HandlerConnectionError("GET https://a.example: the connection was refused")
    with pytest.raises(HandlerConnectionError) as raised:
        await guard_of(raising(error)).execute(REQUEST)
    assert raised.value is error


@pytest.mark.asyncio
async def test_a_handler_is_cut_off_half_a_second_after_its_timeout() -> None:
    assert 0.5 < await cut_off_after(guard_of(never, timeout_ms=50)) < 2


@pytest.mark.asyncio
async def test_the_deadline_of_the_envelope_comes_first_where_it_is_sooner() -> None:
    assert await cut_off_after(guard_of(never), lambda now: now + 0.05) < 0.5
    assert await cut_off_after(guard_of(never), lambda now: now - 1) < 0.5


@pytest.mark.asyncio
async def test_a_later_deadline_of_the_envelope_does_not_extend_the_timeout() -> None:
    assert await cut_off_after(guard_of(never, timeout_ms=1), lambda now: now + 60) < 2


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("operation", "kind", "config", "safe"),
    [
        ("http.get", EnumHandlerType.HTTP, {"idempotency_key": False}, True),
        ("http.put", EnumHandlerType.HTTP, {"idempotency_key": False}, True),
        ("http.post", EnumHandlerType.HTTP, {"idempotency_key": False}, False),
        ("http.post", EnumHandlerType.HTTP, {}, True),
        ("http.patch", EnumHandlerType.HTTP, {}, True),
        ("db.query", EnumHandlerType.DB, {}, True),
        ("db.execute", EnumHandlerType.DB, {}, False),
        ("db.transaction", EnumHandlerType.DB, {}, False),
        ("db.execute", EnumHandlerType.DB, {"idempotency": "inbox"}, True),
        ("db.transaction", EnumHandlerType.DB, {"idempotency": "inbox"}, True),
        ("vault.get_secret", EnumHandlerType.VAULT, {}, True),
        ("vault.set_secret", EnumHandlerType.VAULT, {}, False),
        ("consul.register_service", EnumHandlerType.CONSUL, {}, True),
    ],
)
async def test_a_timeout_may_be_retried_only_where_repeating_is_safe(
    operation: str, kind: EnumHandlerType, config: dict[str, object], safe: bool
) -> None:
    guard = Guard(ScriptedHandler(kind, never), handler_binding(kind, config))
    token = DEADLINE.set(0.0)
    with pytest.raises(HandlerExecutionError) as raised:
        await guard.execute(asking(operation))
    DEADLINE.reset(token)
    assert type(raised.value) is (HandlerTimeoutError if safe else IndeterminateTimeoutError)
    assert (raised.value.code, raised.value.retryable) == (EnumErrorCode.HANDLER_TIMEOUT, safe)
    assert raised.value.details.get("effect") == (None if safe else "indeterminate")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("keyed", [True, False])
def test_guard_and_http_handler_agree_on_what_may_be_repeated(operation: str, keyed: bool) -> None:
    binding = handler_binding(config={"idempotency_key": keyed})
    builder = RequestBuilder(None, (), idempotency_key=keyed)
    built = builder.build(operation, asking(operation))  # type: ignore[arg-type]  # one of OPERATIONS
    assert built.repeatable is (operation in binding.repeatable_operations)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error", [KeyError("s3cret"), TimeoutError("s3cret"), ConnectionResetError("s3cret"), ValueError("s3cret")]
)
async def test_a_raw_exception_out_of_a_handler_is_a_typed_error_that_says_nothing_of_it(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(RuntimeHostError) as raised:
        await guard_of(raising(error)).execute(REQUEST)
    assert type(raised.value) is HandlerExecutionError
    assert (raised.value.code, raised.value.retryable) == (EnumErrorCode.HANDLER_EXECUTION_ERROR, False)
    on_the_bus = encode(REQUEST.failure(raised.value, timestamp=NOW)).decode()
    told = json.loads(on_the_bus)["error"]
    assert told["message"].startswith("The http handler failed in an unforeseen way")
    for hidden in ("s3cret", type(error).__name__, "Traceback", ".py"):
        assert hidden not in on_the_bus


@pytest.mark.asyncio
async def test_a_raw_exception_is_logged_with_its_trace_under_the_correlation_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = KeyError("x")
    with caplog.at_level(logging.ERROR), pytest.raises(HandlerExecutionError):
        await guard_of(raising(error)).execute(REQUEST)
    (line,) = caplog.records
    assert vars(line)["event"] == "handler.raw_exception"
    assert vars(line)["correlation_id"] == REQUEST.correlation_id
    assert line.exc_info is not None
    assert line.exc_info[1] is error


@pytest.mark.asyncio
async def test_a_raw_exception_while_it_is_cut_off_is_a_defect_and_no_timeout(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def breaks_when_cancelled(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        try:
            return await never(envelope)
        except asyncio.CancelledError:
            raise KeyError("x") from None

    token = DEADLINE.set(0.0)
    with caplog.at_level(logging.CRITICAL), pytest.raises(HandlerExecutionError) as raised:
        await guard_of(breaks_when_cancelled).execute(REQUEST)
    DEADLINE.reset(token)
    assert raised.value.code is EnumErrorCode.HANDLER_EXECUTION_ERROR


@pytest.mark.asyncio
async def test_a_cancellation_from_outside_passes() -> None:
    running = asyncio.create_task(guard_of(never).execute(REQUEST))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.asyncio
async def test_a_handler_that_is_exchanged_is_the_one_that_is_called_next() -> None:
    guard = guard_of(raising(HandlerConnectionError("gone")))
    guard.handler = ScriptedHandler(perform=echo)
    assert (await guard.execute(REQUEST)).success
