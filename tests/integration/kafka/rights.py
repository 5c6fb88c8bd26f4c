"""Rights of a Kafka user, granted as an administrator does it: a request that the client library does not have."""

from collections.abc import Sequence

from aiokafka.conn import create_conn
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Schema, String

READ, WRITE, DESCRIBE = 3, 4, 8
TOPIC, GROUP = 2, 3
_LITERAL, _ALLOW = 3, 3


class _Response(Response):
    API_KEY = 30
    API_VERSION = 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32), ("results", Array(("error_code", Int16), ("error_message", String("utf-8"))))
    )


class _Struct(RequestStruct):
    API_KEY = 30
    API_VERSION = 1
    RESPONSE_TYPE = _Response
    SCHEMA = Schema(
        (
            "creations",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                ("pattern_type", Int8),
                ("principal", String("utf-8")),
                ("host", String("utf-8")),
                ("operation", Int8),
                ("permission", Int8),
            ),
        )
    )


class _CreateAcls(Request[_Struct]):
    API_KEY = 30

    def __init__(self, rights: Sequence[tuple[object, ...]]) -> None:
        self._rights = rights

    def build(self, request_struct_class: type[_Struct]) -> _Struct:
        """The request itself."""
        return request_struct_class(self._rights)


async def grant(server: str, user: str, rights: Sequence[tuple[int, str, int]]) -> None:
    """Gives the user rights: resource type, its name, the operation."""
    host, _, port = server.rpartition(":")
    connection = await create_conn(host, int(port))
    try:
        answer = await connection.send(
            _CreateAcls([(kind, name, _LITERAL, f"User:{user}", "*", what, _ALLOW) for kind, name, what in rights])
        )
    finally:
        connection.close()
    assert not any(code for code, _ in answer.results), answer
