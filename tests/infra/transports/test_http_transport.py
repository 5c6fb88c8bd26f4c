"""The transport against real servers: what it sends, whom it calls, what it reads, and how it fails."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.errors import (
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateEffectError,
    IndeterminateTimeoutError,
    PayloadTooLargeError,
    PoolExhaustedError,
    ProtocolConfigurationError,
    RuntimeHostError,
)
from omnibase_core.secret import ModelSecretRef, Secret
from omnibase_core.urls import parse
from omnibase_infra.transports.exchange import HttpAnswer, HttpRequest
from omnibase_infra.transports.http import HttpTransport, Resolve, resolve_host

from tests.fakes.http_server import Behaviour, Connection, HttpServer, RecordedRequest, encoded, replying
from tests.infra.transports.conftest import Authority

_TIMEOUT_S = 5.0
_SHORT_S = 0.05
_READ = 65_536  # what httpcore reads at once
_UNRESOLVED = ModelSecretRef.model_validate({"secret_ref": "a/b"})


@asynccontextmanager
async def transport(
    config: ModelHttpConfig, timeout_s: float = _TIMEOUT_S, resolve: Resolve = resolve_host
) -> AsyncIterator[HttpTransport]:
    """A transport, closed at the end."""
    opened = HttpTransport(config, timeout_s, resolve=resolve)
    try:
        yield opened
    finally:
        await opened.aclose()


def resolving(*answers: Sequence[str]) -> tuple[Resolve, list[str]]:
    """A resolver that gives these answers one after the other, and a list of the names it was asked for."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    return resolve, asked


async def fetch(
    server: HttpServer,
    method: str = "GET",
    path: str = "/",
    *,
    repeatable: bool = True,
    timeout_s: float = _TIMEOUT_S,
) -> HttpAnswer:
    """One request to the server, which must have been given up by both sides afterwards."""
    try:
        async with transport(ModelHttpConfig(base_url=server.url), timeout_s) as opened:
            return await opened.send(HttpRequest(method, parse(server.url + path), (), None, repeatable))
    finally:
        await server.wait_for(lambda: server.open_connections == 0)


def raw(*pieces: bytes, then: str = "cut") -> Behaviour:
    """Sends the bytes, then cuts, resets or hangs."""

    async def behave(_: RecordedRequest, connection: Connection) -> None:
        for piece in pieces:
            await connection.send(piece)
        if then == "hang":
            await connection.hang()
        elif then == "reset":
            connection.reset()
        else:
            connection.cut()

    return behave


@pytest.mark.asyncio
async def test_a_request_goes_out_as_it_was_given_and_the_answer_comes_back() -> None:
    async with HttpServer(replying(201, b"made", {"X-One": "1"})) as server:
        config = ModelHttpConfig(base_url=server.url)
        request = HttpRequest("POST", parse(f"{server.url}/a%2Fb?q=%20&q"), (("x-two", "2"),), b"body")
        async with transport(config) as opened:
            answer = await opened.send(request)
    (seen,) = server.requests
    assert (seen.method, seen.target, seen.body) == ("POST", "/a%2Fb?q=%20&q", b"body")
    assert seen.headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "*/*",
        "user-agent": "onex-host",
        "accept-encoding": "identity",
        "x-two": "2",
        "content-length": "4",
    }
    assert (answer.status, answer.content(), answer.header("x-one")) == (201, b"made", "1")


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("surplus", [b"x", b"\r\n", encoded(200, b"smuggled")])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.asyncio
async def test_what_a_server_sends_behind_an_answer_is_not_the_next_one(
    authority: Authority, tls: bool, surplus: bytes, apart: bool
) -> None:
    async def behave(request: RecordedRequest, connection: Connection) -> None:
        answer = encoded(200, request.target.encode())
        if apart:  # two records of TLS, read at once
            connection.writer.write(answer)
            await connection.send(surplus)
        else:
            await connection.send(answer + surplus)

    async with HttpServer(behave, tls=authority.server if tls else None) as server:
        config = ModelHttpConfig(base_url=server.url, ca_file=authority.ca_file if tls else None)
        async with transport(config) as opened:
            for path in ("/1", "/2", "/3"):
                answer = await opened.send(HttpRequest("GET", parse(server.url + path), (), None, True))
                assert answer.body == path.encode()


