"""The http handler: payloads to requests, answers to results and failures, and its life."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
from omnibase_core.codec import decode, encode
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHandlerConfig, ModelHttpConfig
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.enums import EnumErrorCode, EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerConnectionError,
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateEffectError,
    InvalidOperationError,
    InvalidParameterError,
    PayloadTooLargeError,
    ProtocolConfigurationError,
    RuntimeHostError,
    TransientHandlerError,
)
from omnibase_core.secret import Secret
from omnibase_infra.handlers.http_handler import HttpHandler
from omnibase_infra.handlers.http_request import ModelHttpRead, ModelHttpWrite
from omnibase_infra.transports.http import HttpTransport
from omnibase_spi.handler import ProtocolHandler

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, replying

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENVELOPE_ID = UUID("11111111-1111-4111-8111-111111111111")
CORRELATION_ID = UUID("22222222-2222-4222-8222-222222222222")


def request(
    operation: str | None, payload: JsonObject | None, metadata: JsonObject | None = None
) -> ModelOnexEnvelope:
    """An envelope that asks for this operation; its payload is not validated, as none that a node passes on is."""
    return ModelOnexEnvelope(
        envelope_id=ENVELOPE_ID,
        correlation_id=CORRELATION_ID,
        target_node="node",
        operation=operation,
        metadata=metadata or {},
        timestamp=NOW,
    ).model_copy(update={"payload": payload})


@asynccontextmanager
async def handler(config: ModelHttpConfig, timeout_ms: int = 5_000) -> AsyncIterator[HttpHandler]:
    """An initialised handler, shut down at the end."""
    made = HttpHandler(HttpTransport, lambda: NOW)
    await made.initialize(
        ModelHandlerBinding(type=EnumHandlerType.HTTP, name="http", config=config, timeout_ms=timeout_ms)
    )
    try:
        yield made
    finally:
        await made.shutdown()


async def execute(
    server: HttpServer,
    operation: str,
    payload: JsonObject,
    metadata: JsonObject | None = None,
    **options: object,
) -> JsonObject:
    """The result of one operation on the server."""
    config = ModelHttpConfig.model_validate({"base_url": server.url, **options})
    async with handler(config) as http:
        response = await http.execute(request(operation, payload, metadata))
    assert decode(encode(response)) == response
    assert response.payload is not None
    return response.payload


async def sent(payload: JsonObject, operation: str = "http.post", **options: object) -> RecordedRequest:
    """What a server gets for this payload."""
    async with HttpServer(replying(200)) as server:
        await execute(server, operation, payload, None, **options)
    return server.requests[0]


def test_it_is_a_handler_of_the_spi() -> None:
    made: ProtocolHandler = HttpHandler(HttpTransport, lambda: NOW)
    assert made.handler_type is EnumHandlerType.HTTP


def test_importing_it_loads_no_http_library() -> None:
    code = "import sys, omnibase_infra.handlers.http_handler; print({'httpx', 'httpcore'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert loaded.strip() == "set()"


def test_it_describes_itself_as_cores_table_does() -> None:
    described = HttpHandler(HttpTransport, lambda: NOW).describe()
    assert described.handler_type is EnumHandlerType.HTTP
    assert described.operation_names == operations_of(EnumHandlerType.HTTP)
    assert list(described.operations) == [operation_table()[name] for name in described.operation_names]


@pytest.mark.parametrize("operation", operations_of(EnumHandlerType.HTTP))
def test_the_payload_models_have_the_tables_fields(operation: str) -> None:
    row = operation_table()[operation]
    model = ModelHttpWrite if "body" in row.optional else ModelHttpRead
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required == set(row.required)
    assert set(model.model_fields) == {*row.required, *row.optional}


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", operations_of(EnumHandlerType.HTTP))
async def test_each_operation_is_one_request_of_its_method(operation: str) -> None:
    async with HttpServer(replying(200, {"id": 7}, {"X-One": "1"})) as server:
        result = await execute(server, operation, {"url": "users/7"})
    (seen,) = server.requests
    assert (seen.method, seen.target) == (operation.removeprefix("http.").upper(), "/users/7")
    assert set(result) == set(operation_table()[operation].result)
    assert (result["status_code"], result["body_type"]) == (200, "json")
    assert result["body"] == (None if operation == "http.head" else {"id": 7})


@pytest.mark.asyncio
async def test_the_reply_is_the_requests() -> None:
    async with HttpServer(replying(200)) as server, handler(ModelHttpConfig(base_url=server.url)) as http:
        asked = request("http.get", {"url": "/"})
        response = await http.execute(asked)
    assert response.envelope_id == asked.response_id
    assert (response.correlation_id, response.causation_id) == (CORRELATION_ID, ENVELOPE_ID)
    assert (response.handler_type, response.operation, response.success) == (
        EnumHandlerType.HTTP,
        "http.get",
        True,
    )
    assert response.timestamp == NOW


# Requests


@pytest.mark.asyncio
async def test_parameters_are_encoded_lists_repeat_and_nulls_are_left_out() -> None:
    params: JsonObject = {
        "q": "a b&c=d/é",
        "n": 7,
        "x": 1.5,
        "yes": True,
        "no": None,
        "many": ["a", None, 2, False],
    }
    seen = await sent({"url": "/search?fixed=1", "params": params}, "http.get")
    assert seen.target == "/search?fixed=1&q=a%20b%26c%3Dd%2F%C3%A9&n=7&x=1.5&yes=true&many=a&many=2&many=false"
    assert (await sent({"url": "/search", "params": {"no": None}}, "http.get")).target == "/search"
    assert (await sent({"url": "/search", "params": {"a": "1"}}, "http.get")).target == "/search?a=1"


@pytest.mark.asyncio
async def test_headers_are_sent_and_nulls_are_left_out() -> None:
    seen = await sent({"url": "/", "headers": {"X-One": "1", "X-Two": 2, "X-No": None, "Accept": "text/csv"}})
    assert (seen.headers["x-one"], seen.headers["x-two"], seen.headers["accept"]) == ("1", "2", "text/csv")
    assert "x-no" not in seen.headers


@pytest.mark.asyncio
async def test_the_contracts_headers_are_sent_beside_them() -> None:
    seen = await sent({"url": "/"}, headers={"Authorization": Secret("Bearer hunter2")})
    assert seen.headers["authorization"] == "Bearer hunter2"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("payload", "body", "content_type"),
    [
        ({"body": {"a": [1, None, "é"]}}, '{"a":[1,null,"é"]}', "application/json"),
        ({"body": None}, "null", "application/json"),
        ({"body": "text"}, '"text"', "application/json"),
        ({"body_text": "é"}, "é", "text/plain; charset=utf-8"),
        ({"body_text": ""}, "", "text/plain; charset=utf-8"),
        ({"body_base64": "aGVsbG8="}, "hello", "application/octet-stream"),
        ({"body_text": "<a/>", "content_type": "application/xml"}, "<a/>", "application/xml"),
        ({"body_text": None, "body_base64": None}, "", None),
        ({"body": 1, "body_text": None}, "1", "application/json"),
        ({}, "", None),
    ],
)
async def test_a_body_is_json_text_or_bytes(payload: JsonObject, body: str, content_type: str | None) -> None:
    seen = await sent({"url": "/", **payload})
    assert (seen.body.decode(), seen.headers.get("content-type")) == (body, content_type)
    assert seen.headers["content-length"] == str(len(body.encode()))


@pytest.mark.asyncio
async def test_correlation_and_trace_go_along() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with HttpServer(replying(200)) as server:
        await execute(server, "http.get", {"url": "/"}, {"traceparent": parent, "tracestate": "a=1,b=2"})
        await execute(server, "http.get", {"url": "/"}, {"traceparent": "x\r\ny: z", "tracestate": 7})
    first, second = (seen.headers for seen in server.requests)
    assert first["x-correlation-id"] == str(CORRELATION_ID)
    assert (first["traceparent"], first["tracestate"]) == (parent, "a=1,b=2")
    assert not {"traceparent", "tracestate"} & set(second)


@pytest.mark.asyncio
async def test_an_envelope_without_a_correlation_id_sends_none() -> None:
    async with HttpServer(replying(200)) as server, handler(ModelHttpConfig(base_url=server.url)) as http:
        await http.execute(request("http.get", {"url": "/"}).model_copy(update={"correlation_id": None}))
    assert "x-correlation-id" not in server.requests[0].headers


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("operation", "configured", "key"),
    [
        ("http.get", True, None),
        ("http.head", True, None),
        ("http.post", True, str(ENVELOPE_ID)),
        ("http.put", True, str(ENVELOPE_ID)),
        ("http.patch", True, str(ENVELOPE_ID)),
        ("http.delete", True, str(ENVELOPE_ID)),
        ("http.post", False, None),
    ],
)
async def test_a_write_carries_the_envelopes_id_as_its_idempotency_key(
    operation: str, configured: bool, key: str | None
) -> None:
    seen = await sent({"url": "/"}, operation, idempotency_key=configured)
    assert seen.headers.get("idempotency-key") == key


@pytest.mark.asyncio
async def test_a_payload_may_bring_an_idempotency_key_of_its_own() -> None:
    seen = await sent({"url": "/", "headers": {"Idempotency-Key": "order-7"}})
    assert seen.headers["idempotency-key"] == "order-7"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("operation", "payload", "sentence"),
    [
        ("http.get", None, "url is missing: http.get needs it"),
        ("http.get", {}, "url is missing: http.get needs it"),
        ("http.get", {"url": None}, "url does not fit: text is needed"),
        ("http.get", {"url": 7}, "url does not fit"),
        ("http.get", {"url": "/", "body": 1}, "body is no field of http.get, which takes url, headers, params"),
        ("http.post", {"url": "/", "sekret\n": 1}, r"sekret\\n is no field of http.post"),
        ("http.get", {"url": "/", "headers": []}, "headers does not fit: an object is needed"),
        ("http.get", {"url": "/", "headers": {"X": ["a"]}}, "headers.X does not fit: text, a number"),
        ("http.get", {"url": "/", "headers": {"X": {}}}, "headers.X does not fit"),
        ("http.get", {"url": "/", "headers": {"X Y": "1"}}, "headers.X Y is no header name"),
        ("http.get", {"url": "/", "headers": {"": "1"}}, "headers. is no header name"),
        ("http.get", {"url": "/", "headers": {"X": "a\r\nY: b"}}, "headers.X has a value with a line break"),
        ("http.get", {"url": "/", "headers": {"X": "a\x00"}}, "headers.X has a value"),
        ("http.get", {"url": "/", "headers": {"X": " a"}}, "headers.X has a value"),
        ("http.get", {"url": "/", "headers": {"X": "é"}}, "headers.X has a value"),
        ("http.get", {"url": "/", "headers": {"X": "1", "x": "2"}}, "headers.x stands twice"),
        (
            "http.get",
            {"url": "/", "headers": {"x-contract": "1"}},
            "headers.x-contract is set by the handler's config",
        ),
        ("http.get", {"url": "/", "params": {"a": {}}}, "params.a does not fit"),
        ("http.get", {"url": "/", "params": {"a": [[1]]}}, "params.a does not fit"),
        ("http.get", {"url": "/", "params": {"a": "\ud800"}}, "params.a holds a lone surrogate"),
        ("http.get", {"url": "/", "params": {"\ud800": "a"}}, "params.* holds a lone surrogate"),
        ("http.get", {"url": "../x"}, "url has a '.' or '..' segment"),
        ("http.get", {"url": "//evil.example/"}, "url begins with '//'"),
        ("http.get", {"url": "http://u:p@evil.example/"}, "url has a user or password"),
        ("http.get", {"url": "file:///etc/passwd"}, "url has another scheme"),
        ("http.post", {"url": "/", "body": 1, "body_text": "1"}, "body and body_text stand together"),
        ("http.post", {"url": "/", "body_base64": "a?"}, "body_base64 is no base64"),
        ("http.post", {"url": "/", "body_base64": "é"}, "body_base64 is no base64"),
        ("http.post", {"url": "/", "body_text": "\ud800"}, "body_text holds a lone surrogate"),
        ("http.post", {"url": "/", "body": "\ud800"}, "body holds what JSON cannot"),
        ("http.post", {"url": "/", "body": float("nan")}, "body holds what JSON cannot"),
        ("http.post", {"url": "/", "body": 1, "content_type": "a\nb"}, "content_type has a value"),
        ("http.post", {"url": "/", "body": 1, "content_type": "json"}, "content_type is no media type"),
    ],
)
async def test_a_payload_that_does_not_fit_is_refused_with_the_field(
    operation: str, payload: JsonObject | None, sentence: str
) -> None:
    async with (
        HttpServer(replying()) as server,
        handler(ModelHttpConfig(base_url=server.url, headers={"X-Contract": "1"})) as http,
    ):
        with pytest.raises(InvalidParameterError, match=sentence) as caught:
            await http.execute(request(operation, payload))
        assert server.connections == 0
    assert (caught.value.code, caught.value.retryable) == (EnumErrorCode.INVALID_PARAMETER, False)
    assert (caught.value.handler_type, caught.value.operation) == (EnumHandlerType.HTTP, operation)
    assert caught.value.correlation_id == CORRELATION_ID


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Accept-Encoding",
        "Content-Encoding",
        "Content-Type",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Authorization",
        "Cookie",
        "X-Correlation-ID",
        "traceparent",
        "tracestate",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "Forwarded",
        "X-Real-IP",
        "Onex-Envelope-Id",
    ],
)
async def test_what_is_not_a_payloads_to_say_is_refused(name: str) -> None:
    for written in (name, name.lower(), name.upper()):
        with pytest.raises(InvalidParameterError, match=f"headers.{written} "):
            await sent({"url": "/", "headers": {written: "1"}})


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", ["http.options", "http.GET", "db.query", "", None, "x" * 300 + "\n"])
async def test_an_unknown_operation_is_refused_with_those_that_there_are(operation: str | None) -> None:
    async with handler(ModelHttpConfig(base_url="http://127.0.0.1:1")) as http:
        asked = request("http.get", {"url": "/"}).model_copy(update={"operation": operation})
        with pytest.raises(
            InvalidOperationError, match=r"available operations: http\.delete, http\.get"
        ) as caught:
            await http.execute(asked)
    assert caught.value.available_operations == sorted(operations_of(EnumHandlerType.HTTP))
    assert len(caught.value.message) < 250


# Results


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("content_type", "content", "body", "body_type"),
    [
        ("application/json", b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}, "json"),
        ("application/json; charset=utf-8", b'"\xc3\xa9"', "é", "json"),
        ("Application/Problem+JSON", b"{}", {}, "json"),
        ("application/json", b"null", None, "json"),
        ("application/json", b"{broken", "{broken", "text"),
        ("application/json", b'{"a": 1, "a": 2}', '{"a": 1, "a": 2}', "text"),
        ("application/json", b'[{"a": {"b": 1, "\\u0062": 2}}]', '[{"a": {"b": 1, "\\u0062": 2}}]', "text"),
        ("application/json", b'{"a": "\\":", "b" : "\\" :"}', {"a": '":', "b": '" :'}, "json"),
        ("application/json", b"[NaN]", "[NaN]", "text"),
        ("application/json", b"[1e400]", "[1e400]", "text"),
        ("application/json", b"[18446744073709551616]", "[18446744073709551616]", "text"),
        ("application/json", b'["\\ud800"]', '["\\ud800"]', "text"),
        ("application/json", b"[" * 40 + b"]" * 40, "[" * 40 + "]" * 40, "text"),
        ("application/json", b"[" * 5000, "[" * 5000, "text"),
        ("application/json", b"\xff\xfe", {"base64": "//4="}, "bytes"),
        ("text/plain", b"\xc3\xa9", "é", "text"),
        ("text/plain; charset=ISO-8859-1", b"\xe9", "é", "text"),
        ('text/html; charset="utf-8"', b"<p>", "<p>", "text"),
        ("text/plain", b"\xe9", {"base64": "6Q=="}, "bytes"),
        ("text/plain; charset=utf-7", b"+AGE-", {"base64": "K0FHRS0="}, "bytes"),
        ("application/xml", b"<a/>", "<a/>", "text"),
        ("image/png", b"\x89PNG", {"base64": "iVBORw=="}, "bytes"),
        ("", b"x", {"base64": "eA=="}, "bytes"),
        ("nonsense;;=;", b"x", {"base64": "eA=="}, "bytes"),
        ("text/plain", b"", None, "json"),
        ("application/json", b"", None, "json"),
    ],
)
async def test_a_body_comes_back_by_its_declared_type(
    content_type: str, content: bytes, body: object, body_type: str
) -> None:
    async with HttpServer(replying(200, content, {"Content-Type": content_type})) as server:
        result = await execute(server, "http.get", {"url": "/"})
    assert (result["body"], result["body_type"]) == (body, body_type)


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [200, 201, 204, 301, 304, 400, 401, 403, 404, 409, 422, 499])
async def test_a_status_that_is_no_failure_is_a_result(status: int) -> None:
    async with HttpServer(replying(status)) as server:
        assert (await execute(server, "http.post", {"url": "/"}, idempotency_key=False))["status_code"] == status


@pytest.mark.asyncio
async def test_headers_have_lower_case_names_and_repeated_ones_are_joined() -> None:
    pairs = [("X-Many", "a"), ("x-many", "b"), ("Set-Cookie", "a=1; Expires=Wed, 1"), ("Set-Cookie", "b=2")]
    async with HttpServer(replying(200, b"", pairs)) as server:
        headers = (await execute(server, "http.get", {"url": "/"}))["headers"]
    assert headers == {"x-many": "a, b", "set-cookie": "a=1; Expires=Wed, 1\nb=2", "content-length": "0"}


# Failures


async def failure(
    server: HttpServer, operation: str, timeout_ms: int = 5_000, **options: object
) -> RuntimeHostError:
    """The error of one operation on the server."""
    async with handler(ModelHttpConfig.model_validate({"base_url": server.url, **options}), timeout_ms) as http:
        with pytest.raises(RuntimeHostError) as caught:
            await http.execute(request(operation, {"url": "/x", "params": {"token": "hunter2"}}))
    error = caught.value
    assert (error.handler_type, error.operation) == (EnumHandlerType.HTTP, operation)
    assert error.correlation_id == CORRELATION_ID
    assert "hunter2" not in error.message + json.dumps(error.details)
    assert error.__cause__ is None
    return error


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
async def test_an_overloaded_or_broken_server_is_a_failure_that_may_be_retried(status: int) -> None:
    async with HttpServer(replying(status, b"x", {"Content-Encoding": "gzip"})) as server:
        for operation in operations_of(EnumHandlerType.HTTP):
            error = await failure(server, operation)
            assert isinstance(error, TransientHandlerError)
            assert error.retryable
            assert error.details == {"status_code": status}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("operation", "status", "kind"),
    [
        ("http.get", 503, TransientHandlerError),
        ("http.put", 503, TransientHandlerError),
        ("http.delete", 503, TransientHandlerError),
        ("http.post", 503, IndeterminateEffectError),
        ("http.patch", 500, IndeterminateEffectError),
        ("http.post", 429, TransientHandlerError),
        ("http.post", 408, TransientHandlerError),
    ],
)
async def test_without_an_idempotency_key_only_what_is_safe_may_be_retried(
    operation: str, status: int, kind: type[HandlerExecutionError]
) -> None:
    async with HttpServer(replying(status)) as server:
        error = await failure(server, operation, idempotency_key=False)
    assert type(error) is kind
    assert error.details["status_code"] == status
    assert error.details.get("effect") == (None if error.retryable else "indeterminate")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("9" * 30, None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
    ],
)
async def test_a_failure_says_when_to_come_back(header: str, seconds: int | None) -> None:
    async with HttpServer(replying(503, b"", {"Retry-After": header})) as server:
        error = await failure(server, "http.get")
    assert error.details.get("retry_after_s") == seconds


@pytest.mark.asyncio
async def test_an_unanswered_write_may_be_retried_with_a_key_and_is_indeterminate_without() -> None:
    async def break_off(_: RecordedRequest, connection: Connection) -> None:
        connection.reset()

    async with HttpServer(break_off) as server:
        assert isinstance(await failure(server, "http.post"), HandlerConnectionError)
        assert isinstance(await failure(server, "http.post", idempotency_key=False), IndeterminateEffectError)
        assert isinstance(await failure(server, "http.put", idempotency_key=False), HandlerConnectionError)


@pytest.mark.asyncio
async def test_the_bindings_timeout_is_the_deadline() -> None:
    async with HttpServer(lambda _, connection: connection.hang()) as server:
        error = await failure(server, "http.get", timeout_ms=50)
    assert isinstance(error, HandlerTimeoutError)
    assert error.retryable


@pytest.mark.asyncio
@pytest.mark.parametrize(("operation", "effect"), [("http.get", None), ("http.post", "performed")])
async def test_a_body_over_the_limit_is_refused_and_says_whether_something_was_done(
    operation: str, effect: str | None
) -> None:
    async with HttpServer(replying(200, b"x" * 101)) as server:
        error = await failure(server, operation, max_response_bytes=100)
    assert isinstance(error, PayloadTooLargeError)
    assert "max_response_bytes" in error.message
    assert error.details.get("effect") == effect


@pytest.mark.asyncio
async def test_a_cancellation_passes_and_leaves_no_connection() -> None:
    async with HttpServer(lambda _, connection: connection.hang()) as server:
        config = ModelHttpConfig(base_url=server.url)
        async with handler(config) as http:
            busy = asyncio.create_task(http.execute(request("http.get", {"url": "/"})))
            await server.wait_for(lambda: len(server.requests) == 1)
            busy.cancel()
            with pytest.raises(asyncio.CancelledError):
                await busy
            await server.wait_for(lambda: server.open_connections == 0)
            assert (await http.health_check()).details["failed"] == 1


# Life


@pytest.mark.asyncio
async def test_health_tells_state_counts_and_connections() -> None:
    made = HttpHandler(HttpTransport, lambda: NOW)
    assert (await made.health_check()).status is EnumHealth.UNHEALTHY
    async with HttpServer(replying(200)) as server, handler(ModelHttpConfig(base_url=server.url)) as http:
        assert (await http.health_check()).details["state"] == "initialized"
        await http.execute(request("http.get", {"url": "/"}))
        healthy = await http.health_check()
        await http.shutdown()
        ended = await http.health_check()
    assert healthy.status is EnumHealth.HEALTHY
    assert healthy.details == {
        "state": "healthy",
        "executing": 0,
        "executed": 1,
        "failed": 0,
        "open_connections": 1,
    }
    assert (ended.status, ended.details["open_connections"]) == (EnumHealth.UNHEALTHY, 0)


class _CountingTransport(HttpTransport):
    closed = 0

    async def aclose(self) -> None:
        type(self).closed += 1
        await super().aclose()


@pytest.mark.asyncio
async def test_it_executes_between_initialize_and_shutdown_only_and_shuts_down_once() -> None:
    binding = ModelHandlerBinding(
        type=EnumHandlerType.HTTP, name="http", config=ModelHttpConfig(base_url="http://127.0.0.1:1")
    )
    asked = request("http.get", {"url": "/"})
    http = HttpHandler(_CountingTransport, lambda: NOW)
    with pytest.raises(ProtocolConfigurationError, match="not initialised"):
        await http.execute(asked)
    await http.initialize(binding)
    with pytest.raises(ProtocolConfigurationError, match="initialised already"):
        await http.initialize(binding)
    await http.shutdown()
    await http.shutdown()
    with pytest.raises(ProtocolConfigurationError, match="was shut down"):
        await http.execute(asked)
    assert _CountingTransport.closed == 1


@pytest.mark.asyncio
async def test_a_shutdown_before_initialize_is_fine_and_final() -> None:
    http = HttpHandler(HttpTransport, lambda: NOW)
    await http.shutdown()
    with pytest.raises(ProtocolConfigurationError, match="final"):
        await http.initialize(
            ModelHandlerBinding(type=EnumHandlerType.HTTP, name="http", config=ModelHttpConfig())
        )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (ModelDbConfig(), "'http' is no binding of an http handler"),
        (ModelHttpConfig(base_url="nonsense"), "base_url is not of the form"),
    ],
)
async def test_a_binding_that_cannot_be_stops_the_start(config: ModelHandlerConfig, sentence: str) -> None:
    http = HttpHandler(HttpTransport, lambda: NOW)
    with pytest.raises(ProtocolConfigurationError, match=sentence):
        await http.initialize(ModelHandlerBinding(type=EnumHandlerType.HTTP, name="http", config=config))
    await http.shutdown()
