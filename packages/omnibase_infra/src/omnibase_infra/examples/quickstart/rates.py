"""A small HTTP service of exchange rates, so that the quickstart has something to call."""

import asyncio
import json
import socket
from types import TracebackType
from typing import Self

_RATES = {"EUR": "1.0837", "JPY": "0.0064"}
_LONGEST_S = 5.0


class Rates:
    """Answers GET /rates/<currency> on loopback within `async with`; `url` is known before."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server: asyncio.Server | None = None
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(_answer, sock=self._socket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(_LONGEST_S):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            currency = path.removeprefix("/rates/")
            if path.startswith("/rates/") and currency in _RATES:
                await _send(writer, "200 OK", {"currency": currency, "rate": _RATES[currency]})
            else:
                await _send(writer, "404 Not Found", {"known": sorted(_RATES)})
    except (OSError, TimeoutError, EOFError, IndexError, ValueError, asyncio.LimitOverrunError):
        pass  # whoever speaks something else than HTTP here gets no answer
    finally:
        writer.close()


async def _send(writer: asyncio.StreamWriter, status: str, content: object) -> None:
    body = json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(body)}"]
    writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode() + body)
    await writer.drain()
