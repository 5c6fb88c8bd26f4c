"""Handler configuration: a binding as the contract says it becomes one that a handler can be initialised with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelHandlerBinding
from omnibase_core.errors import SecretResolutionError
from omnibase_core.headers import HeaderError, check_header_value
from omnibase_core.secret import ModelSecretRef, Secret
from pydantic import BaseModel

from omnibase_infra.config.secrets import SecretResolver, unresolved_error

_Config = TypeVar("_Config", bound=BaseModel)
_Replace = Callable[[str, ModelSecretRef], ModelSecretRef | Secret]


class _Use(NamedTuple):
    """A field that wants a secret: `handler 'db', config.dsn`."""

    field: str
    reference: ModelSecretRef


async def find_secrets(bindings: Iterable[ModelHandlerBinding], resolver: SecretResolver) -> dict[str, Secret]:
    """The secrets of handlers, by reference.

    Raises SecretResolutionError that names handler, field, reference and places of everything missing, or a secret
    that cannot stand in its header.
    """
    return await _found([use for binding in bindings for use in _uses(binding)], resolver)


def references_of(binding: ModelHandlerBinding) -> tuple[str, ...]:
    """The secrets that a handler uses, each once."""
    return tuple(dict.fromkeys(use.reference.secret_ref for use in _uses(binding)))


async def resolve_config(config: _Config, field: str, resolver: SecretResolver) -> _Config:
    """A config with a Secret in place of each secret reference; `field` is where it stands. Errors as above."""
    return _revealed(config, await _found(_uses_in(field, "config", config), resolver))


async def resolve_bus(binding: ModelEventBusBinding, resolver: SecretResolver) -> ModelEventBusBinding:
    """The bus's binding with its options resolved as by `resolve_config`."""
    return bus_with_secrets(binding, await find_bus_secrets(binding, resolver))


async def find_bus_secrets(binding: ModelEventBusBinding, resolver: SecretResolver) -> dict[str, Secret]:
    """The secrets of the bus, by reference. Errors as above."""
    return await _found(_uses_in("event_bus", "config", binding.options), resolver)


def bus_with_secrets(binding: ModelEventBusBinding, secrets: Mapping[str, Secret]) -> ModelEventBusBinding:
    """The bus's binding with these secrets in place of its references."""
    return binding.model_copy(update={"options": _revealed(binding.options, secrets)})


def _revealed(config: _Config, secrets: Mapping[str, Secret]) -> _Config:
    def reveal(_: str, reference: ModelSecretRef) -> Secret:
        return Secret(reference.prefix + secrets[reference.secret_ref].reveal())

    rebuilt = _rebuilt(config, "config", reveal)
    assert isinstance(rebuilt, type(config))
    return rebuilt


async def _found(uses: Sequence[_Use], resolver: SecretResolver) -> dict[str, Secret]:
    secrets, missing = await resolver.search(use.reference for use in uses)
    if missing:
        absent = {unresolved.reference: unresolved for unresolved in missing}
        raise unresolved_error(
            [(use.field, absent[use.reference.secret_ref]) for use in uses if use.reference.secret_ref in absent]
        )
    return secrets


def _uses(binding: ModelHandlerBinding) -> Sequence[_Use]:
    return _uses_in(f"handler '{binding.name}'", "config", binding.config)


def _uses_in(owner: str, path: str, config: BaseModel) -> Sequence[_Use]:
    uses: list[_Use] = []

    def note(path: str, reference: ModelSecretRef) -> ModelSecretRef:
        uses.append(_Use(f"{owner}, {path}", reference))
        return reference

    _rebuilt(config, path, note)
    return uses


def with_secrets(binding: ModelHandlerBinding, secrets: Mapping[str, Secret]) -> ModelHandlerBinding:
    """The binding with these secrets in place of its references; a bad header raises SecretResolutionError."""

    def reveal(path: str, reference: ModelSecretRef) -> Secret:
        secret = Secret(reference.prefix + secrets[reference.secret_ref].reveal())
        if path.startswith("config.headers."):
            _check_header(f"handler '{binding.name}', {path}", reference, secret)
        return secret

    return binding.model_copy(update={"config": _rebuilt(binding.config, "config", reveal)})


def _check_header(field: str, reference: ModelSecretRef, secret: Secret) -> None:
    try:
        check_header_value(secret.reveal())
    except HeaderError as error:
        raise SecretResolutionError(
            f"{field} {error}: correct the secret {reference.secret_ref}",
            details={"field": field, "reference": reference.secret_ref},
        ) from None


def _rebuilt(value: object, path: str, replace: _Replace) -> object:
    """The value with every reference in it replaced, at any depth of models, maps and lists."""
    match value:
        case ModelSecretRef():
            return replace(path, value)
        case BaseModel():
            fields = {name: getattr(value, name) for name in value.model_fields_set}
            return value.model_copy(
                update={name: _rebuilt(field, f"{path}.{name}", replace) for name, field in fields.items()}
            )
        case dict():
            return {key: _rebuilt(item, f"{path}.{key}", replace) for key, item in value.items()}
        case list() | tuple():
            return type(value)(_rebuilt(item, f"{path}[{i}]", replace) for i, item in enumerate(value))
        case _:
            return value