@pytest.mark.asyncio
async def test_nor_is_what_follows_a_body_that_fills_the_reader() -> None:
    async def behave(request: RecordedRequest, connection: Connection) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {_READ - 100}\r\nx: "
        padded = f"{head:x<96}\r\n\r\n".encode()
        await connection.send(padded + request.target[-1:].encode() * (_READ - 100) + encoded(200, b"smuggled"))

    async with HttpServer(behave) as server, transport(ModelHttpConfig(base_url=server.url)) as opened:
        for path in ("/1", "/2"):
            answer = await opened.send(HttpRequest("GET", parse(server.url + path), (), None, True))
            assert answer.body == path[-1:].encode() * (_READ - 100)


@pytest.mark.asyncio
async def test_connections_are_kept_and_used_again_and_closed_at_the_end() -> None:
    async with HttpServer(replying(200, b"x")) as server:
        async with transport(ModelHttpConfig(base_url=server.url)) as opened:
            for _ in range(5):
                await opened.send(HttpRequest("GET", parse(server.url)))
            assert (server.connections, opened.open_connections) == (1, 1)
        await server.wait_for(lambda: server.open_connections == 0)
        assert opened.open_connections == 0


@pytest.mark.asyncio
async def test_no_cookie_is_kept_for_the_next_request() -> None:
    async with HttpServer(replying(200, b"x", {"Set-Cookie": "session=1"})) as server:
        config = ModelHttpConfig(base_url=server.url)
        async with transport(config) as opened:
            await opened.send(HttpRequest("GET", parse(server.url)))
            await opened.send(HttpRequest("GET", parse(server.url)))
    assert all("cookie" not in request.headers for request in server.requests)


