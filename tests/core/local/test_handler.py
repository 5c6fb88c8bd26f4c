"""LocalHandler: what each operation does, and how the handler says that it is not for production."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.contracts.operations import operation_table
from omnibase_core.contracts.runtime_host import ModelOpenHandlerConfig
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerExecutionError,
    InvalidOperationError,
    InvalidParameterError,
    ProtocolConfigurationError,
    UnexpectedResultError,
)
from omnibase_core.local.handler import LocalHandler, upper_cased, utc_now
from omnibase_core.runtime import NodeInstance, NodeRuntime

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
BINDING: Final = ModelHandlerBinding(
    type=EnumHandlerType.LOCAL, name="playground", config=ModelOpenHandlerConfig()
)
CORRELATION: Final = UUID(int=2)


def request(operation: str | None, payload: JsonObject | None) -> ModelOnexEnvelope:
    return ModelOnexEnvelope(
        envelope_id=UUID(int=1),
        correlation_id=CORRELATION,
        target_node="n",
        operation=operation,
        payload=payload,
        timestamp=NOON,
    )


async def running(*arguments: Callable[[JsonObject], JsonObject]) -> LocalHandler:
    handler = LocalHandler(*arguments, clock=lambda: NOON)
    await handler.initialize(BINDING)
    return handler


async def answer(operation: str, payload: JsonObject | None) -> JsonObject | None:
    return (await (await running()).execute(request(operation, payload))).payload


@pytest.mark.asyncio
@pytest.mark.parametrize("payload", [{}, {"a": 1, "b": [None, "x"]}])
async def test_echo_gives_the_payload_back(payload: JsonObject) -> None:
    assert await answer("local.echo", payload) == payload


@pytest.mark.asyncio
async def test_echo_of_no_payload_is_an_empty_one() -> None:
    assert await answer("local.echo", None) == {}


@pytest.mark.asyncio
async def test_transform_makes_every_text_upper_case_and_leaves_the_rest() -> None:
    payload: JsonObject = {"a": "x", "b": {"c": ["straße", 1, None, True, 1.5, {"d": "y"}]}}
    assert await answer("local.transform", payload) == {
        "a": "X",
        "b": {"c": ["STRASSE", 1, None, True, 1.5, {"d": "Y"}]},
    }
    assert payload["a"] == "x"


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_upper_case_is_final(value: Any) -> None:
    once = upper_cased(value)
    assert upper_cased(upper_cased(once)) == upper_cased(once)


@pytest.mark.asyncio
async def test_transform_does_what_the_handler_was_made_with() -> None:
    handler = await running(lambda payload: {"fields": len(payload)})
    response = await handler.execute(request("local.transform", {"a": 1, "b": 2}))
    assert response.payload == {"fields": 2}


@pytest.mark.asyncio
async def test_a_transform_that_raises_is_a_handler_execution_error() -> None:
    cause = ValueError("canary7f3a")

    def failing(payload: JsonObject) -> JsonObject:
        raise cause

    with pytest.raises(HandlerExecutionError) as caught:
        await (await running(failing)).execute(request("local.transform", {}))
    assert caught.value.__cause__ is cause
    assert "canary7f3a" not in caught.value.message
    assert (caught.value.operation, caught.value.correlation_id) == ("local.transform", CORRELATION)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("payload", "kind", "message"),
    [
        ({"message": "as asked"}, HandlerExecutionError, "as asked"),
        ({}, HandlerExecutionError, "local.error was asked to fail"),
        (None, HandlerExecutionError, "local.error was asked to fail"),
        ({"message": 5}, InvalidParameterError, "message is a text: what the error shall say"),
    ],
)
async def test_error_raises_what_it_is_asked_for(
    payload: JsonObject | None, kind: type[HandlerExecutionError], message: str
) -> None:
    with pytest.raises(HandlerExecutionError) as caught:
        await answer("local.error", payload)
    error = caught.value
    assert type(error) is kind
    assert error.message == message
    assert not error.retryable
    assert (error.handler_type, error.operation) == (EnumHandlerType.LOCAL, "local.error")
    assert error.correlation_id == CORRELATION


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", [None, "local.shout", "http.get", "x" * 1_000])
async def test_an_unknown_operation_names_the_known_ones(operation: str | None) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        await (await running()).execute(request(operation, {}))
    assert caught.value.available_operations == ["local.echo", "local.error", "local.transform"]
    assert len(caught.value.message) < 200


@pytest.mark.asyncio
async def test_the_response_is_the_requests_reply() -> None:
    asked = request("local.echo", {"a": 1})
    response = await (await running()).execute(asked)
    assert response == asked.reply({"a": 1}, timestamp=NOON, handler_type=EnumHandlerType.LOCAL)


@pytest.mark.asyncio
async def test_initialisation_warns_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    await running()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "LocalHandler 'playground' is for development and tests only; it reaches nothing"


@pytest.mark.asyncio
async def test_health_says_that_it_is_for_development_and_tests() -> None:
    handler = LocalHandler()
    states = [await handler.health_check()]
    await handler.initialize(BINDING)
    states.append(await handler.health_check())
    await handler.shutdown()
    states.append(await handler.health_check())
    assert [health.status for health in states] == [EnumHealth.UNHEALTHY, EnumHealth.HEALTHY, EnumHealth.UNHEALTHY]
    assert all(health.details == {"dev_test_only": True} for health in states)


@pytest.mark.asyncio
async def test_nothing_is_executed_before_initialize_and_after_shutdown() -> None:
    handler = LocalHandler()
    with pytest.raises(ProtocolConfigurationError, match="call initialize first"):
        await handler.execute(request("local.echo", {}))
    await handler.initialize(BINDING)
    with pytest.raises(ProtocolConfigurationError, match="is initialised already"):
        await handler.initialize(BINDING)
    await handler.shutdown()
    await handler.shutdown()
    with pytest.raises(ProtocolConfigurationError, match="was shut down"):
        await handler.execute(request("local.echo", {}))
    with pytest.raises(ProtocolConfigurationError, match="which is final"):
        await handler.initialize(BINDING)


def test_it_describes_what_the_table_says() -> None:
    description = LocalHandler().describe()
    table = operation_table()
    assert description.handler_type is LocalHandler().handler_type is EnumHandlerType.LOCAL
    assert description.operations == tuple(table[f"local.{name}"] for name in ("echo", "transform", "error"))


@pytest.mark.asyncio
async def test_a_transform_that_gives_no_json_is_found_by_the_runtime() -> None:
    contract = parse_node_contract(
        'node_version: "1.0.0"\nname: n\nnode_type: EFFECT\n'
        "input_model: {name: ModelIn, fields: []}\n"
        "output_model: {name: ModelOut, fields: [{name: a, type: any}]}\n"
        "io_operations: [{type: local, operations: [local.transform]}]\n",
        allow_local=True,
    )
    runtime = NodeRuntime()
    not_json: Any = {"a": {1}}
    runtime.register_handler(await running(lambda payload: not_json))
    runtime.register_node(NodeInstance(contract))
    with pytest.raises(UnexpectedResultError):
        await runtime.route_envelope(request(None, {}))


def test_its_own_clock_has_a_zone() -> None:
    assert utc_now().utcoffset() == UTC.utcoffset(None)
