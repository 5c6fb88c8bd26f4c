"""The table of failures: every exception of the driver has its typed error, and none shows what it said."""

import inspect

import asyncpg
import pytest
from asyncpg.exceptions import InterfaceWarning, PostgresError
from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateEffectError,
    InvalidParameterError,
    ProtocolConfigurationError,
    RuntimeHostError,
    TransientHandlerError,
)
from omnibase_infra.transports.postgres.errors import SQLSTATES, typed_error

CANARY = "c4n4ry"
DRIVER = sorted(
    (
        kind
        for _, kind in inspect.getmembers(asyncpg.exceptions, inspect.isclass)
        if issubclass(kind, Exception) and kind is not InterfaceWarning
    ),
    key=lambda kind: kind.__name__,
)
SERVER = [kind for kind in DRIVER if getattr(kind, "sqlstate", None)]
CLIENT = [kind for kind in DRIVER if not issubclass(kind, PostgresError | Warning)]


def raised(kind: type[Exception]) -> Exception:
    """The exception as the driver makes it, with a value in its message and detail."""
    error = kind(f"message with {CANARY}")
    if isinstance(error, PostgresError):
        error.detail = f"Key (name)=({CANARY}) already exists."
    return error


def test_the_walk_sees_the_whole_driver() -> None:
    assert len(SERVER) > 200
    assert len(CLIENT) >= 8


@pytest.mark.parametrize("kind", SERVER, ids=lambda kind: kind.__name__)
def test_every_sqlstate_that_the_driver_knows_has_its_row(kind: type[PostgresError]) -> None:
    assert kind.sqlstate in SQLSTATES or str(kind.sqlstate)[:2] in SQLSTATES


@pytest.mark.parametrize(
    "kind", [*DRIVER, TimeoutError, ConnectionResetError, OSError], ids=lambda kind: kind.__name__
)
def test_every_exception_becomes_an_error_of_ours_that_shows_nothing_of_it(kind: type[Exception]) -> None:
    for connecting in (False, True):
        error = typed_error(raised(kind), place="statements[3]: ", connecting=connecting)
        assert isinstance(error, RuntimeHostError)
        assert CANARY not in error.message + str(error.details)
        assert kind.__name__ not in error.message


@pytest.mark.parametrize("kind", CLIENT, ids=lambda kind: kind.__name__)
def test_none_of_the_drivers_own_falls_through_the_table(kind: type[Exception]) -> None:
    assert typed_error(raised(kind)).message != "The database driver failed"


@pytest.mark.parametrize(
    ("sqlstate", "kind", "retryable"),
    [
        ("23505", HandlerExecutionError, False),
        ("23999", HandlerExecutionError, False),
        ("40001", TransientHandlerError, True),
        ("40P01", TransientHandlerError, True),
        ("40003", IndeterminateEffectError, False),
        ("57014", HandlerTimeoutError, True),
        ("57P01", HandlerConnectionError, True),
        ("08006", HandlerConnectionError, True),
        ("28P01", HandlerAuthenticationError, False),
        ("42501", HandlerAuthenticationError, False),
        ("53300", TransientHandlerError, True),
        ("55P03", TransientHandlerError, True),
        ("22P02", InvalidParameterError, False),
        ("22012", HandlerExecutionError, False),
        ("42601", HandlerExecutionError, False),
        ("ZZ999", HandlerExecutionError, False),
    ],
)
def test_the_class_of_an_sqlstate_decides(sqlstate: str, kind: type[RuntimeHostError], retryable: bool) -> None:
    typed = typed_error(PostgresError.new({"S": "ERROR", "V": "ERROR", "C": sqlstate, "M": CANARY}))
    assert type(typed) is kind
    assert typed.retryable is retryable
    assert typed.details["sqlstate"] == sqlstate
    assert sqlstate in typed.message


def test_names_and_position_are_passed_on() -> None:
    error = asyncpg.UniqueViolationError("x")
    error.constraint_name, error.table_name, error.schema_name, error.position = "t_pkey", "t", "s", "7"
    assert typed_error(error).details == {
        "sqlstate": "23505",
        "schema": "s",
        "table": "t",
        "constraint": "t_pkey",
        "position": 7,
    }


def test_a_parameter_that_the_driver_refuses_is_named() -> None:
    error = typed_error(
        asyncpg.DataError(f"invalid input for query argument $12: '{CANARY}'"), place="statements[0]: "
    )
    assert isinstance(error, InvalidParameterError)
    assert error.details == {"parameter": "$12"}
    assert error.message.startswith("statements[0]: Parameter $12 ")


def test_a_configuration_that_the_driver_refuses_is_a_configuration_error() -> None:
    assert isinstance(typed_error(raised(asyncpg.exceptions.ClientConfigurationError)), ProtocolConfigurationError)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("exec_parse_message", "The text holds several statements; send one, or db.transaction"),
        ("scanner", "Postgre"),
    ],
)
def test_several_statements_in_one_text_are_told_from_other_faults_of_syntax(function: str, sentence: str) -> None:
    fields = {"S": "ERROR", "V": "ERROR", "C": "42601", "M": CANARY, "R": function}
    assert typed_error(PostgresError.new(fields)).message.startswith(sentence)
