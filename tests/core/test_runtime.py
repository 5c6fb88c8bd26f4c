"""The runtime: a request to its node, a node to its handler, and every way in which that can end."""

import functools
from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.codec import decode, encode
from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.description import ModelHandlerDescription
from omnibase_core.enums import EnumErrorCode, EnumHandlerType, EnumNodeKind
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    EnvelopeValidationError,
    HandlerExecutionError,
    HandlerNotFoundError,
    HandlerTimeoutError,
    InvalidOperationError,
    NodeNotFoundError,
    ProtocolConfigurationError,
    RuntimeHostError,
    TransientHandlerError,
    UnexpectedResultError,
)
from omnibase_core.runtime import NodeInstance, NodeResult, NodeRuntime

ID: Final = UUID("11111111-1111-4111-8111-111111111111")
CORRELATION: Final = UUID("22222222-2222-4222-8222-222222222222")
NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
CANARY: Final = "canary7f3a"

HTTP_NODE: Final = """\
node_version: "1.0.0"
name: fetch_user
node_type: EFFECT
input_model:
  name: ModelIn
  fields: [{name: url, type: string}, {name: params, type: "map[any]", required: false}]
output_model:
  name: ModelOut
  fields: [{name: status_code, type: integer}, {name: body, type: any, required: false}]
io_operations:
  - {type: http, operations: [http.get], target: "https://api.example.com/users"}
"""
ORDERS_NODE: Final = """\
node_version: "1.0.0"
name: orders
node_type: EFFECT
input_model:
  name: ModelIn
  fields: [{name: sql, type: string}, {name: parameters, type: "list[any]", required: false}]
output_model: {name: ModelOut, fields: [{name: row_count, type: integer}]}
io_operations:
  - {type: db, operations: [db.query, db.execute], handler: orders_db}
  - {type: vault, operations: [vault.get_secret]}
"""
COMPUTE_NODE: Final = """\
node_version: "1.0.0"
name: total
node_type: COMPUTE
input_model: {name: ModelIn, fields: [{name: lines, type: "list[ModelLine]"}]}
output_model: {name: ModelOut, fields: [{name: total, type: decimal}, {name: note, type: any, required: false}]}
models:
  - {name: ModelLine, fields: [{name: price, type: decimal}, {name: count, type: integer}]}
"""

DEEP_NODE: Final = """\
node_version: "1.0.0"
name: deep
node_type: COMPUTE
input_model: {name: ModelIn, fields: []}
output_model: {name: ModelOut, fields: [{name: value, type: "TYPE"}]}
"""

Answer = Callable[[ModelOnexEnvelope], ModelOnexEnvelope]
T = TypeVar("T")


class Handler:
    """A handler that answers as a test says, and remembers what it was asked."""

    def __init__(self, handler_type: EnumHandlerType, answer: Answer) -> None:
        self.handler_type = handler_type
        self.asked: list[ModelOnexEnvelope] = []
        self._answer = answer

    def describe(self) -> ModelHandlerDescription:
        return ModelHandlerDescription(handler_type=self.handler_type, version="1.0.0", operations=())

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        self.asked.append(envelope)
        return self._answer(envelope)


