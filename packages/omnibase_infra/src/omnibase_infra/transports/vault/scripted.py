"""A Vault without a server: its results are written down."""

from collections.abc import Sequence

from omnibase_core.contracts.handler_config import ModelVaultConfig
from pydantic import JsonValue

from omnibase_infra.transports.exchange import Json
from omnibase_infra.transports.scripted import Cue
from omnibase_infra.transports.vault.client import VaultClient
from omnibase_infra.transports.vault.secrets import KvSecret, number, part


class ScriptedVault(VaultClient):
    """Gives each call the result of its cue, or raises its failure; nothing is opened, and no login is needed."""

    def __init__(self, config: ModelVaultConfig, *, cue: Cue) -> None:
        self._cue = cue

    async def open(self) -> None:
        """There is nothing to open."""

    async def aclose(self) -> None:
        """There is nothing to close."""

    def figures(self) -> Json:
        """None."""
        return {}

    async def read_secret(self, mount: str, path: str, version: int | None = None) -> KvSecret:
        """The secret; without a version in the cue it has the one that was asked for, or 1."""
        answer = self._cue()
        created = answer.get("created_time", "2026-01-01T00:00:00Z")
        return KvSecret(part(answer, "data"), number(answer, "version") or version or 1, str(created))

    async def list_secrets(self, mount: str, path: str) -> list[str]:
        """The names."""
        keys: JsonValue = self._cue().get("keys")
        return [str(key) for key in keys] if isinstance(keys, list) else []

    async def write_secret(self, mount: str, path: str, data: Json, cas: int | None = None) -> int:
        """The version of the cue, else the one after `cas`."""
        return number(self._cue(), "version") or (cas or 0) + 1

    async def delete_secret(self, mount: str, path: str, versions: Sequence[int] | None = None) -> None:
        """Asks for the cue, which may be a failure."""
        self._cue()