@pytest.mark.asyncio
async def test_nothing_ambient_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="ascii") as file:  # noqa: ASYNC230 - a fixture of this test
        file.write("machine 127.0.0.1 login user password secret\n")
    async with HttpServer(replying(200, b"direct")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv("NETRC", netrc)
        assert (await fetch(server)).content() == b"direct"
    assert "authorization" not in server.requests[0].headers


@pytest.mark.asyncio
async def test_an_origin_that_the_contract_does_not_list_is_not_called() -> None:
    async with (
        HttpServer(replying()) as server,
        transport(ModelHttpConfig(base_url="http://127.0.0.1:1")) as opened,
    ):
        with pytest.raises(HandlerExecutionError, match="list it under 'allow'") as caught:
            await opened.send(HttpRequest("GET", parse(f"{server.url}/x?token=hunter2")))
        assert server.connections == 0
    assert server.url in caught.value.message
    assert "hunter2" not in caught.value.message
    assert not caught.value.retryable


@pytest.mark.asyncio
async def test_localhost_is_called_when_the_contract_writes_it() -> None:
    async with HttpServer(replying(200, b"x")) as server:
        url = f"http://localhost:{server.port}"
        async with transport(ModelHttpConfig(allow=(url,))) as opened:
            assert (await opened.send(HttpRequest("GET", parse(url)))).status == 200
    assert server.requests[0].headers["host"] == f"localhost:{server.port}"


@pytest.mark.asyncio
async def test_a_name_with_a_private_address_is_not_called() -> None:
    resolve, _ = resolving(["8.8.8.8", "127.0.0.1"])
    async with HttpServer(replying()) as server:
        config = ModelHttpConfig(base_url=f"http://service.example:{server.port}")
        async with transport(config, resolve=resolve) as opened:
            with pytest.raises(HandlerExecutionError, match=r"may not connect to service\.example") as caught:
                await opened.send(HttpRequest("GET", parse(f"http://service.example:{server.port}/")))
            assert (server.connections, opened.open_connections) == (0, 0)
    assert not caught.value.retryable


@pytest.mark.asyncio
async def test_the_address_that_was_checked_is_the_one_that_is_called() -> None:
    resolve, asked = resolving(["127.0.0.1"], ["169.254.169.254"])
    async with HttpServer(replying(200, b"x", {"connection": "close"})) as server:
        url = f"http://service.example:{server.port}"
        config = ModelHttpConfig(base_url=url, allow_private=("127.0.0.0/8",))
        async with transport(config, resolve=resolve) as opened:
            await opened.send(HttpRequest("GET", parse(url)))
            assert asked == ["service.example"]
            with pytest.raises(HandlerExecutionError, match="metadata-service"):
                await opened.send(HttpRequest("GET", parse(url)))
    assert [request.headers["host"] for request in server.requests] == [f"service.example:{server.port}"]


@pytest.mark.asyncio
async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    resolve, _ = resolving(["127.0.0.2", "127.0.0.1"])
    async with HttpServer(replying(200, b"x")) as server:
        url = f"http://service.example:{server.port}"
        async with transport(
            ModelHttpConfig(base_url=url, allow_private=("127.0.0.0/8",)), resolve=resolve
        ) as opened:
            assert (await opened.send(HttpRequest("GET", parse(url)))).status == 200


@pytest.mark.asyncio
async def test_a_name_that_does_not_resolve_may_be_tried_again() -> None:
    url = "http://nowhere.invalid"
    async with transport(ModelHttpConfig(base_url=url)) as opened:
        with pytest.raises(HandlerConnectionError, match=r"nowhere\.invalid does not resolve"):
            await opened.send(HttpRequest("POST", parse(url), repeatable=False))


@pytest.mark.asyncio
async def test_a_name_without_any_address_cannot_be_connected_to() -> None:
    resolve, _ = resolving([])
    async with transport(ModelHttpConfig(base_url="http://a.example"), resolve=resolve) as opened:
        with pytest.raises(HandlerConnectionError, match="could not be made"):
            await opened.send(HttpRequest("GET", parse("http://a.example")))


# Redirects


def redirecting(to: str, status: int = 302) -> Behaviour:
    """Sends every request but those for /end elsewhere."""

    async def behave(request: RecordedRequest, connection: Connection) -> None:
        end = request.target == "/end"
        await connection.send(encoded(200, b"end") if end else encoded(status, b"moved", {"Location": to}))

    return behave


async def followed(server: HttpServer, config: ModelHttpConfig, request: HttpRequest) -> HttpAnswer:
    """The answer to one request with this config."""
    async with transport(config) as opened:
        return await opened.send(request)


@pytest.mark.asyncio
async def test_a_redirect_is_a_result_unless_the_contract_wants_it_followed() -> None:
    async with HttpServer(redirecting("/end")) as server:
        answer = await fetch(server)
    assert (answer.status, answer.header("location")) == (302, "/end")
    assert len(server.requests) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_allow_list_is_followed(status: int) -> None:
    async with HttpServer(redirecting("/end", status)) as server:
        config = ModelHttpConfig(base_url=server.url, max_redirects=1)
        answer = await followed(server, config, HttpRequest("GET", parse(server.url)))
    assert (answer.status, answer.content()) == (200, b"end")


@pytest.mark.asyncio
async def test_a_redirect_of_a_write_is_a_result() -> None:
    async with HttpServer(redirecting("/end", 307)) as server:
        config = ModelHttpConfig(base_url=server.url, max_redirects=5)
        answer = await followed(server, config, HttpRequest("POST", parse(server.url), (), b"x"))
    assert (answer.status, len(server.requests)) == (307, 1)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "headers"), [(201, {"Location": "/end"}), (302, {}), (304, {"Location": "/end"})]
)
async def test_what_is_no_redirect_is_a_result(status: int, headers: dict[str, str]) -> None:
    async with HttpServer(replying(status, b"", headers)) as server:
        config = ModelHttpConfig(base_url=server.url, max_redirects=5)
        assert (await followed(server, config, HttpRequest("GET", parse(server.url)))).status == status
    assert len(server.requests) == 1