def by_hand(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine without an event loop: it may not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("the runtime waited for something of its own")


def answering(payload: Any) -> Answer:
    return lambda envelope: envelope.reply(payload, timestamp=NOON)


OK: Final = answering({"status_code": 200})


def raising(error: Exception) -> Answer:
    def answer(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        raise error

    return answer


def contract(text: str) -> ModelNodeContract:
    return parse_node_contract(text)


def request(node: str = "fetch_user", **fields: Any) -> ModelOnexEnvelope:
    values = {"envelope_id": ID, "target_node": node, "timestamp": NOON, "correlation_id": CORRELATION, **fields}
    return ModelOnexEnvelope(**values)


class Host:
    """A runtime with an http, a db and a vault handler, and three nodes."""

    def __init__(
        self,
        answer: Answer = OK,
        *,
        compute: Callable[..., Any] = lambda values: {"total": 0},
        base_url: str | None = None,
    ) -> None:
        self.http = Handler(EnumHandlerType.HTTP, answer)
        self.db = Handler(EnumHandlerType.DB, answer)
        self.vault = Handler(EnumHandlerType.VAULT, answer)
        self.runtime = NodeRuntime()
        self.runtime.register_handler(self.http)
        self.runtime.register_handler(self.db, "orders_db")
        self.runtime.register_handler(self.vault)
        self.runtime.register_node(NodeInstance(contract(HTTP_NODE), base_urls={"http": base_url}))
        self.runtime.register_node(NodeInstance(contract(ORDERS_NODE)))
        self.runtime.register_node(NodeInstance(contract(COMPUTE_NODE), compute))

    def run(self, envelope: ModelOnexEnvelope) -> NodeResult:
        return by_hand(self.runtime.route_envelope(envelope))

    def refuse(self, envelope: ModelOnexEnvelope) -> RuntimeHostError:
        """How the request fails."""
        with pytest.raises(RuntimeHostError) as caught:
            self.run(envelope)
        return caught.value

    @property
    def asked(self) -> list[ModelOnexEnvelope]:
        """Everything that any handler was asked."""
        return [*self.http.asked, *self.db.asked, *self.vault.asked]


USER: Final[JsonObject] = {"url": "https://api.example.com/users/42"}
SELECT: Final[JsonObject] = {"sql": "select 1"}


class TestRouting:
    def test_a_request_goes_to_its_node_and_its_handler_and_the_result_comes_back(self) -> None:
        host = Host(answering({"status_code": 200, "body": {"id": 42}}))
        result = host.run(request(payload=USER))
        assert result == NodeResult({"status_code": 200, "body": {"id": 42}}, EnumHandlerType.HTTP, "http.get")
        (asked,) = host.http.asked
        assert asked == request(payload=USER, handler_type=EnumHandlerType.HTTP, operation="http.get")

    def test_an_operation_goes_to_the_handler_that_its_entry_names(self) -> None:
        host = Host(answering({"row_count": 1}))
        host.run(request("orders", operation="db.execute", payload=SELECT))
        assert [asked.operation for asked in host.db.asked] == ["db.execute"]
        assert host.http.asked == host.vault.asked == []

    def test_the_envelope_may_name_the_handler_type_that_follows_anyway(self) -> None:
        host = Host(answering({"row_count": 1}))
        result = host.run(request("orders", operation="db.query", handler_type=EnumHandlerType.DB, payload=SELECT))
        assert result.handler_type is EnumHandlerType.DB

    def test_no_payload_is_an_empty_one(self) -> None:
        error = Host().refuse(request(payload=None))
        assert error.message == "$.payload.url: is required, but missing"

    def test_the_nodes_can_be_looked_up(self) -> None:
        nodes = Host().runtime.nodes
        assert {slug: node.node_type for slug, node in nodes.items()} == {
            "fetch_user": EnumNodeKind.EFFECT,
            "orders": EnumNodeKind.EFFECT,
            "total": EnumNodeKind.COMPUTE,
        }
        assert nodes["orders"].contract.name == nodes["orders"].slug == "orders"

    @pytest.mark.parametrize("node", ["nobody", "FETCH_USER", "fetch_user ", "\x1b[2J", "x" * 10_000])
    def test_an_unknown_node(self, node: str) -> None:
        error = Host().refuse(request(node))
        assert isinstance(error, NodeNotFoundError)
        assert error.details["available_nodes"] == ["fetch_user", "orders", "total"]
        assert len(error.message) < 300
        assert error.message.isascii() or "…" in error.message

    def test_a_response_without_a_target_has_no_node(self) -> None:
        response = request().reply({}, timestamp=NOON)
        assert isinstance(Host().refuse(response), NodeNotFoundError)


class TestOperations:
    def test_of_several_operations_one_must_be_named(self) -> None:
        error = Host().refuse(request("orders", payload=SELECT))
        assert isinstance(error, InvalidOperationError)
        assert error.message == (
            "Node 'orders' has several operations: name one; "
            "available operations: db.execute, db.query, vault.get_secret"
        )
        assert error.details == {"available_operations": ["db.execute", "db.query", "vault.get_secret"]}

    @pytest.mark.parametrize("operation", ["http.post", "db.query", "get", "http.get ", "HTTP.GET", "http.get\n"])
    def test_an_operation_that_the_contract_does_not_list(self, operation: str) -> None:
        host = Host()
        error = host.refuse(request(operation=operation, payload=USER))
        assert isinstance(error, InvalidOperationError)
        assert error.available_operations == ["http.get"]
        assert host.asked == []

    def test_a_handler_type_that_is_not_the_operations(self) -> None:
        host = Host()
        error = host.refuse(request(handler_type=EnumHandlerType.DB, payload=USER))
        assert isinstance(error, InvalidOperationError)
        assert error.message.startswith(
            "Operation 'http.get' is one of handler type 'http', but the envelope says 'db'; leave handler_type"
        )
        assert host.asked == []


class TestInput:
    def test_every_problem_is_named_with_its_path_and_without_its_value(self) -> None:
        host = Host()
        error = host.refuse(request(payload={"url": 5, "params": [CANARY], "more": CANARY}))
        assert isinstance(error, EnvelopeValidationError)
        assert error.code is EnumErrorCode.ENVELOPE_VALIDATION_ERROR
        problems = error.details["problems"]
        assert isinstance(problems, list)
        assert sorted(str(problem["path"]) for problem in problems if isinstance(problem, dict)) == [
            "$.payload.more",
            "$.payload.params",
            "$.payload.url",
        ]
        assert CANARY not in str(error.details) + error.message
        assert host.asked == []

    def test_the_first_problem_is_the_message(self) -> None:
        error = Host().refuse(request("orders", operation="db.query", payload={"sql": "x", "parameters": "y"}))
        assert error.message == "$.payload.parameters: must be a list, not a string"
        assert error.details["path"] == "$.payload.parameters"

    def test_what_is_wrong_inside_a_list_is_named_by_its_index(self) -> None:
        error = Host().refuse(request("total", payload={"lines": [{"price": "1", "count": 1}, {"price": 1.5}]}))
        assert error.message.startswith("$.payload.lines[1].")


class TestTarget:
    @pytest.mark.parametrize(
        "url",
        [
            "https://api.example.com/users",
            "https://api.example.com/users/42?full=1",
            "https://API.example.com:443/users/42",
        ],
    )
    def test_a_node_may_call_below_its_target(self, url: str) -> None:
        host = Host()
        host.run(request(payload={"url": url}))
        assert host.asked[0].payload == {"url": url}

    @pytest.mark.parametrize(
        "url",
        [
            "https://api.example.com/orders",
            "https://api.example.com/users2",
            "https://api.example.com/",
            "http://api.example.com/users",
            "https://api.example.com:8443/users",
            "https://evil.example.com/users",
            "https://api.example.com.evil.example/users",
        ],
    )
    def test_and_nowhere_else(self, url: str) -> None:
        host = Host()
        error = host.refuse(request(payload={"url": url}))
        assert isinstance(error, EnvelopeValidationError)
        assert error.path == "$.payload.url"
        assert "may call below https://api.example.com/users only" in error.message
        assert host.asked == []

    @pytest.mark.parametrize(
        "url",
        [
            "https://api.example.com/users/../orders",
            "https://api.example.com/users/%2e%2e/orders",
            f"https://{CANARY}@api.example.com/users",
            "https://api.example.com\\@evil.example/users",
            "file:///etc/passwd",
            "/users/42",
            "",
        ],
    )
    def test_a_url_that_could_be_read_in_two_ways_is_refused_without_being_repeated(self, url: str) -> None:
        host = Host()
        error = host.refuse(request(payload={"url": url}))
        assert isinstance(error, EnvelopeValidationError)
        assert error.path == "$.payload.url"
        assert CANARY not in error.message
        assert host.asked == []

    def test_a_relative_url_is_held_to_it_behind_the_base_url(self) -> None:
        host = Host(base_url="https://api.example.com/users")
        host.run(request(payload={"url": "/42"}))
        assert host.asked[0].payload == {"url": "/42"}
        error = Host(base_url="https://api.example.com/orders").refuse(request(payload={"url": "/42"}))
        assert isinstance(error, EnvelopeValidationError)

    def test_without_a_target_the_handler_decides(self) -> None:
        free = contract(HTTP_NODE.replace(', target: "https://api.example.com/users"', ""))
        runtime, http = NodeRuntime(), Handler(EnumHandlerType.HTTP, answering({"status_code": 200}))
        runtime.register_handler(http)
        runtime.register_node(NodeInstance(free))
        by_hand(runtime.route_envelope(request(payload={"url": "https://elsewhere.example/"})))
        assert len(http.asked) == 1

    def test_a_url_that_the_contract_itself_makes_is_not_held_to_it(self) -> None:
        target = 'target: "https://api.example.com/users"'
        text = HTTP_NODE.replace(target, f"{target}, request: {{url: https://elsewhere.example/x}}")
        runtime, http = NodeRuntime(), Handler(EnumHandlerType.HTTP, answering({"status_code": 200}))
        runtime.register_handler(http)
        runtime.register_node(NodeInstance(contract(text)))
        by_hand(runtime.route_envelope(request(payload={"url": "https://api.example.com/users/7"})))
        assert http.asked[0].payload == {"url": "https://elsewhere.example/x"}

    def test_the_target_of_another_kind_of_handler_is_documentation(self) -> None:
        host = Host(answering({"row_count": 1}))
        text = ORDERS_NODE.replace("handler: orders_db", "handler: orders_db, target: orders database")
        node = NodeInstance(contract(text))
        node.attach(host.runtime.execute_with_handler)
        by_hand(node.handle(request("orders", operation="db.query", payload=SELECT)))
        assert len(host.db.asked) == 1


class TestOutput:
    @pytest.mark.parametrize(
        ("payload", "where"),
        [
            ({}, "$.payload.status_code"),
            ({"status_code": CANARY}, "$.payload.status_code"),
            ({"status_code": 200, "more": CANARY}, "$.payload.more"),
            ([CANARY], "$.payload"),
        ],
    )
    def test_a_result_that_does_not_fit_comes_after_the_effect_and_says_so(self, payload: Any, where: str) -> None:
        host = Host(answering(payload))
        error = host.refuse(request(payload=USER))
        assert isinstance(error, UnexpectedResultError)
        assert not error.retryable
        assert error.details == {"path": where, "effect": "performed"}
        assert CANARY not in error.message
        assert len(host.asked) == 1

    @pytest.mark.parametrize(
        "body",
        [float("nan"), float("inf"), 2**63, {1}, b"x", {1: 2}, "\ud800", {"\udc00": 1}, (1, 2), datetime.now],
    )
    def test_a_result_that_is_no_json_is_refused_however_open_its_field(self, body: object) -> None:
        error = Host(answering({"status_code": 200, "body": body})).refuse(request(payload=USER))
        assert isinstance(error, UnexpectedResultError)
        assert error.details == {"effect": "performed"}
        assert error.message.startswith("The result of node 'fetch_user' is not JSON: $.body")

    @settings(max_examples=200, deadline=None)
    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(st.characters(exclude_categories=())),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=6,
        )
    )
    def test_whatever_a_handler_answers_the_reply_can_be_sent_and_read(self, body: Any) -> None:
        asked = request(payload=USER)
        try:
            result = Host(answering({"status_code": 200, "body": body})).run(asked)
        except UnexpectedResultError as error:
            response = asked.failure(error, timestamp=NOON)
        else:
            response = asked.reply(result.payload, timestamp=NOON)
        assert decode(encode(response)) == response


