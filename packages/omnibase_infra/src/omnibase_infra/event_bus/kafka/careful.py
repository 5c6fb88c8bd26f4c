"""Keeps a client of the library from creating topics.

It asks for the topics that it knows by name, again and again, and says that they may be created: on a broker that
does so, a topic that was deleted while a host runs would come back, empty and with the broker's defaults.
"""

from collections.abc import Awaitable
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest


def never_creating(client: AIOKafkaClient) -> None:
    """From now on the client asks for metadata without the creation of what is not there."""
    connect = client._get_conn  # noqa: SLF001 - the library has no setting for it

    async def connect_carefully(*place: Any, **options: Any) -> AIOKafkaConnection | None:  # passed on as it comes
        connection = await connect(*place, **options)
        if connection is not None and not isinstance(connection.send, _CarefulSend):
            connection.send = _CarefulSend(connection.send)  # type: ignore[method-assign, assignment]  # of this one
        return connection

    client._get_conn = connect_carefully  # type: ignore[method-assign]  # noqa: SLF001 - of this client alone


class _CarefulSend:
    """A connection's `send`, with which no request creates a topic."""

    def __init__(self, send: Any) -> None:  # its signature is the library's
        self._send = send

    def __call__(self, asked: object, *more: Any, **options: Any) -> Awaitable[Any]:
        if isinstance(asked, MetadataRequest):
            asked._allow_auto_topic_creation = False  # noqa: SLF001 - the library never sets it
        answer: Awaitable[Any] = self._send(asked, *more, **options)
        return answer
