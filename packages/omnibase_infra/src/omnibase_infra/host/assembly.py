"""The runtime of a host: its handlers and its nodes, registered."""

from collections.abc import Iterable, Mapping

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_core.runtime import ComputeFunction, NodeInstance, NodeRuntime

from omnibase_infra.guard import Guard


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
