"""VaultHandler: secrets of one KV v2 mount of HashiCorp Vault.

* `vault.get_secret` reads `path`, its newest version or `version`.
* `vault.list_secrets` gives the names below `path`; an empty path is the mount's root.
* `vault.set_secret` writes `data` as a new version; with `cas` only where that is the newest one (0: none yet).
* `vault.delete_secret` deletes `versions`, which Vault can bring back; without them the secret is gone for good.

A path is compared with `allow` of the config segment by segment, before anything is sent. What a secret holds is
in results alone. Failures: transports/vault/errors.py has the table.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, ClassVar, Final

from omnibase_core import paths
from omnibase_core.contracts.handler_config import ModelVaultConfig
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import InvalidParameterError, ProtocolConfigurationError
from pydantic import Field, JsonValue

from omnibase_infra.handlers.served import ModelPayload, Served
from omnibase_infra.transports.vault import VaultClient

_Number = Annotated[int, Field(ge=1, lt=2**31)]


class ModelVaultGet(ModelPayload):
    """The payload of vault.get_secret."""

    path: str
    version: _Number | None = None


class ModelVaultList(ModelPayload):
    """The payload of vault.list_secrets."""

    path: str


class ModelVaultSet(ModelPayload):
    """The payload of vault.set_secret."""

    path: str
    data: dict[str, JsonValue]
    cas: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class ModelVaultDelete(ModelPayload):
    """The payload of vault.delete_secret."""

    path: str
    versions: Annotated[list[_Number], Field(min_length=1, max_length=1_000)] | None = None


_HEALTH: Final = {
    "performance_standby": (
        EnumHealth.DEGRADED,
        "Vault is a performance standby: it reads, and sends writes away",
    ),
    "standby": (EnumHealth.UNHEALTHY, "Vault is a standby: set address to the active node"),
    "sealed": (EnumHealth.UNHEALTHY, "Vault is sealed: unseal it"),
    "not_initialized": (EnumHealth.UNHEALTHY, "Vault is not initialised"),
}


class VaultHandler(Served[ModelVaultConfig, VaultClient]):
    """The `vault` handler."""

    handler_type: ClassVar[EnumHandlerType] = EnumHandlerType.VAULT
    config_type = ModelVaultConfig
    payloads: ClassVar[Mapping[str, type[ModelPayload]]] = MappingProxyType(
        {
            "vault.get_secret": ModelVaultGet,
            "vault.list_secrets": ModelVaultList,
            "vault.set_secret": ModelVaultSet,
            "vault.delete_secret": ModelVaultDelete,
        }
    )

    def __init__(
        self, connect: Callable[[ModelVaultConfig, float], VaultClient], clock: Callable[[], datetime]
    ) -> None:
        super().__init__(connect, clock)
        self._mount = ""
        self._allowed: tuple[tuple[str, ...], ...] = ()

    def configured(self, config: ModelVaultConfig) -> None:
        """Keeps mount and allowed paths. Raises ProtocolConfigurationError for paths that are none."""
        self._mount = config.mount
        self._allowed = allowed_paths(config)

    async def keep(self) -> float:
        """Renews the token, or logs in again, where it is due; gives the seconds until it is due again."""
        return await self.client.keep()

    async def perform(self, client: VaultClient, asked: ModelPayload) -> JsonObject:
        """The result of one of the four operations."""
        self.about(asked)
        match asked:
            case ModelVaultGet(path=path):
                secret = await client.read_secret(self._mount, path, asked.version)
                return {"data": secret.data, "version": secret.version, "created_time": secret.created_time}
            case ModelVaultList(path=path):
                keys: list[JsonValue] = [*await client.list_secrets(self._mount, path)]
                return {"keys": keys}
            case ModelVaultSet(path=path):
                return {"version": await client.write_secret(self._mount, path, asked.data, asked.cas)}
            case ModelVaultDelete(path=path):
                await client.delete_secret(self._mount, path, asked.versions)
                return {"deleted": True}
        raise AssertionError(type(asked))

    def about(self, asked: ModelPayload) -> str:
        """Mount and path. Raises InvalidParameterError for a path that is none, or is not allowed."""
        path = str(getattr(asked, "path", ""))
        check_path(path, self._allowed, is_folder=isinstance(asked, ModelVaultList))
        return f"{self._mount}/{path}"

    async def look(self, client: VaultClient) -> tuple[EnumHealth, str]:
        """The state of Vault, and whether there is a token that holds."""
        state, _ = await client.health()
        if state != "active":
            return _HEALTH.get(state, (EnumHealth.UNHEALTHY, "what answers is no Vault in service"))
        await client.keep()
        return EnumHealth.HEALTHY, ""


def allowed_paths(config: ModelVaultConfig) -> tuple[tuple[str, ...], ...]:
    """`allow` in segments. Raises ProtocolConfigurationError for a mount or path that is none."""
    try:
        paths.segments(config.mount)
        return tuple(paths.segments(prefix) for prefix in config.allow)
    except paths.PathError as error:
        raise ProtocolConfigurationError(f"The vault handler's config: mount or allow {error}") from None


def check_path(path: str, allowed: tuple[tuple[str, ...], ...], *, is_folder: bool = False) -> None:
    """Raises InvalidParameterError for a path that is none, or none that the contract allows."""
    try:
        parts = () if is_folder and not path else paths.segments(path)
    except paths.PathError as error:
        raise InvalidParameterError(f"payload.path {error}", details={"fields": ["payload.path"]}) from None
    if allowed and not paths.is_below(parts, allowed):
        raise InvalidParameterError(
            "payload.path is below none of the paths in 'allow' of the vault handler's config: list it there, or "
            "ask for another",
            details={"fields": ["payload.path"]},
        )
