"""NodeRuntime and NodeInstance: which node, may it, with what, and what came out. Pure and in memory.

Neither replies, waits nor retries: the host builds the reply from a NodeResult, and what stands around a
handler decides about time. The methods are coroutines only because a handler is awaited.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

from omnibase_core.contracts.fields import FieldMismatchError
from omnibase_core.contracts.node import ModelIoOperation, ModelNodeContract
from omnibase_core.description import RuntimeHandler
from omnibase_core.enums import EnumErrorCode, EnumHandlerType, EnumNodeKind
from omnibase_core.envelope import JsonObject, ModelEnvelopeError, ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerExecutionError,
    HandlerNotFoundError,
    InvalidOperationError,
    NodeNotFoundError,
    ProtocolConfigurationError,
    RuntimeHostError,
    TransientHandlerError,
    shown,
)
from omnibase_core.passage import Passage, encoded, invalid_input
from omnibase_core.typed import untyped

ComputeFunction = Callable[[Any], Any]
"""Takes the values of the input model, or its dataclass; gives those of the output model."""
HandlerCall = Callable[[ModelOnexEnvelope, str | None], Awaitable[ModelOnexEnvelope]]


class NodeResult(NamedTuple):
    """What a node made of a request: the reply's payload, and what was executed (None for COMPUTE)."""

    payload: JsonObject
    handler_type: EnumHandlerType | None = None
    operation: str | None = None


class NodeInstance:
    """One node: its contract, and the way from a request to its result.

    compute: the function of a COMPUTE node. It is pure: values of the input model in, of the output model out.
    base_urls: of the http handlers by binding name, to hold a node to its `target`.
    """

    __slots__ = (
        "_compute",
        "_execute",
        "_input",
        "_operations",
        "_output",
        "_passages",
        "_transform",
        "contract",
        "node_type",
        "slug",
    )

    def __init__(
        self,
        contract: ModelNodeContract,
        compute: ComputeFunction | None = None,
        *,
        base_urls: Mapping[str, str | None] | None = None,
    ) -> None:
        self.contract = contract
        self.slug = contract.name
        self.node_type = contract.node_type
        self._input = contract.input
        self._output = contract.output
        self._compute = _checked_function(contract, compute)
        self._execute: HandlerCall | None = None
        self._operations = {name: entry for entry in contract.io_operations for name in entry.operations}
        mapped, bases = contract.mappings.mapped, base_urls or {}
        self._transform = Passage(contract, mapped[None]) if None in mapped else None
        self._passages = {
            name: Passage(contract, mapped.get(index), entry, bases.get(entry.handler))
            for index, entry in enumerate(contract.io_operations)
            for name in entry.operations
        }

    def attach(self, execute: HandlerCall) -> None:
        """Gives the node the way to its handlers; the runtime does so when it registers the node."""
        self._execute = execute

    def computed(self, envelope: ModelOnexEnvelope) -> NodeResult | None:
        """The result of a COMPUTE node, which waits for nothing; None where a handler has to be awaited.

        Raises as `handle` does.
        """
        if self._compute is not None:
            return self._calculate(self._compute, envelope)
        if self._transform is not None:
            self._refuse_operation(envelope)
            return NodeResult(self._transform.transform(envelope))
        return None

    async def handle(self, envelope: ModelOnexEnvelope) -> NodeResult:
        """The result of this request.

        Raises InvalidOperationError, EnvelopeValidationError for the input, MappingError, UnexpectedResultError
        for the output, and whatever RuntimeHostError the handler raised.
        """
        computed = self.computed(envelope)
        if computed is not None:
            return computed
        operation, entry = self._chosen(envelope)
        passage = self._passages[operation]
        payload, scope = passage.prepare(envelope)
        if self._execute is None:
            raise ProtocolConfigurationError(
                f"Node '{self.slug}' is not registered with a runtime; register_node first"
            )
        response = await self._execute(envelope.addressed(entry.type, operation, payload), entry.handler)
        return NodeResult(passage.finish(_payload_of(response), scope, operation), entry.type, operation)

    def _calculate(self, compute: ComputeFunction, envelope: ModelOnexEnvelope) -> NodeResult:
        self._refuse_operation(envelope)
        try:
            values = self._input.decode(envelope.payload or {})
        except FieldMismatchError as error:
            raise invalid_input(error) from None
        try:
            result = compute(values)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            raise HandlerExecutionError(
                f"The function of COMPUTE node '{self.slug}' failed; the host's log has the reason"
            ) from error
        return NodeResult(encoded(self.slug, self._output, result, effect=False))

    def _refuse_operation(self, envelope: ModelOnexEnvelope) -> None:
        if envelope.operation is not None or envelope.handler_type is not None:
            raise InvalidOperationError(
                f"Node '{self.slug}' is a COMPUTE node: leave operation and handler_type out",
                (),
                operation=envelope.operation,
            )

    def _chosen(self, envelope: ModelOnexEnvelope) -> tuple[str, ModelIoOperation]:
        name = envelope.operation
        if name is None:
            if len(self._operations) != 1:
                raise InvalidOperationError(
                    f"Node '{self.slug}' has several operations: name one", self._operations
                )
            name = next(iter(self._operations))
        entry = self._operations.get(name)
        if entry is None:
            raise InvalidOperationError(
                f"Node '{self.slug}' has no operation '{shown(name)}'", self._operations, operation=name
            )
        if envelope.handler_type not in (None, entry.type):
            raise InvalidOperationError(
                f"Operation '{name}' is one of handler type '{entry.type}', but the envelope says "
                f"'{envelope.handler_type}'; leave handler_type out",
                self._operations,
                operation=name,
            )
        return name, entry