class TestHandlerErrors:
    def test_what_a_handler_raises_comes_through_with_what_it_left_out(self) -> None:
        error = HandlerTimeoutError("no answer within 30 ms")
        assert Host(raising(error)).refuse(request(payload=USER)) is error
        assert error.handler_type is EnumHandlerType.HTTP
        assert error.operation == "http.get"
        assert error.correlation_id == CORRELATION

    def test_what_it_said_itself_stays(self) -> None:
        error = HandlerTimeoutError("x", handler_type=EnumHandlerType.DB, operation="db.query", correlation_id=ID)
        Host(raising(error)).refuse(request(payload=USER))
        assert (error.handler_type, error.operation, error.correlation_id) == (EnumHandlerType.DB, "db.query", ID)

    @pytest.mark.parametrize(
        ("answered", "kind", "retryable"),
        [
            (HandlerExecutionError("it broke", details={"n": 1}), HandlerExecutionError, False),
            (TransientHandlerError("it broke", details={"n": 1}), TransientHandlerError, True),
        ],
    )
    def test_a_failure_that_a_handler_answers_is_one_that_it_raised(
        self, answered: RuntimeHostError, kind: type[RuntimeHostError], retryable: bool
    ) -> None:
        error = Host(lambda envelope: envelope.failure(answered, timestamp=NOON)).refuse(request(payload=USER))
        assert type(error) is kind
        assert error.message == "it broke"
        assert error.details == {"n": 1}
        assert error.retryable is retryable

    def test_the_code_that_it_answered_is_kept(self) -> None:
        timeout = HandlerTimeoutError("late", handler_type=EnumHandlerType.HTTP, operation="http.get")
        error = Host(lambda envelope: envelope.failure(timeout, timestamp=NOON)).refuse(request(payload=USER))
        assert type(error) is TransientHandlerError
        assert error.details == {"answered_code": "HANDLER_TIMEOUT"}
        assert (error.handler_type, error.operation) == (EnumHandlerType.HTTP, "http.get")

    def test_a_handler_that_is_not_registered(self) -> None:
        runtime = NodeRuntime()
        runtime.register_handler(Handler(EnumHandlerType.DB, answering({})), "other_db")
        runtime.register_handler(Handler(EnumHandlerType.VAULT, answering({})))
        runtime.register_node(NodeInstance(contract(ORDERS_NODE)))
        with pytest.raises(HandlerNotFoundError) as caught:
            by_hand(runtime.route_envelope(request("orders", operation="db.query", payload=SELECT)))
        assert caught.value.message == "No handler 'orders_db' is configured; configured: other_db, vault"
        assert caught.value.operation == "db.query"

    def test_an_envelope_that_names_no_handler_type_has_no_handler(self) -> None:
        with pytest.raises(HandlerNotFoundError):
            by_hand(Host().runtime.execute_with_handler(request(operation="http.get")))

    def test_an_exception_that_is_none_of_ours_is_not_disguised(self) -> None:
        with pytest.raises(ZeroDivisionError):
            Host(raising(ZeroDivisionError())).run(request(payload=USER))


