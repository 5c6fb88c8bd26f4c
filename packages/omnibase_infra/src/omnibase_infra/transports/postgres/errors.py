"""What failures of PostgreSQL mean to us: one table, from the SQLSTATE (or its class) to a typed error.

The sentences are ours: the server's message and detail may hold values of the data, so neither is passed on.
Names of schemas, tables, columns and constraints are, and the position of a syntax error.
"""

import re
from collections.abc import Mapping
from typing import Final

from asyncpg import Connection
from asyncpg.exceptions import (
    ClientConfigurationError,
    DataError,
    InterfaceError,
    InternalClientError,
    OutdatedSchemaCacheError,
    PostgresError,
    TargetServerAttributeNotMatched,
    UnsupportedClientFeatureError,
)
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
    shown,
)
from pydantic import JsonValue

_Row = tuple[type[HandlerExecutionError], str]

_VALUE: Final[_Row] = (InvalidParameterError, "A value does not fit the type that the statement needs it in")
_SHUTDOWN: Final[_Row] = (HandlerConnectionError, "The database server ended the connection; nothing took effect")
_TEXT: Final[_Row] = (HandlerExecutionError, "PostgreSQL refuses the statement; check its text against the schema")
_STATE: Final[_Row] = (HandlerExecutionError, "The statement does not fit the state of its transaction")
_CONFIGURATION: Final[_Row] = (
    HandlerExecutionError,
    "The server, or one of its extensions, is not set up for this",
)
_UNKNOWN: Final[_Row] = (HandlerExecutionError, "PostgreSQL failed the statement")
_FUNCTION: Final[_Row] = (HandlerExecutionError, "A function or procedure that the statement runs failed")

SQLSTATES: Final[Mapping[str, _Row]] = {
    "01": (HandlerExecutionError, "PostgreSQL raised a warning as an error"),
    "02": (HandlerExecutionError, "The statement found no data where it needs some"),
    "03": _STATE,
    "08": (HandlerConnectionError, "The connection to the database broke"),
    "08P01": (HandlerExecutionError, "The server refuses what the connection asks for"),
    "09": _FUNCTION,
    "0A": (HandlerExecutionError, "PostgreSQL does not support what the statement asks for"),
    "0B": _STATE,
    "0F": _VALUE,
    "0L": (HandlerAuthenticationError, "The database user may not grant this"),
    "0P": (HandlerAuthenticationError, "The role that the statement names is none that may be used"),
    "0Z": _FUNCTION,
    "10": (HandlerExecutionError, "PostgreSQL could not evaluate an XML or JSON expression"),
    "20": _FUNCTION,
    "21": (HandlerExecutionError, "A subquery or an upsert met more rows than it may"),
    "22": (HandlerExecutionError, "A value in the statement or its data cannot be computed with"),
    **dict.fromkeys(("22001", "22003", "22007", "22008", "22021", "22P02", "22P03", "22P05"), _VALUE),
    "23": (HandlerExecutionError, "The statement breaks a constraint"),
    "23502": (HandlerExecutionError, "The statement leaves a column without the value that it must have"),
    "23503": (HandlerExecutionError, "The statement breaks a foreign key"),
    "23505": (HandlerExecutionError, "The statement breaks a unique constraint: such a row exists"),
    "23514": (HandlerExecutionError, "The statement breaks a check constraint"),
    "23P01": (HandlerExecutionError, "The statement breaks an exclusion constraint"),
    "24": _STATE,
    "25": _STATE,
    "25001": (HandlerExecutionError, "The statement cannot run in a transaction, and db.execute always opens one"),
    "25006": (
        HandlerExecutionError,
        "db.query only reads; use db.execute or db.transaction for what writes or locks",
    ),
    "25P03": (TransientHandlerError, "The server ended an idle transaction; nothing took effect"),
    "25P04": (HandlerTimeoutError, "The server ended a transaction that took too long; nothing took effect"),
    "26": (
        HandlerExecutionError,
        "A prepared statement is gone; behind a pooler in transaction mode, set statement_cache_size to 0",
    ),
    "27": _STATE,
    "28": (HandlerAuthenticationError, "The database refuses the user or the password of the DSN"),
    "2B": (HandlerExecutionError, "Other objects still depend on what the statement drops"),
    "2D": _STATE,
    "2F": _FUNCTION,
    "34": _STATE,
    "38": _FUNCTION,
    "39": _FUNCTION,
    "3B": _STATE,
    "3D": (HandlerExecutionError, "The database that the DSN names does not exist"),
    "3F": (HandlerExecutionError, "A schema that the statement names does not exist"),
    "40": (TransientHandlerError, "A concurrent transaction was in the way; nothing took effect"),
    "40001": (TransientHandlerError, "A concurrent transaction could not be serialized with; nothing took effect"),
    "40002": (HandlerExecutionError, "The statement breaks a constraint at the end of its transaction"),
    "40003": (IndeterminateEffectError, "The server does not know whether the statement took effect"),
    "40P01": (TransientHandlerError, "A deadlock with a concurrent transaction was resolved; nothing took effect"),
    "42": _TEXT,
    "42601": (
        HandlerExecutionError,
        "PostgreSQL cannot read the statement; check its text near the position",
    ),
    "42501": (HandlerAuthenticationError, "The database user may not do this; grant it the privilege"),
    "44": (HandlerExecutionError, "The row is not one that the view shows"),
    "53": (TransientHandlerError, "The database server is short of a resource; nothing took effect"),
    "53300": (TransientHandlerError, "The database server takes no more connections; lower pool_size"),
    "54": (HandlerExecutionError, "The statement is beyond a limit of PostgreSQL"),
    "55": (HandlerExecutionError, "An object is not in the state that the statement needs"),
    "55006": (TransientHandlerError, "An object is in use; nothing took effect"),
    "55P03": (TransientHandlerError, "A lock was not to be had in time; nothing took effect"),
    "57": _SHUTDOWN,
    "57014": (HandlerTimeoutError, "The server cancelled the statement, which took too long; nothing took effect"),
    "58": (HandlerExecutionError, "The database server failed outside the database: its disk or its files"),
    "72": (TransientHandlerError, "The server's snapshot is too old; nothing took effect"),
    "F0": _CONFIGURATION,
    "HV": (HandlerExecutionError, "A foreign data wrapper failed"),
    "P0": (HandlerExecutionError, "A function that the statement runs raised an error"),
    "XX": (HandlerExecutionError, "PostgreSQL failed internally"),
}
"""The most exact row holds: the five characters, or else the two of the class."""

