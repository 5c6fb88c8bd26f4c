"""The workbench that a handler is checked on."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from omnibase_core.codec import check_json, encode
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError, RuntimeHostError

from omnibase_spi.conformance.promise import bounded, in_time, promised
from omnibase_spi.handler import ProtocolHandler

HandlerMaker = Callable[[], ProtocolHandler]


@asynccontextmanager
async def working(make: HandlerMaker, binding: ModelHandlerBinding) -> AsyncIterator[ProtocolHandler]:
    """A handler that is initialised, and shut down afterwards."""
    handler = make()
    await in_time(handler.initialize(binding), "initialize")
    try:
        yield handler
    finally:
        await in_time(handler.shutdown(), "shutdown")


async def outcome(handler: ProtocolHandler, request: ModelOnexEnvelope) -> ModelOnexEnvelope | RuntimeHostError:
    """The response, or the RuntimeHostError, which must fit into an error envelope. Any other raise fails."""
    try:
        response = await bounded(handler.execute(request), f"execute of {request.operation}")
    except RuntimeHostError as error:
        _can_be_answered(request, error)
        return error
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(
            f"execute must raise RuntimeHostErrors alone; {request.operation} raised {type(error).__name__}"
        ) from error
    promised(isinstance(response, ModelOnexEnvelope), "execute must answer a ModelOnexEnvelope")
    return response


async def succeeded(handler: ProtocolHandler, request: ModelOnexEnvelope, what: str) -> ModelOnexEnvelope:
    """The response; a RuntimeHostError fails, and is shown."""
    response = await outcome(handler, request)
    if isinstance(response, RuntimeHostError):
        raise AssertionError(f"{what} must succeed; it raised {response.code}: {response.message}") from response
    return response


def _can_be_answered(request: ModelOnexEnvelope, error: RuntimeHostError) -> None:
    promised(bool(error.message), "an error must say in a sentence what is wrong")
    try:
        check_json(error.details, "details")
        encode(request.failure(error, timestamp=request.timestamp))
    except (EnvelopeValidationError, ValueError):
        raise AssertionError("the details of an error must be JSON values: it goes onto the bus") from None
