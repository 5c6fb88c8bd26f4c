"""docs/resilience.md: what becomes of a failure is what its error says; defaults and log events are the code's."""

from collections.abc import Mapping
from typing import Final

import pytest
from asyncpg.exceptions import (
    DeadlockDetectedError,
    InvalidPasswordError,
    OutOfMemoryError,
    PostgresError,
    UniqueViolationError,
)
from omnibase_core.contracts.bindings import ModelCircuitBreaker, ModelRetryPolicy
from omnibase_core.errors import (
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateEffectError,
    IndeterminateTimeoutError,
    InvalidParameterError,
    PoolExhaustedError,
    RuntimeHostError,
    UnexpectedResultError,
)
from omnibase_core.urls import parse
from omnibase_infra.handlers.http_result import result_of
from omnibase_infra.telemetry import events
from omnibase_infra.transports.exchange import HttpAnswer, HttpRequest
from omnibase_infra.transports.postgres.errors import server_error
from pydantic import BaseModel

from tests.docs.tables import section, table
from tests.fakes.handlers import NOW

PAGE: Final = "resilience.md"
BREAKER: Final = {True: "counts it", False: "sees a server that works", None: "ignores it"}


def answered(status: int, *, repeatable: bool = True) -> RuntimeHostError:
    """What an answer with this status is."""
    request = HttpRequest("POST", parse("https://a.example/"), repeatable=repeatable)
    with pytest.raises(RuntimeHostError) as failed:
        result_of(request, HttpAnswer(status, ()), NOW)
    return failed.value


def of_server(error: PostgresError) -> RuntimeHostError:
    """What the database's error is."""
    return server_error(error)


FAILURES: Final[Mapping[str, tuple[RuntimeHostError, ...]]] = {
    "the server cannot be reached": (HandlerConnectionError(""),),
    "no answer within timeout_ms, and repeating is safe": (HandlerTimeoutError(""),),
    "no answer within timeout_ms, and it may": (IndeterminateTimeoutError(""),),
    "status 5xx, and repeating is safe": (answered(500), answered(503), of_server(OutOfMemoryError(""))),
    "status 5xx, or COMMIT": (answered(502, repeatable=False), IndeterminateEffectError("")),
    "COMMIT was not answered, and an inbox": (HandlerConnectionError(""),),
    "status 408 or 429": (
        answered(408),
        answered(429),
        answered(429, repeatable=False),
        of_server(DeadlockDetectedError("")),
    ),
    "no connection became free": (PoolExhaustedError(""),),
    "a constraint": (of_server(UniqueViolationError("")),),
    "the server refuses our credentials": (of_server(InvalidPasswordError("")),),
    "expect is not met": (UnexpectedResultError(""),),
    "a field of the payload": (InvalidParameterError(""),),
    "the handler let a raw exception out": (HandlerExecutionError(""),),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_becomes_what_its_error_says(failure: str) -> None:
    (row,) = [
        cells for cells in table(section(PAGE, "What becomes of each failure")) if cells[0].startswith(failure)
    ]
    for error in FAILURES[failure]:
        told = (error.code.value, "yes" if error.retryable else "no", BREAKER[error.outage])
        assert tuple(cells.strip() for cells in row[1:]) == told, error


@pytest.mark.parametrize(("heading", "model"), [("Retry", ModelRetryPolicy), ("Breaker", ModelCircuitBreaker)])
def test_the_defaults_are_the_models(heading: str, model: type[BaseModel]) -> None:
    written = {row[0]: row[1] for row in table(section(PAGE, heading))}
    assert written == {name: str(field.default) for name, field in model.model_fields.items()}


def test_every_event_of_a_guard_is_named() -> None:
    known = {value for name, value in vars(events).items() if name.startswith("GUARD_")}
    assert {row[0] for row in table(section(PAGE, "Watching"))} == known