LINES: Final[JsonObject] = {"lines": [{"price": "19.90", "count": 2}, {"price": "0.10", "count": 1}]}


def total(values: dict[str, Any]) -> Mapping[str, object]:
    return {"total": sum(line["price"] * line["count"] for line in values["lines"])}


class TestCompute:
    def test_a_function_gets_values_and_gives_values(self) -> None:
        result = Host(compute=total).run(request("total", payload=LINES))
        assert result == NodeResult({"total": "39.90"}, None, None)

    @pytest.mark.parametrize(
        "error",
        [
            ValueError(CANARY),
            KeyError(CANARY),
            RecursionError(),
            HandlerTimeoutError("x"),
            CancelledError(),
            GeneratorExit(),
            BaseExceptionGroup(CANARY, [KeyboardInterrupt()]),
        ],
    )
    def test_an_exception_of_the_function_is_a_handler_execution_error(self, error: BaseException) -> None:
        def failing(values: object) -> Mapping[str, object]:
            raise error

        failure = Host(compute=failing).refuse(request("total", payload=LINES))
        assert type(failure) is HandlerExecutionError
        assert failure.code is EnumErrorCode.HANDLER_EXECUTION_ERROR
        assert not failure.retryable
        assert failure.message == "The function of COMPUTE node 'total' failed; the host's log has the reason"
        assert failure.__cause__ is error

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
    def test_what_ends_the_process_is_not_caught(self, stop: type[BaseException]) -> None:
        def ending(values: object) -> Mapping[str, object]:
            raise stop

        with pytest.raises(stop):
            Host(compute=ending).run(request("total", payload=LINES))

    @pytest.mark.parametrize(
        ("result", "where"),
        [
            ({}, "$.payload.total"),
            ({"total": CANARY}, "$.payload.total"),
            ({"total": 1, "more": CANARY}, "$.payload.more"),
            ({"total": 1, "note": float("nan")}, "$.payload.note"),
            ({"total": 1, "note": "\ud800"}, "$.payload.note"),
            (None, "$.payload"),
            (CANARY, "$.payload"),
        ],
    )
    def test_a_result_that_does_not_fit_is_unexpected_and_nothing_was_performed(
        self, result: Any, where: str
    ) -> None:
        error = Host(compute=lambda values: result).refuse(request("total", payload=LINES))
        assert isinstance(error, UnexpectedResultError)
        assert error.details == {"path": where}
        assert CANARY not in error.message

    @pytest.mark.parametrize(
        ("type_", "most"),
        [
            ("any", 30),
            ("object", 30),
            ("list[any]", 29),
            ("map[list[object]]", 28),
            ("ModelBox", 28),
        ],
    )
    def test_a_result_as_deep_as_an_envelope_may_be_is_sent_and_a_deeper_one_refused(
        self, type_: str, most: int
    ) -> None:
        models = "models: [{name: ModelBox, fields: [{name: inner, type: any}]}]\n"
        node = contract(DEEP_NODE.replace("TYPE", type_) + (models if type_ == "ModelBox" else ""))

        def answer(levels: int) -> Callable[[dict[str, object]], Mapping[str, object]]:
            value: Any = {}
            for _ in range(levels - 1):
                value = {"key": value}
            wrapped = {"any": value, "object": value, "list[any]": [value], "ModelBox": {"inner": [value]}}
            return lambda _: {"value": wrapped.get(type_, {"key": [value]})}

        asked = request("deep", payload={})
        fits = by_hand(NodeInstance(node, answer(most)).handle(asked))
        assert decode(encode(asked.reply(fits.payload, timestamp=NOON))).payload == fits.payload
        with pytest.raises(UnexpectedResultError, match="nested deeper than 32 levels") as refused:
            by_hand(NodeInstance(node, answer(most + 1)).handle(asked))
        assert str(refused.value.details["path"]).startswith("$.payload.value")

    @pytest.mark.parametrize("fields", [{"operation": "total.run"}, {"handler_type": EnumHandlerType.HTTP}])
    def test_a_compute_node_has_no_operation(self, fields: dict[str, Any]) -> None:
        error = Host(compute=total).refuse(request("total", payload=LINES, **fields))
        assert isinstance(error, InvalidOperationError)
        assert "leave operation and handler_type out; available operations: none" in error.message

    def test_the_function_gets_no_invalid_input(self) -> None:
        def unreached(values: object) -> Mapping[str, object]:
            raise AssertionError

        error = Host(compute=unreached).refuse(request("total", payload={"lines": [{"price": 1.5, "count": 1}]}))
        assert isinstance(error, EnvelopeValidationError)

    def test_the_function_cannot_change_the_envelope(self) -> None:
        def greedy(values: dict[str, Any]) -> Mapping[str, object]:
            values["lines"].clear()
            values.clear()
            return {"total": 0}

        asked = request("total", payload=LINES)
        before = encode(asked)
        Host(compute=greedy).run(asked)
        assert encode(asked) == before


