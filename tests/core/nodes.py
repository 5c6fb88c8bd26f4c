"""Nodes of a contract's text before a handler that answers what a test says."""

import asyncio
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.description import ModelHandlerDescription
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.runtime import NodeInstance, NodeResult, NodeRuntime

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ENVELOPE_ID = UUID("11111111-1111-4111-8111-111111111111")
CORRELATION_ID = UUID("22222222-2222-4222-8222-222222222222")

_HEAD = """\
node_version: "1.0.0"
name: node
"""


def contract_text(kind: str, given: str, made: str, body: str, models: str = "[]") -> str:
    """A node contract; `given` and `made` are the fields of its input and output, as YAML in one line each."""
    return (
        f"{_HEAD}node_type: {kind}\n"
        f"input_model: {{name: ModelIn, fields: {given}}}\n"
        f"output_model: {{name: ModelOut, fields: {made}}}\n"
        f"models: {models}\n" + textwrap.dedent(body)
    )


class AnsweringHandler:
    """Answers every operation with what a function makes of its payload; remembers the payloads."""

    def __init__(self, handler_type: EnumHandlerType, answer: Callable[[JsonObject], JsonObject]) -> None:
        self.handler_type = handler_type
        self.payloads: list[JsonObject] = []
        self._answer = answer

    def describe(self) -> ModelHandlerDescription:
        """The operations of its type."""
        operations = tuple(operation_table()[name] for name in operations_of(self.handler_type))
        return ModelHandlerDescription(
            handler_type=self.handler_type,
            version="1",
            operations=operations,
        )

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Answers."""
        payload = envelope.payload or {}
        self.payloads.append(payload)
        return envelope.reply(self._answer(payload), timestamp=NOW)


class Mapped:
    """A node with its handler."""

    def __init__(
        self, text: str, result: JsonObject | None = None, function: Callable[[Any], Any] | None = None
    ) -> None:
        contract = parse_node_contract(text)
        self.runtime = NodeRuntime()
        kind = contract.io_operations[0].type if contract.io_operations else EnumHandlerType.HTTP
        self.handler = AnsweringHandler(kind, lambda payload: payload if result is None else result)
        self.runtime.register_handler(self.handler)
        self.runtime.register_node(NodeInstance(contract, function))

    def run(
        self, payload: JsonObject, *, metadata: JsonObject | None = None, operation: str | None = None
    ) -> NodeResult:
        """The result of a request. Raises what the node raises."""
        envelope = ModelOnexEnvelope(
            envelope_id=ENVELOPE_ID,
            correlation_id=CORRELATION_ID,
            source_node="client",
            target_node="node",
            payload=payload,
            operation=operation,
            metadata=metadata or {},
            timestamp=NOW,
        )
        return asyncio.run(self.runtime.route_envelope(envelope))

    def sent(self, payload: JsonObject) -> JsonObject:
        """The payload that the handler got."""
        self.run(payload)
        return self.handler.payloads[-1]