FAILURES: Final = (PostgresError, InterfaceError, InternalClientError, OSError)
"""What the driver and the network raise; a timeout is an OSError."""

LOST: Final = frozenset({"08000", "08003", "08006", "08007", "57P01", "57P02", "57P03", "57P05", "25P03"})
"""Codes after which the connection is gone."""

# Short of a resource, or failing outside the database: whatever was asked, the next call meets the same.
_OUTAGES: Final = frozenset({"53", "58"})

# Where the server refuses several statements in one text; its message is in the server's language.
_SEVERAL_STATEMENTS: Final = "exec_parse_message"
_PARAMETER: Final = re.compile(r"query argument (\$\d{1,5})\b")
_DRIVER: Final[tuple[tuple[type[Exception], type[RuntimeHostError], str], ...]] = (
    (ClientConfigurationError, ProtocolConfigurationError, "The db handler's dsn is not usable"),
    (
        UnsupportedClientFeatureError,
        HandlerExecutionError,
        "A type in the statement has no JSON form; cast it in the SQL, to text for example",
    ),
    (OutdatedSchemaCacheError, TransientHandlerError, "A type changed while it was in use; nothing took effect"),
    (TargetServerAttributeNotMatched, HandlerConnectionError, "No server of the dsn is of the wanted kind"),
    (InterfaceError, HandlerConnectionError, "The connection to the database broke; nothing took effect"),
    (InternalClientError, HandlerConnectionError, "The connection to the database broke; nothing took effect"),
)

_NAMES: Final = (
    ("schema", "schema_name"),
    ("table", "table_name"),
    ("column", "column_name"),
    ("constraint", "constraint_name"),
    ("type", "data_type_name"),
)


def typed_error(error: Exception, *, place: str = "", connecting: bool = False) -> RuntimeHostError:
    """The typed error for an exception of the driver or the network.

    `place` stands before the message: which statement of several. `connecting`: no statement was under way.
    """
    parameter = _PARAMETER.search(str(error)) if isinstance(error, DataError | InterfaceError) else None
    if parameter is not None:
        number = parameter.group(1)
        return InvalidParameterError(
            f"{place}Parameter {number} does not fit the type that the statement needs it in",
            details={"parameter": number},
        )
    if isinstance(error, PostgresError):
        return server_error(error, place)
    if isinstance(error, TimeoutError):
        return _late(place, connecting)
    if isinstance(error, OSError):
        return HandlerConnectionError(
            "The database cannot be reached: check host, port and TLS of the dsn, and whether the server runs"
            if connecting
            else f"{place}The connection to the database broke; nothing took effect"
        )
    for kind, become, sentence in _DRIVER:
        if isinstance(error, kind):
            return become(f"{place}{sentence}")
    return HandlerExecutionError(f"{place}The database driver failed")


def server_error(error: PostgresError, place: str = "") -> HandlerExecutionError:
    """The typed error for what the server said: by its SQLSTATE, with the names that it gives."""
    sqlstate = str(error.sqlstate or "XX000")
    kind, sentence = SQLSTATES.get(sqlstate) or SQLSTATES.get(sqlstate[:2]) or _UNKNOWN
    if sqlstate == "42601" and getattr(error, "server_source_function", None) == _SEVERAL_STATEMENTS:
        sentence = "The text holds several statements; send one, or db.transaction for several"
    details: dict[str, JsonValue] = {"sqlstate": shown(sqlstate)}
    for name, attribute in _NAMES:
        value = getattr(error, attribute, None)
        if isinstance(value, str):
            details[name] = shown(value, 128)
    position = getattr(error, "position", None)
    if isinstance(position, str) and position.isdecimal():
        details["position"] = int(position)
    typed = kind(f"{place}{sentence} ({_described(details)})", details=details)
    typed.outage = kind.outage is True or sqlstate[:2] in _OUTAGES
    return typed


def broken(error: BaseException, connection: Connection) -> bool:
    """Whether the failure is that of a connection that is gone, and not of what was asked."""
    if isinstance(error, PostgresError):
        return error.sqlstate in LOST
    if isinstance(error, TimeoutError | RuntimeHostError) or not isinstance(error, Exception):
        return False
    return isinstance(error, OSError) or connection.is_closed()


def _late(place: str, connecting: bool) -> RuntimeHostError:
    if connecting:
        return HandlerConnectionError("The database did not accept a connection in time: check host and port")
    return HandlerTimeoutError(f"{place}The database did not answer in time; nothing took effect")


def _described(details: Mapping[str, JsonValue]) -> str:
    return ", ".join(("SQLSTATE" if name == "sqlstate" else name) + f" {value}" for name, value in details.items())