@pytest.mark.asyncio
async def test_a_circle_of_redirects_ends() -> None:
    async with HttpServer(redirecting("/again")) as server:
        config = ModelHttpConfig(base_url=server.url, max_redirects=3)
        with pytest.raises(HandlerExecutionError, match="redirected more than 3 times"):
            await followed(server, config, HttpRequest("GET", parse(server.url)))
    assert len(server.requests) == 4


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "may not call http://169.254.169.254"),
        ("//evil.example/", "may not call http://evil.example"),
        ("/a/../b", "redirected to a URL that has a '.' or '..' segment"),
        ("/a/%2e%2e/b", "redirected to a URL that has a '.' or '..' segment"),
        ("file:///etc/passwd", "redirected to a URL that has another scheme"),
        ("http://user:hunter2@127.0.0.1/", "redirected to a URL that has a user"),
    ],
)
async def test_a_redirect_elsewhere_is_refused(location: str, reason: str) -> None:
    async with HttpServer(redirecting(location)) as server:
        config = ModelHttpConfig(base_url=server.url, max_redirects=5)
        with pytest.raises(HandlerExecutionError, match=reason) as caught:
            await followed(server, config, HttpRequest("GET", parse(server.url)))
    assert not caught.value.retryable
    assert "hunter2" not in caught.value.message


@pytest.mark.asyncio
async def test_credentials_go_to_the_base_urls_origin_and_do_not_come_back_from_elsewhere() -> None:
    async with HttpServer(replying()) as other, HttpServer(replying()) as base:
        base.behave = redirecting(f"{other.url}/hop")
        other.behave = redirecting(f"{base.url}/end")
        config = ModelHttpConfig(
            base_url=base.url,
            allow=(other.url,),
            max_redirects=5,
            headers={"Authorization": Secret("Bearer hunter2"), "X-Plain": "contract"},
        )
        request = HttpRequest("GET", parse(base.url), (("x-key", "payload"), ("x-correlation-id", "c")))
        assert (await followed(base, config, request)).content() == b"end"
    first, last = base.requests
    (hop,) = other.requests
    assert (first.headers["authorization"], first.headers["x-plain"]) == ("Bearer hunter2", "contract")
    assert first.headers["x-key"] == "payload"
    for request_elsewhere in (hop, last):
        assert not {"authorization", "x-plain", "x-key"} & set(request_elsewhere.headers)
        assert request_elsewhere.headers["x-correlation-id"] == "c"


@pytest.mark.asyncio
async def test_credentials_do_not_go_to_another_origin_that_the_contract_lists() -> None:
    async with HttpServer(replying()) as other:
        config = ModelHttpConfig(
            base_url="http://127.0.0.1:1", allow=(other.url,), headers={"Authorization": "Bearer hunter2"}
        )
        await followed(other, config, HttpRequest("GET", parse(other.url)))
    assert "authorization" not in other.requests[0].headers


# Bodies


@pytest.mark.asyncio
@pytest.mark.parametrize("framing", ["length", "chunked", "to the end"])
async def test_a_body_up_to_the_limit_is_read_and_one_byte_more_is_not(framing: str) -> None:
    def response(size: int) -> bytes:
        if framing == "length":
            return encoded(200, b"x" * size)
        if framing == "chunked":
            return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * size + b"0\r\n\r\n"
        return b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * size

    async with HttpServer(raw(response(1000))) as server:
        config = ModelHttpConfig(base_url=server.url, max_response_bytes=1000)
        assert (await followed(server, config, HttpRequest("GET", parse(server.url)))).content() == b"x" * 1000
        server.behave = raw(response(1001))
        answer = await followed(server, config, HttpRequest("GET", parse(server.url)))
        await server.wait_for(lambda: server.open_connections == 0)
    assert answer.status == 200
    with pytest.raises(PayloadTooLargeError, match="more than max_response_bytes, 1000"):
        answer.content()


