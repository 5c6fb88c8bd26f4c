"""The runtime of a host, its handlers and its nodes registered; and its traces, where the contract wants some."""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_core.runtime import ComputeFunction, NodeInstance, NodeRuntime

from omnibase_infra.guard import Guard

if TYPE_CHECKING:
    from omnibase_infra.host.traces import Traces


def assembled(
    handlers: Iterable[tuple[Guard, ModelHandlerBinding]],
    nodes: Iterable[ModelNodeContract],
    functions: Mapping[str, ComputeFunction],
) -> NodeRuntime:
    """The runtime. functions: of COMPUTE nodes, by slug.

    Raises ProtocolConfigurationError for a function of a node that there is not, and as NodeInstance does.
    """
    runtime = NodeRuntime()
    base_urls = dict[str, str | None]()
    for guard, binding in handlers:
        runtime.register_handler(guard, guard.name)
        if isinstance(binding.config, ModelHttpConfig):
            base_urls[binding.name] = binding.config.base_url
    for contract in nodes:
        runtime.register_node(NodeInstance(contract, functions.get(contract.name), base_urls=base_urls))
    strangers = sorted(set(functions) - set(runtime.nodes))
    if strangers:
        raise ProtocolConfigurationError(
            f"Functions are registered for nodes that the contract does not have: {', '.join(strangers)}"
        )
    return runtime


def traces_of(contract: ModelRuntimeHostContract, group: str, guards: Iterable[Guard]) -> "Traces | None":
    """The traces of a host with these guards; None, and nothing of OpenTelemetry imported, where it has none.

    group: the consumer group. Raises ProtocolConfigurationError where the extra is not installed.
    """
    config, bus = contract.observability.traces, contract.event_bus
    if config is None:
        return None
    try:
        from omnibase_infra.host.traces import Place, Traces
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("opentelemetry"):
            raise
        raise ProtocolConfigurationError(
            "The contract has observability.traces, and what makes them is not installed. Install it with "
            "pip install 'omnibase-infra[otel]', or remove observability.traces"
        ) from None
    place = Place(bus.kind, bus.topics.output, group if bus.kind == "kafka" else None)
    traces = Traces(config, contract.name, contract.version, f"{contract.name}@{os.uname().nodename}", place)
    for guard in guards:
        guard.attempts = traces.attempts
    return traces
