"""From a loaded contract to its wiring: values only, nothing is built. Imported within commands only."""

from collections.abc import Iterable, Iterator, Sequence

from omnibase_core import urls
from omnibase_core.contracts.bindings import ModelEventBusLimits, ModelHandlerBinding, ModelHandlerPolicies
from omnibase_core.contracts.fields import ModelDeclaredModel
from omnibase_core.contracts.handler_config import ModelHandlerConfig, ModelHttpConfig
from omnibase_core.contracts.literals import is_reference
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.node import ModelIoOperation, ModelNodeContract
from omnibase_core.contracts.operations import operations_of
from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract
from omnibase_core.enums import EnumHandlerType
from pydantic import JsonValue

from omnibase_infra.cli.wiring_models import (
    ModelBusWiring,
    ModelFieldWiring,
    ModelHandlerWiring,
    ModelModelWiring,
    ModelNodeWiring,
    ModelOperationWiring,
    ModelReach,
    ModelUnset,
    ModelWiring,
)

ANYTHING = "*"


def wiring_of(loaded: LoadedContract, unset: Sequence[ModelUnset] = ()) -> ModelWiring:
    """The wiring of a contract. Raises ContractValidationError where there is none."""
    runtime = loaded.require()
    return ModelWiring(
        file=loaded.files[0],
        name=runtime.name,
        version=runtime.version,
        event_bus=_bus(runtime),
        handlers=tuple(_handler(binding, loaded.nodes.values()) for binding in runtime.handlers),
        nodes=tuple(_node(loaded.nodes[entry.slug], entry.max_inflight, runtime) for entry in runtime.nodes),
        unset=tuple(unset),
    )


def _bus(runtime: ModelRuntimeHostContract) -> ModelBusWiring:
    bus = runtime.event_bus
    limits = {name: getattr(bus, name) for name in ModelEventBusLimits.model_fields}
    return ModelBusWiring(kind=bus.kind, topics=bus.topics, options=bus.options, **limits)


def _handler(binding: ModelHandlerBinding, nodes: Iterable[ModelNodeContract]) -> ModelHandlerWiring:
    users = [
        node.name
        for node in nodes
        if any((entry.type, entry.handler) == (binding.type, binding.name) for entry in node.io_operations)
    ]
    return ModelHandlerWiring(
        name=binding.name,
        type=binding.type,
        enabled=binding.enabled,
        priority=binding.priority,
        operations=operations_of(binding.type),
        secrets=tuple(_secrets(binding.config)),
        nodes=tuple(users),
        **{name: getattr(binding, name) for name in ModelHandlerPolicies.model_fields},
    )


def _secrets(config: ModelHandlerConfig) -> Iterator[str]:
    pending: list[JsonValue] = [config.model_dump(mode="json")]
    while pending:
        match pending.pop():
            case dict() as held if is_reference(held):
                yield str(held["secret_ref"])
            case dict() as held:
                pending.extend(reversed(held.values()))
            case list() as items:
                pending.extend(reversed(items))


def _node(node: ModelNodeContract, max_inflight: int | None, runtime: ModelRuntimeHostContract) -> ModelNodeWiring:
    return ModelNodeWiring(
        slug=node.name,
        kind=node.node_type,
        version=node.node_version,
        description=node.description,
        on_failure=node.on_failure,
        max_inflight=max_inflight,
        dependencies=node.dependencies,
        input_model=_model(node.input_model),
        output_model=_model(node.output_model),
        models=tuple(_model(model) for model in node.models),
        operations=tuple(
            ModelOperationWiring(
                operation=operation,
                handler=entry.handler,
                target=entry.target,
                reach=reach_of(operation, entry, runtime.handlers),
            )
            for entry in node.io_operations
            for operation in entry.operations
        ),
    )


def _model(declared: ModelDeclaredModel) -> ModelModelWiring:
    fields = (ModelFieldWiring(**field.model_dump()) for field in declared.fields)
    return ModelModelWiring(name=declared.name, fields=tuple(fields))


def reach_of(operation: str, entry: ModelIoOperation, handlers: Iterable[ModelHandlerBinding]) -> ModelReach:
    """What an operation may get at: as far as the contract says, and beyond that whatever the payload says."""
    if entry.type is EnumHandlerType.DB:
        return ModelReach(statements=(ANYTHING,))
    if entry.type is not EnumHandlerType.HTTP:
        return ModelReach(paths=(ANYTHING,))
    if entry.target is not None:
        target = urls.parse_base(entry.target)
        return ModelReach(hosts=(str(target.origin),), paths=(f"{target.path.rstrip('/')}/{ANYTHING}",))
    binding = next((each for each in handlers if (each.type, each.name) == (entry.type, entry.handler)), None)
    if binding is None or not isinstance(binding.config, ModelHttpConfig):
        return ModelReach()
    base, allow = binding.config.base_url, binding.config.allow
    hosts = [_origin(url) for url in ([] if base is None else [base]) + list(allow)]
    return ModelReach(hosts=tuple(dict.fromkeys(hosts)), paths=(ANYTHING,))


def _origin(url: str) -> str:
    """The origin of a URL; one that an unset variable stands in as it is written."""
    try:
        return str(urls.parse(url).origin)
    except urls.UrlError:
        return url
