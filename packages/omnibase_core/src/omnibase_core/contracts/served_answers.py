"""What a contract test writes down as the result of an operation of vault or consul."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Count = Annotated[int, Field(ge=1)]


class ModelServedAnswer(BaseModel):
    """The result of an operation of vault or consul."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class ModelVaultSecretAnswer(ModelServedAnswer):
    """The result of vault.get_secret.

    data: what the secret holds.
    version: of the secret; null: the one that was asked for, or 1.
    created_time: when the version was written; null: some time.
    """

    data: dict[str, JsonValue]
    version: Count | None = None
    created_time: str | None = None


class ModelVaultKeysAnswer(ModelServedAnswer):
    """The result of vault.list_secrets.

    keys: names below the path, folders with a slash at their end.
    """

    keys: tuple[str, ...] = ()


class ModelVaultVersionAnswer(ModelServedAnswer):
    """The result of vault.set_secret.

    version: the one that was written; null: the one after `cas`.
    """

    version: Count | None = None


class ModelVaultDeletedAnswer(ModelServedAnswer):
    """The result of vault.delete_secret.

    deleted: always true.
    """

    deleted: Literal[True] = True


class ModelConsulIdAnswer(ModelServedAnswer):
    """The result of consul.register_service.

    service_id: the one that was sent, or the name; null leaves it to the handler.
    """

    service_id: str | None = None


class ModelConsulGoneAnswer(ModelServedAnswer):
    """The result of consul.deregister_service.

    deregistered: whether there was such a service.
    """

    deregistered: bool = True


class ModelConsulInstancesAnswer(ModelServedAnswer):
    """The result of consul.get_service.

    instances: each an object as the handler gives it.
    """

    instances: tuple[dict[str, JsonValue], ...] = ()


class ModelConsulHealthAnswer(ModelServedAnswer):
    """The result of consul.health_check_service.

    status: the worst of the instances'.
    checks: each an object as the handler gives it.
    """

    status: Literal["passing", "warning", "critical", "absent"]
    checks: tuple[dict[str, JsonValue], ...] = ()


class ModelConsulServicesAnswer(ModelServedAnswer):
    """The result of consul.list_services.

    services: the tags of each service, by its name.
    """

    services: dict[str, tuple[str, ...]]


SERVED_ANSWERS: Final[Mapping[str, type[ModelServedAnswer]]] = MappingProxyType(
    {
        "vault.get_secret": ModelVaultSecretAnswer,
        "vault.list_secrets": ModelVaultKeysAnswer,
        "vault.set_secret": ModelVaultVersionAnswer,
        "vault.delete_secret": ModelVaultDeletedAnswer,
        "consul.register_service": ModelConsulIdAnswer,
        "consul.deregister_service": ModelConsulGoneAnswer,
        "consul.get_service": ModelConsulInstancesAnswer,
        "consul.health_check_service": ModelConsulHealthAnswer,
        "consul.list_services": ModelConsulServicesAnswer,
    }
)
"""The model of each operation's result."""