class NodeRuntime:
    """Routes requests to nodes, and nodes to handlers; tables made at start, looked up per envelope."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[EnumHandlerType, str], RuntimeHandler] = {}
        self._nodes: dict[str, NodeInstance] = {}

    def register_handler(self, handler: RuntimeHandler, name: str | None = None) -> None:
        """Adds a handler under its binding's name (default: its type).

        Raises ProtocolConfigurationError for a second one of that type and name, or a type that is no
        EnumHandlerType.
        """
        if not isinstance(handler.handler_type, EnumHandlerType):
            raise ProtocolConfigurationError("A handler's handler_type is an EnumHandlerType, not a text")
        key = (handler.handler_type, name or handler.handler_type.value)
        if key in self._handlers:
            raise ProtocolConfigurationError(
                f"Two handlers of type '{key[0]}' are named '{key[1]}'; give each binding a name of its own"
            )
        self._handlers[key] = handler

    def register_node(self, node: NodeInstance) -> None:
        """Adds a node under its slug. Raises ProtocolConfigurationError for a second one."""
        if node.slug in self._nodes:
            raise ProtocolConfigurationError(f"Two nodes have the slug '{node.slug}'; rename one")
        node.attach(self.execute_with_handler)
        self._nodes[node.slug] = node

    @property
    def nodes(self) -> Mapping[str, NodeInstance]:
        """The nodes by slug."""
        return self._nodes

    async def route_envelope(self, envelope: ModelOnexEnvelope) -> NodeResult:
        """The result of the request's node. Raises NodeNotFoundError, and what NodeInstance.handle raises."""
        node = self._nodes.get(envelope.target_node or "")
        if node is None:
            raise NodeNotFoundError(envelope.target_node or "", self._nodes)
        return await node.handle(envelope)

    async def execute_with_handler(
        self, envelope: ModelOnexEnvelope, name: str | None = None
    ) -> ModelOnexEnvelope:
        """Lets the handler of the envelope's `handler_type` (and binding name) execute its operation.

        Raises HandlerNotFoundError, and what the handler raises.
        """
        kind = envelope.handler_type
        handler = None if kind is None else self._handlers.get((kind, name or kind.value))
        if handler is None:
            raise HandlerNotFoundError(name or str(kind), self._names(), operation=envelope.operation)
        try:
            return await handler.execute(envelope)
        except RuntimeHostError as error:
            error.handler_type = error.handler_type or kind
            error.operation = error.operation or envelope.operation
            error.correlation_id = error.correlation_id or envelope.correlation_id
            raise

    def _names(self) -> Iterable[str]:
        return (name for _, name in self._handlers)


def _checked_function(contract: ModelNodeContract, compute: ComputeFunction | None) -> ComputeFunction | None:
    transforms = None in contract.mappings.mapped
    if contract.node_type is EnumNodeKind.COMPUTE and compute is None and not transforms:
        raise ProtocolConfigurationError(
            f"COMPUTE node '{contract.name}' has no function and no transform: register a function under that "
            "name in an app-specific host, and run it with --host package.module:Class, or write a transform"
        )
    if compute is not None and transforms:
        raise ProtocolConfigurationError(
            f"COMPUTE node '{contract.name}' has a transform and a function of the host; remove one of the two"
        )
    if contract.node_type is not EnumNodeKind.COMPUTE and compute is not None:
        raise ProtocolConfigurationError(
            f"A function is registered for '{contract.name}', which is no COMPUTE node; remove one of the two"
        )
    if compute is not None and (_is_async(compute) or _is_async(type(compute).__call__)):
        raise ProtocolConfigurationError(
            f"The function of COMPUTE node '{contract.name}' is async; a COMPUTE function is pure: write def"
        )
    return None if compute is None else untyped(contract, compute)


def _is_async(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _payload_of(response: ModelOnexEnvelope) -> JsonObject:
    """The payload of a handler's response; a failure that it answered instead of raising is raised here."""
    if response.error is not None:
        raise _answered_failure(response.error)
    return response.payload or {}


def _answered_failure(error: ModelEnvelopeError) -> RuntimeHostError:
    kind = TransientHandlerError if error.retryable else HandlerExecutionError
    return kind(
        error.message,
        handler_type=error.handler_type,
        operation=error.operation,
        details={**error.details, "answered_code": error.code.value}
        if error.code is not EnumErrorCode.HANDLER_EXECUTION_ERROR
        else error.details,
    )
