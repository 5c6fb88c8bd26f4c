"""Every check of a handler.

Each gets what makes a handler, its binding, and a sample: a request that succeeds however often it is sent.
Some checks send what no sane node would: give the handler something to work on that may break.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from omnibase_core.codec import decode, encode
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.description import ModelHealth, ModelOperationDescription
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import InvalidOperationError, ProtocolConfigurationError, RuntimeHostError
from pydantic import JsonValue

from omnibase_spi.conformance.promise import in_time, promised, refused
from omnibase_spi.conformance.workbench import HandlerMaker, outcome, succeeded, working
from omnibase_spi.handler import ProtocolHandler

HandlerCheck = Callable[[HandlerMaker, ModelHandlerBinding, ModelOnexEnvelope], Awaitable[None]]
"""Gets what makes a handler, its binding, and a request that always succeeds; raises AssertionError."""

_GARBAGE: Final[tuple[JsonValue, ...]] = (None, True, -1, "", "\x00", "{'\"", [], [[None]], {}, {"": {"a": 1}})
_AT_ONCE: Final = 10


async def check_it_describes_what_the_table_says(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """`describe` works at any time, and says of each operation of its type what core's table says."""
    handler = make()
    description = handler.describe()
    promised(isinstance(handler.handler_type, EnumHandlerType), "handler_type must be an EnumHandlerType")
    promised(handler.handler_type is binding.type, "handler_type must be the type that the binding names")
    promised(description.handler_type is handler.handler_type, "describe() must name the handler's own type")
    promised(bool(description.version), "describe() must say a version")
    table = operation_table()
    expected = [table[name] for name in operations_of(handler.handler_type)]
    promised(
        sorted(description.operations, key=_name) == sorted(expected, key=_name),
        "describe() must have every operation of the handler's type, with the fields of core's table",
    )