@pytest.mark.asyncio
async def test_a_body_that_is_announced_as_too_large_is_not_waited_for() -> None:
    async def announce(_: RecordedRequest, connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\nx")
        await connection.hang()

    async with HttpServer(announce) as server:
        config = ModelHttpConfig(base_url=server.url, max_response_bytes=1000)
        answer = await followed(server, config, HttpRequest("GET", parse(server.url)))
        await server.wait_for(lambda: server.open_connections == 0)
    assert isinstance(answer.refusal, PayloadTooLargeError)


@pytest.mark.asyncio
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304)])
async def test_a_length_that_no_body_follows_is_no_reason_to_refuse(method: str, status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\ncontent-length: 1001\r\n\r\n".encode()
    async with HttpServer(raw(head)) as server:
        config = ModelHttpConfig(base_url=server.url, max_response_bytes=1000)
        answer = await followed(server, config, HttpRequest(method, parse(server.url)))
    assert (answer.status, answer.refusal) == (status, None)


@pytest.mark.asyncio
async def test_an_endless_body_is_given_up_at_the_limit() -> None:
    async def behave(_: RecordedRequest, connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await connection.send(b"x" * 65_536)

    async with HttpServer(behave) as server:
        answer = await fetch(server)
    assert isinstance(answer.refusal, PayloadTooLargeError)


@pytest.mark.asyncio
@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x-unknown\tthing"])
async def test_an_encoded_body_is_refused_unread(encoding: str) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    async with HttpServer(replying(200, bomb, {"Content-Encoding": encoding})) as server:
        answer = await fetch(server)
    assert answer.body == b""
    with pytest.raises(HandlerExecutionError, match="content-encoding"):
        answer.content()


@pytest.mark.asyncio
async def test_the_answer_to_head_has_no_body_whatever_its_length_says() -> None:
    async with HttpServer(replying(200, b"x" * 100)) as server:
        answer = await fetch(server, "HEAD")
    assert (answer.content(), answer.header("content-length")) == (b"", "100")


# Faults

_CUT_OFF = [
    pytest.param(raw(), id="closed unanswered"),
    pytest.param(raw(then="reset"), id="reset unanswered"),
    pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-"), id="cut within the head"),
    pytest.param(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"), id="cut within the body"),
    pytest.param(raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"), id="cut within a chunk"),
    pytest.param(raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", then="hang"), id="no HTTP"),
    pytest.param(raw(b"\x16\x03\x01\x02\x00" * 50, then="hang"), id="TLS on a plain port"),
    pytest.param(raw(b"HTTP/1.1 999999 OK\r\n\r\n", then="hang"), id="a status that is none"),
    pytest.param(raw(b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", then="hang"), id="a header that is none"),
    pytest.param(raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000, then="hang"), id="an endless header"),
    pytest.param(
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx", then="hang"), id="two lengths"
    ),
    pytest.param(raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", then="hang"), id="a strange coding"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("behave", _CUT_OFF)
async def test_a_broken_answer_is_a_connection_error_and_leaves_no_connection(behave: Behaviour) -> None:
    async with HttpServer(behave) as server:
        with pytest.raises(HandlerConnectionError) as caught:
            await fetch(server, path="/x?token=hunter2")
    assert caught.value.retryable
    assert caught.value.message.startswith(f"GET {server.url}: ")
    assert "hunter2" not in caught.value.message
    assert caught.value.__cause__ is None


@pytest.mark.asyncio
@pytest.mark.parametrize("behave", _CUT_OFF)
async def test_a_broken_answer_to_what_is_not_repeatable_leaves_the_effect_open(behave: Behaviour) -> None:
    async with HttpServer(behave) as server:
        with pytest.raises(IndeterminateEffectError, match="whether it took effect is not known") as caught:
            await fetch(server, "POST", repeatable=False)
    assert not caught.value.retryable
    assert caught.value.details["effect"] == "indeterminate"


@pytest.mark.asyncio
@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_refused_connection_may_be_tried_again_whatever_was_asked(repeatable: bool) -> None:
    async with HttpServer(replying()) as server:
        url = server.url
    async with transport(ModelHttpConfig(base_url=url)) as opened:
        with pytest.raises(HandlerConnectionError, match="the connection could not be made"):
            await opened.send(HttpRequest("POST", parse(url), repeatable=repeatable))


async def _drip(_: RecordedRequest, connection: Connection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        await connection.send(b"x")
        await asyncio.sleep(0.005)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(raw(then="hang"), id="silence"),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nx", then="hang"), id="silence within the body"
        ),
        pytest.param(_drip, id="a byte at a time"),
    ],
)
async def test_the_deadline_holds_for_the_whole_answer(behave: Behaviour) -> None:
    async with HttpServer(behave) as server:
        with pytest.raises(HandlerTimeoutError, match="within the handler's timeout_ms"):
            await fetch(server, timeout_s=_SHORT_S)
        with pytest.raises(IndeterminateTimeoutError, match="whether it took effect is not known"):
            await fetch(server, "POST", repeatable=False, timeout_s=_SHORT_S)


@pytest.mark.asyncio
async def test_a_slow_resolver_runs_into_the_connect_timeout_and_nothing_was_sent() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    config = ModelHttpConfig(base_url="http://a.example", connect_timeout_ms=20)
    async with transport(config, resolve=resolve) as opened:
        with pytest.raises(HandlerTimeoutError, match="no connection within connect_timeout_ms"):
            await opened.send(HttpRequest("POST", parse("http://a.example"), repeatable=False))


@pytest.mark.asyncio
async def test_a_full_pool_is_told_apart_from_a_slow_server() -> None:
    async with HttpServer(raw(then="hang")) as server:
        config = ModelHttpConfig(base_url=server.url, max_connections=1, connect_timeout_ms=20)
        async with transport(config) as opened:
            busy = asyncio.create_task(opened.send(HttpRequest("GET", parse(server.url))))
            await server.wait_for(lambda: len(server.requests) == 1)
            with pytest.raises(PoolExhaustedError, match="raise max_connections"):
                await opened.send(HttpRequest("POST", parse(server.url), repeatable=False))
            busy.cancel()
            with pytest.raises(asyncio.CancelledError):
                await busy
            await server.wait_for(lambda: server.open_connections == 0)
            assert opened.open_connections == 0


@pytest.mark.asyncio
async def test_closing_ends_what_is_under_way() -> None:
    async with HttpServer(raw(then="hang")) as server, transport(ModelHttpConfig(base_url=server.url)) as opened:
        busy = asyncio.create_task(opened.send(HttpRequest("GET", parse(server.url))))
        await server.wait_for(lambda: len(server.requests) == 1)
        await opened.aclose()
        with pytest.raises(RuntimeHostError):
            await busy
        await server.wait_for(lambda: server.open_connections == 0)


@pytest.mark.asyncio
@pytest.mark.parametrize("tls", [False, True])
async def test_closing_leaves_no_connection_that_was_being_opened(authority: Authority, tls: bool) -> None:
    async with HttpServer(replying(), tls=authority.server if tls else None) as server:
        config = ModelHttpConfig(
            base_url=server.url, allow_private=("127.0.0.0/8",), ca_file=authority.ca_file if tls else None
        )
        for turns in range(8):
            async with transport(config) as opened:
                sending = asyncio.gather(
                    *(opened.send(HttpRequest("GET", parse(server.url), (), None, True)) for _ in range(3)),
                    return_exceptions=True,
                )
                for _ in range(turns):
                    await asyncio.sleep(0)
                await opened.aclose()
                for outcome in await sending:
                    assert isinstance(outcome, HttpAnswer | HandlerConnectionError)
            await server.wait_for(lambda: server.open_connections == 0)


# TLS


@pytest.mark.asyncio
async def test_a_server_of_a_trusted_authority_is_called_under_its_own_name(authority: Authority) -> None:
    resolve, _ = resolving(["127.0.0.1"])
    async with HttpServer(replying(200, b"x"), tls=authority.server) as server:
        url = f"https://service.example:{server.port}"
        config = ModelHttpConfig(base_url=url, allow_private=("127.0.0.1",), ca_file=authority.ca_file)
        async with transport(config, resolve=resolve) as opened:
            assert (await opened.send(HttpRequest("GET", parse(url)))).content() == b"x"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [
        ("127.0.0.1", False, "the server's certificate is refused .*ca_file"),
        ("localhost.localdomain", True, "the server's certificate is refused .*[Hh]ostname mismatch"),
    ],
)
async def test_a_certificate_that_is_not_trusted_is_refused_for_good(
    authority: Authority, host: str, trusted: bool, reason: str
) -> None:
    resolve, _ = resolving(["127.0.0.1"])
    async with HttpServer(replying(200, b"x"), tls=authority.server) as server:
        url = f"https://{host}:{server.port}"
        ca_file = authority.ca_file if trusted else None
        config = ModelHttpConfig(base_url=url, allow_private=("127.0.0.1",), ca_file=ca_file)
        async with transport(config, resolve=resolve) as opened:
            with pytest.raises(HandlerExecutionError, match=reason) as caught:
                await opened.send(HttpRequest("GET", parse(url)))
        await server.wait_for(lambda: server.open_connections == 0)
    assert not caught.value.retryable


@pytest.mark.asyncio
async def test_https_to_a_port_that_speaks_plain_http_is_a_connection_error() -> None:
    async def answer_anything(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encoded(400, b"speak HTTP"))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer_anything, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with transport(ModelHttpConfig(base_url=url)) as opened:
            with pytest.raises(HandlerConnectionError, match="the connection could not be made"):
                await opened.send(HttpRequest("POST", parse(url), repeatable=False))


@pytest.mark.asyncio
async def test_a_handshake_that_stalls_ends_at_the_deadline_and_leaves_no_connection() -> None:
    async with HttpServer(raw(then="hang")) as server:
        url = server.url.replace("http:", "https:")
        async with transport(ModelHttpConfig(base_url=url), _SHORT_S) as opened:
            with pytest.raises(HandlerTimeoutError):
                await opened.send(HttpRequest("POST", parse(url), repeatable=False))
            await server.wait_for(lambda: server.connections == 1 and server.open_connections == 0)


# Config


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (ModelHttpConfig(base_url="nonsense"), "base_url is not of the form"),
        (
            ModelHttpConfig(base_url="https://a.example", ca_file="/no/such/file"),
            "ca_file /no/such/file cannot be read",
        ),
        (
            ModelHttpConfig(base_url="http://a.example", ca_file="/no/such/file"),
            "ca_file /no/such/file cannot be read",
        ),
        (ModelHttpConfig(base_url="https://a.example", ca_file=__file__), "holds no certificate"),
        (ModelHttpConfig(headers={"X-Key": "1"}), "there is no base_url"),
        (ModelHttpConfig(base_url="http://a.example", headers={"X Key": "1"}), "headers.X Key is no header name"),
        (
            ModelHttpConfig(base_url="http://a.example", headers={"Host": "b.example"}),
            "headers.Host is set by the host alone",
        ),
        (
            ModelHttpConfig(base_url="http://a.example", headers={"X-Key": Secret("hunter2\n")}),
            "headers.X-Key has a value with a line break",
        ),
        (
            ModelHttpConfig(base_url="http://a.example", headers={"X-Key": _UNRESOLVED}),
            "headers.X-Key holds a secret_ref that nobody has resolved",
        ),
    ],
)
def test_a_config_that_cannot_be_is_refused_at_the_start(config: ModelHttpConfig, reason: str) -> None:
    with pytest.raises(ProtocolConfigurationError, match=reason) as caught:
        HttpTransport(config, 1.0)
    assert "hunter2" not in caught.value.message
