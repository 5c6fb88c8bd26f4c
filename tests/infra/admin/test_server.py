"""The host's own HTTP server, asked over real sockets by peers good, clumsy and hostile."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import h11
import pytest
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_infra.admin.server import AdminServer, Answer, Limits, Request

_SHORT = Limits(connections=3, head_s=0.2, idle_s=0.2, answer_s=0.2)


async def fine(_: Request) -> Answer:
    """A page."""
    return Answer(200, b'{"status": "live"}\n')


async def broken(_: Request) -> Answer:
    """A page with a defect."""
    raise LookupError("hunter2")


async def slow(_: Request) -> Answer:
    """A page that never comes."""
    await asyncio.Event().wait()
    raise AssertionError


PAGES = {"/health/live": fine, "/broken": broken, "/slow": slow}


@asynccontextmanager
async def served(limits: Limits | None = None) -> AsyncIterator[AdminServer]:
    """A server on a free port."""
    async with AdminServer(PAGES, "127.0.0.1", 0, limits or Limits()) as server:
        yield server


async def said(server: AdminServer, request: bytes, *, end: bool = True) -> bytes:
    """Everything that the server says to this, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(request)
        if end:
            writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    except OSError:  # the server was quicker to close
        return b""
    finally:
        writer.transport.abort()


def request(path: str = "/health/live", method: str = "GET", *more: str) -> bytes:
    """A request as clients write it."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: probe", *more, "", ""]).encode()


def parsed(raw: bytes, method: str = "GET") -> list[tuple[int, dict[str, str], bytes]]:
    """The responses in these bytes, read by another implementation's client side."""
    client = h11.Connection(h11.CLIENT)
    found = list[tuple[int, dict[str, str], bytes]]()
    client.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(raw)
    status, headers, body = 0, dict[str, str](), b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status, headers = event.status_code, {k.decode(): v.decode() for k, v in event.headers}
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        else:
            raise AssertionError(event)
    found.append((status, headers, body))
    return found


@pytest.mark.asyncio
async def test_a_page_is_answered() -> None:
    async with served() as server:
        [(status, headers, body)] = parsed(await said(server, request()))
    assert (status, body) == (200, b'{"status": "live"}\n')
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"


@pytest.mark.asyncio
async def test_a_query_changes_nothing() -> None:
    async with served() as server:
        assert (await said(server, request("/health/live?verbose=1"))).startswith(b"HTTP/1.1 200")


@pytest.mark.asyncio
async def test_head_has_the_length_and_no_body() -> None:
    async with served() as server:
        [(status, headers, body)] = parsed(await said(server, request(method="HEAD")), "HEAD")
    assert (status, headers["content-length"], body) == (200, "19", b"")


@pytest.mark.asyncio
async def test_a_connection_is_used_again() -> None:
    async with served() as server:
        answers = await said(server, request() * 3)
    assert answers.count(b"HTTP/1.1 200") == 3


@pytest.mark.asyncio
async def test_who_asks_to_close_is_closed() -> None:
    async with served() as server:
        answers = await said(server, request("/health/live", "GET", "Connection: close"), end=False)
    assert answers.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.asyncio
async def test_other_methods_are_refused_and_the_body_is_not_read(method: str) -> None:
    async with served() as server:
        answers = await said(server, request("/health/live", method, "Content-Length: 5000000") + b"x" * 10_000)
    assert answers.startswith(b"HTTP/1.1 405") or answers == b""
    async with served() as server:
        [(status, headers, body)] = parsed(await said(server, request(method=method)))
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert b"ask with GET or HEAD" in body


@pytest.mark.asyncio
async def test_an_unknown_page_names_the_pages() -> None:
    async with served() as server:
        [(status, _, body)] = parsed(await said(server, request("/health/life")))
    assert status == 404
    assert b"Did you mean '/health/live'?" in body


@pytest.mark.parametrize(
    ("garbage", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n", b"400"),
        (b"GET /health/live HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET /health/live HTTP/1.1\r\nX: " + b"a" * 1_000_000, b"431"),
    ],
    ids=["TLS", "a header without a colon", "a header of a megabyte"],
)
@pytest.mark.asyncio
async def test_what_is_no_request_is_refused_and_the_server_lives_on(garbage: bytes, status: bytes) -> None:
    async with served() as server:
        answers = await said(server, garbage)
        assert answers == b"" or answers.startswith(b"HTTP/1.1 " + status)
        assert (await said(server, request())).startswith(b"HTTP/1.1 200")