async def check_it_executes_only_while_it_runs(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """`execute` before `initialize` and after `shutdown` raises ProtocolConfigurationError."""
    handler = make()
    await refused(handler.execute(sample), ProtocolConfigurationError, "execute before initialize")
    await in_time(handler.initialize(binding), "initialize")
    await succeeded(handler, sample, "the sample")
    await in_time(handler.shutdown(), "shutdown")
    await refused(handler.execute(sample), ProtocolConfigurationError, "execute after shutdown")


async def check_initialize_happens_once(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """A second `initialize` is refused and harms nothing; after `shutdown` it is refused too."""
    async with working(make, binding) as handler:
        await refused(handler.initialize(binding), ProtocolConfigurationError, "a second initialize")
        await succeeded(handler, sample, "the sample, after a second initialize was refused,")
        await in_time(handler.shutdown(), "shutdown")
        await refused(handler.initialize(binding), ProtocolConfigurationError, "initialize after shutdown")


async def check_shutdown_is_safe_and_idempotent(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """`shutdown` is safe before `initialize`, at the same time twice, and again; it is final."""
    unused = make()
    for _ in range(2):
        await in_time(unused.shutdown(), "shutdown before initialize")
    await refused(unused.initialize(binding), ProtocolConfigurationError, "initialize after shutdown")
    async with working(make, binding) as handler:
        await succeeded(handler, sample, "the sample")
        await in_time(asyncio.gather(handler.shutdown(), handler.shutdown()), "shutdown, twice at the same time,")
        await in_time(handler.shutdown(), "a further shutdown")


async def check_shutdown_ends_what_is_under_way(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """What is under way when `shutdown` comes ends: with its response, or with a RuntimeHostError."""
    async with working(make, binding) as handler:
        under_way = asyncio.gather(*(outcome(handler, _numbered(sample, n)) for n in range(_AT_ONCE)))
        await asyncio.sleep(0)
        await in_time(handler.shutdown(), "shutdown with operations under way")
        await in_time(under_way, "an operation that was under way at shutdown")


async def check_unknown_operations_name_the_known(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """An operation that the handler does not have, or none, is an InvalidOperationError that lists what it has."""
    async with working(make, binding) as handler:
        for name in ("", "conformance", f"{binding.type}.conformance", f"{sample.operation} "):
            request = sample.model_copy(update={"operation": name or None})
            error = await outcome(handler, request)
            if not isinstance(error, InvalidOperationError):
                raise AssertionError(f"an unknown operation must raise InvalidOperationError; got {_kind(error)}")
            promised(
                error.available_operations == sorted(handler.describe().operation_names),
                "an InvalidOperationError must list the operations that the handler has",
            )


async def check_a_missing_field_is_named(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """A payload without a required field is refused by a RuntimeHostError whose message names the field."""
    async with working(make, binding) as handler:
        for operation in handler.describe().operations:
            for field in operation.required:
                payload = _payload(sample, operation, without=field)
                error = await outcome(handler, _asking(sample, operation, payload))
                if not isinstance(error, RuntimeHostError):
                    raise AssertionError(f"{operation.name} without '{field}' must raise a RuntimeHostError")
                missing = [name for name in operation.required if name not in payload]
                promised(
                    any(name in error.message for name in missing),
                    f"the error of {operation.name} without '{field}' must name the field",
                )


async def check_the_response_is_the_requests_reply(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """The response is `envelope.reply(…)`, its ids too, with the fields that the table names, as JSON."""
    before = encode(sample)
    async with working(make, binding) as handler:
        response = await succeeded(handler, sample, "the sample")
    promised(encode(sample) == before, "a handler must not change the request, nor its payload")
    expected = sample.reply(response.payload or {}, timestamp=response.timestamp, handler_type=binding.type)
    promised(
        response == expected, "the response must be envelope.reply(…) of the request, its ids and metadata too"
    )
    promised(response.timestamp.tzinfo is not None, "the response's timestamp must have a time zone")
    result = operation_table()[sample.operation or ""].result
    promised(
        not result or set(response.payload or {}) == set(result),
        f"the payload of {sample.operation} must have the fields {', '.join(result)}",
    )
    promised(decode(encode(response)) == response, "the response must survive being sent: JSON values only")


async def check_garbage_raises_runtime_host_errors_alone(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """Whatever a payload holds, `execute` answers or raises a RuntimeHostError that can go onto the bus."""
    async with working(make, binding) as handler:
        for operation in handler.describe().operations:
            await outcome(handler, sample.model_copy(update={"operation": operation.name, "payload": None}))
            for field in (*operation.required, *operation.optional, "conformance"):
                for garbage in _GARBAGE:
                    payload = {**_payload(sample, operation), field: garbage}
                    await outcome(handler, _asking(sample, operation, payload))
        await succeeded(handler, sample, "the sample, after garbage,")


async def check_health_never_raises(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """`health_check` answers at any time, and tells a handler that runs from one that does not."""
    handler = make()
    promised(await _health(handler) is not EnumHealth.HEALTHY, "a handler must not be healthy before initialize")
    await in_time(handler.initialize(binding), "initialize")
    promised(await _health(handler) is not EnumHealth.UNHEALTHY, "a handler that runs must not be unhealthy")
    await succeeded(handler, sample, "the sample")
    promised(await _health(handler) is not EnumHealth.UNHEALTHY, "a handler that works must not be unhealthy")
    await in_time(handler.shutdown(), "shutdown")
    promised(await _health(handler) is not EnumHealth.HEALTHY, "a handler must not be healthy after shutdown")


async def check_many_execute_at_once(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """Any number of operations run at once, and each response belongs to its request."""
    requests = [_numbered(sample, number) for number in range(_AT_ONCE)]
    async with working(make, binding) as handler:
        responses = await asyncio.gather(*(succeeded(handler, each, "one of many at once") for each in requests))
    for request, response in zip(requests, responses, strict=True):
        promised(response.envelope_id == request.response_id, "each response must belong to its own request")
        promised(response.correlation_id == request.correlation_id, "each response must echo its own correlation")


async def check_a_cancelled_execute_ends(
    make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope
) -> None:
    """A cancelled `execute` ends as cancelled, and the handler goes on working."""
    async with working(make, binding) as handler:
        for steps in range(4):
            task = asyncio.ensure_future(handler.execute(sample))
            for _ in range(steps):
                await asyncio.sleep(0)
            cancelled = task.cancel()
            await in_time(asyncio.wait([task]), "a cancelled execute")
            promised(
                task.cancelled() or not cancelled,
                "a cancelled execute must let the cancellation through, and not answer it",
            )
        await succeeded(handler, sample, "the sample, after others were cancelled,")


HANDLER_CHECKS: Final[tuple[HandlerCheck, ...]] = (
    check_it_describes_what_the_table_says,
    check_it_executes_only_while_it_runs,
    check_initialize_happens_once,
    check_shutdown_is_safe_and_idempotent,
    check_shutdown_ends_what_is_under_way,
    check_unknown_operations_name_the_known,
    check_a_missing_field_is_named,
    check_the_response_is_the_requests_reply,
    check_garbage_raises_runtime_host_errors_alone,
    check_health_never_raises,
    check_many_execute_at_once,
    check_a_cancelled_execute_ends,
)


async def check_handler(make: HandlerMaker, binding: ModelHandlerBinding, sample: ModelOnexEnvelope) -> None:
    """All of it."""
    for check in HANDLER_CHECKS:
        await check(make, binding, sample)


def _name(operation: ModelOperationDescription) -> str:
    return operation.name


def _kind(outcome: ModelOnexEnvelope | RuntimeHostError) -> str:
    return "a response" if isinstance(outcome, ModelOnexEnvelope) else type(outcome).__name__


def _numbered(sample: ModelOnexEnvelope, number: int) -> ModelOnexEnvelope:
    ids = {"envelope_id": UUID(int=1_000 + number), "correlation_id": UUID(int=2_000 + number)}
    return sample.model_copy(update=ids)


def _asking(
    sample: ModelOnexEnvelope, operation: ModelOperationDescription, payload: JsonObject
) -> ModelOnexEnvelope:
    return sample.model_copy(update={"operation": operation.name, "payload": payload})


def _payload(
    sample: ModelOnexEnvelope, operation: ModelOperationDescription, *, without: str | None = None
) -> JsonObject:
    """The sample's own fields as far as the operation takes them."""
    fields = (*operation.required, *operation.optional)
    return {name: value for name, value in (sample.payload or {}).items() if name in fields and name != without}


async def _health(handler: ProtocolHandler) -> EnumHealth:
    health = await in_time(handler.health_check(), "health_check")
    promised(isinstance(health, ModelHealth), "health_check must answer a ModelHealth")
    return health.status
