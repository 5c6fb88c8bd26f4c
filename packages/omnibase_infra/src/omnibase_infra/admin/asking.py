"""One request to a server of ours on this machine, and its answer: for commands that talk to a host that runs."""

import asyncio
from typing import Final, NamedTuple

import h11

_LONGEST_BYTES: Final = 128 * 1024 * 1024
_CHUNK: Final = 64 * 1024


class Asked(NamedTuple):
    """The answer of a server."""

    status: int
    body: bytes


async def post(address: str, port: int, path: str, body: bytes) -> Asked:
    """POSTs JSON. Raises OSError where nobody listens, or what answers is no server of ours."""
    reader, writer = await asyncio.open_connection(address, port)
    host = f"[{address}]" if ":" in address else address
    http = h11.Connection(h11.CLIENT)
    headers = [
        ("host", f"{host}:{port}"),
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("connection", "close"),
    ]
    try:
        for event in (
            h11.Request(method="POST", target=path, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            writer.write(http.send(event) or b"")
        await writer.drain()
        return await _answer(reader, http)
    except h11.RemoteProtocolError as error:
        raise ConnectionError(f"what answers there is no server of ours: {error}") from None
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, http: h11.Connection) -> Asked:
    status, body = 0, bytearray()
    while True:
        event = http.next_event()
        match event:
            case h11.Response():
                status = event.status_code
            case h11.Data():
                body += event.data
                if len(body) > _LONGEST_BYTES:
                    raise ConnectionError(f"the answer has more than {_LONGEST_BYTES} bytes")
            case h11.EndOfMessage():
                return Asked(status, bytes(body))
            case h11.ConnectionClosed():
                raise ConnectionError("the connection was closed before the answer came")
            case _:
                http.receive_data(await reader.read(_CHUNK))