async def asynchronous(values: object) -> Mapping[str, object]:
    return {}


async def generating(values: object) -> AsyncIterator[object]:
    yield {}


class Asynchronous:
    async def __call__(self, values: object) -> Mapping[str, object]:
        return {}


class TestRegistration:
    @pytest.mark.parametrize(
        "function", [asynchronous, generating, Asynchronous(), functools.partial(asynchronous)]
    )
    def test_an_async_function_is_no_compute_function(self, function: Any) -> None:
        with pytest.raises(ProtocolConfigurationError, match="a COMPUTE function is pure: write def"):
            NodeInstance(contract(COMPUTE_NODE), function)

    def test_a_compute_node_needs_a_function(self) -> None:
        with pytest.raises(ProtocolConfigurationError, match="COMPUTE node 'total' has no function"):
            NodeInstance(contract(COMPUTE_NODE))

    def test_an_effect_node_takes_none(self) -> None:
        with pytest.raises(ProtocolConfigurationError, match="'fetch_user', which is no COMPUTE node"):
            NodeInstance(contract(HTTP_NODE), total)

    def test_a_slug_is_taken_once(self) -> None:
        runtime = NodeRuntime()
        runtime.register_node(NodeInstance(contract(HTTP_NODE)))
        with pytest.raises(ProtocolConfigurationError, match="Two nodes have the slug 'fetch_user'"):
            runtime.register_node(NodeInstance(contract(HTTP_NODE)))

    def test_a_handler_name_is_taken_once_for_its_type(self) -> None:
        runtime = NodeRuntime()
        runtime.register_handler(Handler(EnumHandlerType.DB, answering({})))
        runtime.register_handler(Handler(EnumHandlerType.DB, answering({})), "second")
        runtime.register_handler(Handler(EnumHandlerType.HTTP, answering({})), "second")
        for name in (None, "db", "second"):
            with pytest.raises(
                ProtocolConfigurationError, match=f"Two handlers of type 'db' are named '{name or 'db'}'"
            ):
                runtime.register_handler(Handler(EnumHandlerType.DB, answering({})), name)

    @pytest.mark.parametrize("handler_type", ["http", b"http", None, EnumErrorCode.INTERNAL_ERROR])
    def test_a_handler_type_is_never_a_text(self, handler_type: Any) -> None:
        with pytest.raises(ProtocolConfigurationError, match="is an EnumHandlerType, not a text"):
            NodeRuntime().register_handler(Handler(handler_type, answering({})))

    def test_a_node_that_no_runtime_knows_reaches_no_handler(self) -> None:
        node = NodeInstance(contract(HTTP_NODE))
        with pytest.raises(ProtocolConfigurationError, match="is not registered with a runtime"):
            by_hand(node.handle(request(payload=USER)))


