"""Hosts of scripted handlers, on the in-memory bus or on one that fails on purpose."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelHandlerBinding
from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_infra.guard import Guard
from omnibase_infra.host.process import HostParts
from omnibase_spi.event_bus import ProtocolEventBus

from tests.fakes.handlers import ScriptedHandler, handler_binding
from tests.fakes.runtimes import bus_binding

_EFFECT = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "pages"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "url", type: "string"}]}
output_model: {name: "ModelOut", fields: [{name: "url", type: "string"}]}
io_operations: [{type: "http", operations: ["http.get"], handler: "http"}]
"""
_COMPUTE = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "doubler"
node_type: "COMPUTE"
input_model: {name: "ModelIn", fields: [{name: "number", type: "integer"}]}
output_model: {name: "ModelOut", fields: [{name: "double", type: "integer"}]}
"""
EFFECT = parse_node_contract(_EFFECT)
COMPUTE = parse_node_contract(_COMPUTE)


def asking(number: int, target: str = "pages") -> ModelOnexEnvelope:
    """A request to one of the two nodes; its ids are the number."""
    payload = {"number": number} if target == "doubler" else {"url": f"https://a.example/{number}"}
    return ModelOnexEnvelope.model_validate(
        {
            "envelope_id": UUID(int=number + 1),
            "correlation_id": UUID(int=number + 1),
            "target_node": target,
            "payload": payload,
            "timestamp": datetime(2026, 1, 1, tzinfo=UTC),
        }
    )


def doubled(values: dict[str, object]) -> Mapping[str, object]:
    """The function of the COMPUTE node."""
    number = values["number"]
    assert isinstance(number, int)
    return {"double": 2 * number}


def parts(
    handlers: Sequence[ScriptedHandler | tuple[ScriptedHandler, ModelHandlerBinding]] = (),
    *,
    nodes: Sequence[ModelNodeContract] = (EFFECT,),
    bus: ProtocolEventBus | None = None,
    binding: ModelEventBusBinding | None = None,
    secrets: Mapping[str, str] | None = None,
) -> HostParts:
    """The parts of a host; a handler alone gets a binding of its name."""
    bound = [
        one if isinstance(one, tuple) else (one, handler_binding(one.kind, name=one.name)) for one in handlers
    ]
    return HostParts(
        name="test_host",
        group="test_host",
        bus=bus or InMemoryEventBus(),
        binding=binding or bus_binding(),
        handlers=[(Guard(handler, its), its) for handler, its in bound],
        nodes=nodes,
        resolver=SecretResolver([EnvironmentSecrets(secrets or {})]),
        make=lambda binding: ScriptedHandler(binding.type, name=binding.name),
    )
