"""A contract's nodes with stand-ins for handlers and functions: a request is routed and nothing is performed.

Imported within commands only.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.description import ModelHandlerDescription
from omnibase_core.enums import EnumHandlerType, EnumNodeKind
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import RuntimeHostError
from omnibase_core.runtime import ComputeFunction, NodeInstance, NodeRuntime


class Handed(NamedTuple):
    """What a handler would have been given: its binding's name, and the envelope."""

    handler: str
    envelope: ModelOnexEnvelope


class Rehearsed(NamedTuple):
    """How far a request came; exactly one is there.

    error: why it was refused. handed: what a handler would get. given: what a function of the host would get,
    in its wire form. output: what a node made by itself.
    """

    error: RuntimeHostError | None = None
    handed: Handed | None = None
    given: JsonObject | None = None
    output: JsonObject | None = None


class _ReachedError(Exception):
    """Ends a rehearsal where the performance would begin."""


class _StandIn:
    """In a handler's place: remembers what it is given, and goes no further."""

    def __init__(self, handler_type: EnumHandlerType, name: str) -> None:
        self.handler_type = handler_type
        self.handed: Handed | None = None
        self._name = name

    def describe(self) -> ModelHandlerDescription:
        """The operations of its type."""
        operations = tuple(operation_table()[name] for name in operations_of(self.handler_type))
        return ModelHandlerDescription(handler_type=self.handler_type, version="0", operations=operations)

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Never answers."""
        self.handed = Handed(self._name, envelope)
        raise _ReachedError


def rehearse(loaded: LoadedContract, envelope: ModelOnexEnvelope) -> Rehearsed:
    """Routes an admitted request through the nodes of a contract, up to where a handler or function begins."""
    contract = loaded.require()
    enabled = [binding for binding in contract.handlers if binding.enabled]
    runtime, stand_ins = NodeRuntime(), [_StandIn(binding.type, binding.name) for binding in enabled]
    for stand_in, binding in zip(stand_ins, enabled, strict=True):
        runtime.register_handler(stand_in, binding.name)
    base_urls = {b.name: b.config.base_url for b in enabled if isinstance(b.config, ModelHttpConfig)}
    called: list[JsonObject] = []
    for node in loaded.nodes.values():
        runtime.register_node(NodeInstance(node, _function(node, called), base_urls=base_urls))
    try:
        output = asyncio.run(runtime.route_envelope(envelope)).payload
    except _ReachedError:
        return Rehearsed(handed=next(each.handed for each in stand_ins if each.handed is not None))
    except RuntimeHostError as error:
        return Rehearsed(given=called[0]) if called else Rehearsed(error=error)
    return Rehearsed(output=output)


def _function(node: ModelNodeContract, called: list[JsonObject]) -> ComputeFunction | None:
    """In place of the function of an app-specific host; none where the contract has the function itself."""
    if node.node_type is not EnumNodeKind.COMPUTE or "transform" in node.model_fields_set:
        return None

    def stand_in(values: dict[str, object]) -> Mapping[str, object]:
        called.append(node.input.encode(values))
        raise _ReachedError

    return stand_in