class TestInvariants:
    def test_the_correlation_id_is_the_same_at_every_hop(self) -> None:
        host = Host(answering({"status_code": 200}))
        host.run(request(payload=USER))
        assert host.asked[0].correlation_id == CORRELATION
        assert host.asked[0].envelope_id == ID

    def test_the_runtime_gives_no_correlation_id(self) -> None:
        host = Host(answering({"status_code": 200}))
        host.run(request(payload=USER, correlation_id=None))
        assert host.asked[0].correlation_id is None

    @pytest.mark.parametrize(
        "fields",
        [
            {"payload": {**USER, "params": {"a": [1]}}},
            {"payload": {"url": 1}},
            {
                "target_node": "orders",
                "operation": "db.query",
                "payload": {"sql": "x", "parameters": [{"a": [1]}]},
            },
            {"target_node": "total", "payload": LINES},
            {"target_node": "nobody"},
        ],
    )
    def test_no_request_is_changed_however_it_ends(self, fields: dict[str, Any]) -> None:
        asked = request(**{"metadata": {"trace": {"id": 1}}, **fields})
        before = encode(asked)
        try:
            Host(answering({"status_code": 200}), compute=total).run(asked)
        except RuntimeHostError as error:
            asked.failure(error, timestamp=NOON)
        assert encode(asked) == before

    def test_one_runtime_serves_interleaved_requests_without_mixing_them(self) -> None:
        host = Host(lambda envelope: envelope.reply({"status_code": len(str(envelope.payload))}, timestamp=NOON))
        under_way = [
            host.runtime.route_envelope(request(payload={"url": f"https://api.example.com/users/{'x' * n}"}))
            for n in range(5)
        ]
        results = [by_hand(coroutine) for coroutine in reversed(under_way)]
        assert [result.payload["status_code"] for result in results] == [
            len(str({"url": f"https://api.example.com/users/{'x' * n}"})) for n in reversed(range(5))
        ]
