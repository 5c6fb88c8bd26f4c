"""What each exception of the HTTP libraries is to us: one table, complete, as a test holds."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import h11
import httpcore
import httpx
from omnibase_core.errors import (
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    PoolExhaustedError,
)


class Fault(NamedTuple):
    """What an exception of the library means: our error, and the clause that says it."""

    error: type[HandlerExecutionError]
    clause: str


_NO_ANSWER = Fault(HandlerTimeoutError, "no complete answer within the handler's timeout_ms")
_NOT_CONNECTED = Fault(HandlerConnectionError, "the connection could not be made")
_NOT_IN_TIME = Fault(HandlerTimeoutError, "no connection within connect_timeout_ms")
_BROKEN = Fault(HandlerConnectionError, "the connection broke before the answer was complete")
_NO_HTTP = Fault(HandlerConnectionError, "the server closed the connection early, or what it sent is no HTTP")
_UNSENDABLE = Fault(HandlerExecutionError, "the request cannot be sent as it is")
_NO_SLOT = Fault(
    PoolExhaustedError,
    "no connection became free within connect_timeout_ms; raise max_connections, or send less at once",
)

FAULTS: Final[Mapping[type[Exception], Fault]] = MappingProxyType(
    {
        TimeoutError: _NO_ANSWER,
        OSError: _BROKEN,
        httpx.HTTPError: _BROKEN,
        httpx.RequestError: _BROKEN,
        httpx.TransportError: _BROKEN,
        httpx.TimeoutException: _NO_ANSWER,
        httpx.ConnectTimeout: _NOT_IN_TIME,
        httpx.ReadTimeout: _NO_ANSWER,
        httpx.WriteTimeout: _NO_ANSWER,
        httpx.PoolTimeout: _NO_SLOT,
        httpx.NetworkError: _BROKEN,
        httpx.ConnectError: _NOT_CONNECTED,
        httpx.ReadError: _BROKEN,
        httpx.WriteError: _BROKEN,
        httpx.CloseError: _BROKEN,
        httpx.ProxyError: _NOT_CONNECTED,
        httpx.ProtocolError: _NO_HTTP,
        httpx.RemoteProtocolError: _NO_HTTP,
        httpx.LocalProtocolError: _UNSENDABLE,
        httpx.UnsupportedProtocol: _UNSENDABLE,
        httpx.InvalidURL: _UNSENDABLE,
        httpx.DecodingError: _NO_HTTP,
        httpx.TooManyRedirects: _UNSENDABLE,
        httpx.HTTPStatusError: _NO_HTTP,
        httpx.CookieConflict: _UNSENDABLE,
        httpx.StreamError: _UNSENDABLE,
        httpx.StreamConsumed: _UNSENDABLE,
        httpx.StreamClosed: _BROKEN,
        httpx.ResponseNotRead: _UNSENDABLE,
        httpx.RequestNotRead: _UNSENDABLE,
        httpcore.TimeoutException: _NO_ANSWER,
        httpcore.ConnectTimeout: _NOT_IN_TIME,
        httpcore.ReadTimeout: _NO_ANSWER,
        httpcore.WriteTimeout: _NO_ANSWER,
        httpcore.PoolTimeout: _NO_SLOT,
        httpcore.NetworkError: _BROKEN,
        httpcore.ConnectError: _NOT_CONNECTED,
        httpcore.ReadError: _BROKEN,
        httpcore.WriteError: _BROKEN,
        httpcore.ProxyError: _NOT_CONNECTED,
        httpcore.ProtocolError: _NO_HTTP,
        httpcore.RemoteProtocolError: _NO_HTTP,
        httpcore.LocalProtocolError: _UNSENDABLE,
        httpcore.UnsupportedProtocol: _UNSENDABLE,
        httpcore.ConnectionNotAvailable: _NO_SLOT,
        h11.ProtocolError: _NO_HTTP,
        h11.RemoteProtocolError: _NO_HTTP,
        h11.LocalProtocolError: _UNSENDABLE,
    }
)
"""Every exception that the libraries can raise, and what it is to us; the nearest base class decides."""


def fault_of(error: Exception) -> Fault:
    """The row of FAULTS for an exception that is an instance of one of its classes."""
    return next(FAULTS[kind] for kind in type(error).__mro__ if kind in FAULTS)
