"""`python -m tools.bench.loopback`: an HTTP server in a process of its own, which answers everything alike.

It prints its port, and ends when its standard input does.
"""

import asyncio
import sys

_BODY = b'{"user_id":"u-123","name":"Ada Lovelace","email":"ada@example.com","active":true,"orders":[1,2,3]}'
_RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)


class _Answering(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            _, _, self._received = self._received.partition(b"\r\n\r\n")
            if self._transport is not None:
                self._transport.write(_RESPONSE)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    loop.add_reader(sys.stdin, ended.set_result, None)
    async with await loop.create_server(_Answering, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await ended
        loop.remove_reader(sys.stdin)


if __name__ == "__main__":
    asyncio.run(_serve())