@pytest.mark.asyncio
async def test_who_sends_too_slowly_is_cut_off() -> None:
    async with served(_SHORT) as server:
        assert await said(server, b"GET /health/live HT", end=False) == b""


@pytest.mark.asyncio
async def test_who_says_nothing_more_is_cut_off() -> None:
    async with served(_SHORT) as server:
        assert (await said(server, request(), end=False)).startswith(b"HTTP/1.1 200")


@pytest.mark.asyncio
async def test_a_page_that_takes_too_long_is_cut_off() -> None:
    async with served(_SHORT) as server:
        assert await said(server, request("/slow"), end=False) == b""


@pytest.mark.asyncio
async def test_a_defect_of_a_page_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as server:
        with caplog.at_level(logging.ERROR):
            [(status, _, body)] = parsed(await said(server, request("/broken")))
    assert (status, b"hunter2" in body) == (500, False)
    assert "a page failed" in caplog.text


@pytest.mark.asyncio
async def test_a_flood_of_connections_leaves_room_for_those_that_come_after_it() -> None:
    async with served(_SHORT._replace(head_s=30, connections=64)) as server:
        flood = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(500)]
        refused = await asyncio.gather(*(_is_refused(reader) for reader, _ in flood))
        assert refused.count(False) == 64
        for _, writer in flood:
            writer.transport.abort()
        async with asyncio.timeout(5):
            while not (await said(server, request())).startswith(b"HTTP/1.1 200"):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0)


async def _is_refused(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(1):
            return await reader.read(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.mark.asyncio
async def test_an_address_that_is_taken_says_what_to_do() -> None:
    async with served() as server:
        with pytest.raises(ProtocolConfigurationError, match=r"cannot listen at 127.0.0.1:\d+: .*--http off"):
            async with AdminServer(PAGES, "127.0.0.1", server.port):
                raise AssertionError


@pytest.mark.asyncio
async def test_the_end_closes_what_is_open() -> None:
    async with served() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /")
        await writer.drain()
    assert await _is_refused(reader)
    writer.transport.abort()


@asynccontextmanager
async def taking(limits: Limits | None = None) -> AsyncIterator[AdminServer]:
    """A server that takes a POST at one path, and says what it got."""

    async def take(asked: Request) -> Answer:
        return Answer(200, asked.body)

    async with AdminServer(PAGES, "127.0.0.1", 0, limits or Limits(), takers={"/take": take}) as server:
        yield server


@pytest.mark.asyncio
async def test_a_post_is_taken_where_one_is_asked_for_whole_or_in_chunks() -> None:
    chunked = request("/take", "POST", "Transfer-Encoding: chunked") + b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
    async with taking() as server:
        answers = await said(server, request("/take", "POST", "Content-Length: 5") + b"abcde" + chunked)
    assert answers.count(b"HTTP/1.1 200") == 2
    assert answers.count(b"abcde") == 2


@pytest.mark.asyncio
async def test_a_body_that_is_waited_for_is_asked_for() -> None:
    async with taking() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request("/take", "POST", "Content-Length: 2", "Expect: 100-continue"))
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
            writer.write(b"ab")
            assert (await reader.readuntil(b"ab")).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.asyncio
async def test_a_body_that_is_too_long_is_refused_and_one_that_does_not_come_is_not_waited_for() -> None:
    async with taking(_SHORT._replace(body_bytes=3)) as server:
        refused = await said(server, request("/take", "POST", "Content-Length: 4") + b"abcd")
        given_up = await said(server, request("/take", "POST", "Content-Length: 3") + b"a", end=False)
    assert refused.startswith(b"HTTP/1.1 413")
    assert given_up == b""


@pytest.mark.asyncio
async def test_who_takes_a_post_gives_no_page() -> None:
    async with taking() as server:
        [(status, headers, _)] = parsed(await said(server, request("/take")))
    assert (status, headers["allow"]) == (405, "POST")


@pytest.mark.asyncio
async def test_an_answer_that_is_being_made_when_the_server_ends_is_still_sent() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def held(_: Request) -> Answer:
        asked.set()
        await answer.wait()
        return Answer(200, b"held")

    async with AsyncExitStack() as around:
        server = await around.enter_async_context(AdminServer({"/held": held}, "127.0.0.1", 0))
        waiting = asyncio.ensure_future(said(server, request("/held"), end=False))
        await asked.wait()
        ending = asyncio.ensure_future(around.pop_all().aclose())
        await asyncio.sleep(0)
        answer.set()
        assert (await waiting).endswith(b"held")
        await ending
