"""The exception table knows every exception of the libraries, so that a new one cannot stay unmapped."""

from collections.abc import Iterator
from types import ModuleType

import h11
import httpcore
import httpx
import pytest
from omnibase_core.errors import (
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    PoolExhaustedError,
)
from omnibase_infra.transports.http import FAULTS, fault_of


def exceptions_of(module: ModuleType) -> Iterator[type[Exception]]:
    """The exception classes among a module's public names."""
    for name, value in vars(module).items():
        if isinstance(value, type) and issubclass(value, Exception) and not name.startswith("_"):
            yield value


@pytest.mark.parametrize("module", [httpx, httpcore, h11], ids=lambda module: module.__name__)
def test_every_exception_of_a_library_has_a_row_of_its_own(module: ModuleType) -> None:
    classes = set(exceptions_of(module))
    assert classes
    assert classes - set(FAULTS) == set()


def test_no_row_is_there_for_nothing() -> None:
    known = {kind for module in (httpx, httpcore, h11) for kind in exceptions_of(module)}
    assert set(FAULTS) - known == {TimeoutError, OSError}


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (httpcore.PoolTimeout(), PoolExhaustedError),
        (httpcore.ConnectTimeout(), HandlerTimeoutError),
        (httpcore.ReadTimeout(), HandlerTimeoutError),
        (TimeoutError(), HandlerTimeoutError),
        (httpcore.ConnectError(), HandlerConnectionError),
        (ConnectionResetError(), HandlerConnectionError),
        (httpcore.RemoteProtocolError(), HandlerConnectionError),
        (h11.LocalProtocolError("x"), HandlerExecutionError),
        (httpx.InvalidURL("x"), HandlerExecutionError),
    ],
)
def test_an_exception_becomes_the_error_that_says_what_it_means(
    error: Exception, ours: type[HandlerExecutionError]
) -> None:
    assert fault_of(error).error is ours


def test_a_class_without_a_row_follows_its_nearest_base() -> None:
    class FutureTimeout(httpcore.ReadTimeout):
        pass

    assert fault_of(FutureTimeout()) is FAULTS[httpcore.ReadTimeout]
    assert fault_of(ConnectionRefusedError()) is FAULTS[OSError]


def test_no_clause_names_a_class_of_a_library() -> None:
    names = {kind.__name__ for kind in FAULTS}
    assert [fault.clause for fault in FAULTS.values() if names & set(fault.clause.split())] == []
