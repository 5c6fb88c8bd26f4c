"""From a loaded contract to its wiring: values only, nothing is built. Imported within commands only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from omnibase_core import urls
from omnibase_core.contracts.bindings import (
    ModelEventBusLimits,
    ModelHandlerBinding,
    ModelHandlerPolicies,
    default_on_open,
)
from omnibase_core.contracts.fields import ModelDeclaredModel
from omnibase_core.contracts.handler_config import ModelHandlerConfig, ModelHttpConfig
from omnibase_core.contracts.literals import is_reference
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.node import ModelIoOperation, ModelNodeContract
from omnibase_core.contracts.operations import operations_of
from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract
from omnibase_core.enums import EnumHandlerType
from omnibase_core.mapping.compiler import split_text
from pydantic import BaseModel, JsonValue

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
from omnibase_infra.wiring import needed_sql

ANYTHING = "*"


def wiring_of(loaded: LoadedContract, unset: Sequence[ModelUnset] = ()) -> ModelWiring:
    """The wiring of a contract. Raises ContractValidationError where there is none."""
    runtime = loaded.require()
    return ModelWiring(
        file=loaded.files[0],
        name=runtime.name,
        version=runtime.version,
        event_bus=_bus(runtime),
        handlers=tuple(
            _handler(binding, loaded.nodes.values(), runtime.event_bus.kind) for binding in runtime.handlers
        ),
        nodes=tuple(_node(loaded.nodes[entry.slug], entry.max_inflight, runtime) for entry in runtime.nodes),
        unset=tuple(unset),
    )


def _bus(runtime: ModelRuntimeHostContract) -> ModelBusWiring:
    bus = runtime.event_bus
    limits = {name: getattr(bus, name) for name in ModelEventBusLimits.model_fields}
    options = bus.options.model_dump(mode="json", exclude_none=True)
    return ModelBusWiring(kind=bus.kind, topics=bus.topics, options=options, **limits)


def _handler(binding: ModelHandlerBinding, nodes: Iterable[ModelNodeContract], bus: str) -> ModelHandlerWiring:
    policies = {name: getattr(binding, name) for name in ModelHandlerPolicies.model_fields}
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
        needs=needed_sql(binding),
        **{**policies, "on_open": binding.on_open or default_on_open(bus)},
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
        mapping=_written(node, ("let", "transform")),
        operations=tuple(
            ModelOperationWiring(
                operation=operation,
                handler=entry.handler,
                target=entry.target,
                mapping=_written(entry, ("let", "request", "expect", "response")),
                reach=reach_of(operation, entry, runtime.handlers),
            )
            for entry in node.io_operations
            for operation in entry.operations
        ),
    )


def _model(declared: ModelDeclaredModel) -> ModelModelWiring:
    fields = (ModelFieldWiring(**field.model_dump()) for field in declared.fields)
    return ModelModelWiring(name=declared.name, fields=tuple(fields))


def _written(part: BaseModel, names: Iterable[str]) -> dict[str, JsonValue]:
    return {name: getattr(part, name) for name in names if name in part.model_fields_set}


def reach_of(operation: str, entry: ModelIoOperation, handlers: Iterable[ModelHandlerBinding]) -> ModelReach:
    """What an operation may get at: as far as the contract says, and beyond that whatever the payload says."""
    request = entry.request or {}
    if entry.type is EnumHandlerType.DB:
        return ModelReach(statements=tuple(_statements(operation, request)))
    if entry.type is not EnumHandlerType.HTTP:
        return ModelReach(paths=(_pattern(request.get("path") or request.get("name")),))
    binding = next((each for each in handlers if (each.type, each.name) == (entry.type, entry.handler)), None)
    if binding is None or not isinstance(binding.config, ModelHttpConfig):
        return ModelReach()
    url = request.get("url")
    if isinstance(url, str):
        return _below(_pattern(url), binding.config)
    if entry.target is not None:
        target = urls.parse_base(entry.target)
        return ModelReach(hosts=(str(target.origin),), paths=(f"{target.path.rstrip('/')}/{ANYTHING}",))
    base, allow = binding.config.base_url, binding.config.allow
    hosts = [_origin(url) for url in ([] if base is None else [base]) + list(allow)]
    return ModelReach(hosts=tuple(dict.fromkeys(hosts)), paths=(ANYTHING,))


def _below(url: str, config: ModelHttpConfig) -> ModelReach:
    """The reach of a url of the contract, in which `*` stands for each expression."""
    try:
        found = urls.resolve(config.base_url, url)
    except urls.UrlError:
        return ModelReach(hosts=(config.base_url or ANYTHING,), paths=(url,))
    return ModelReach(hosts=(str(found.origin),), paths=(found.path,))


def _statements(operation: str, request: Mapping[str, JsonValue]) -> Iterator[str]:
    listed = request.get("statements") if operation == "db.transaction" else [dict(request)]
    for statement in listed if isinstance(listed, list) else [None]:
        sql = statement.get("sql") if isinstance(statement, dict) else None
        yield " ".join(sql.split()) if isinstance(sql, str) else ANYTHING


def _pattern(template: object) -> str:
    """A template with `*` in place of each expression; one that is no text says nothing."""
    if not isinstance(template, str):
        return ANYTHING
    return "".join(part if isinstance(part, str) else ANYTHING for part in split_text(template))


def _origin(url: str) -> str:
    """The origin of a URL; one that an unset variable stands in as it is written."""
    try:
        return str(urls.parse(url).origin)
    except urls.UrlError:
        return url
