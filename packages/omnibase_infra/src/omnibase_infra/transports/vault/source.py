"""Vault as a place of secrets: `orders/db#password@3` is a field of version 3 of a secret in the mount."""

import asyncio
from collections.abc import Callable
from typing import Final

from omnibase_core import paths
from omnibase_core.contracts.handler_config import ModelVaultConfig
from omnibase_core.errors import HandlerAuthenticationError, RuntimeHostError, UnexpectedResultError
from omnibase_core.secret import ModelSecretRef, Secret

from omnibase_infra.config.handlers import resolve_config
from omnibase_infra.config.secret_files import Absent
from omnibase_infra.config.secrets import NO_NAMES, Names, SecretResolver, SecretSource, unversioned
from omnibase_infra.transports.vault.client import VaultClient
from omnibase_infra.transports.vault.secrets import KvSecret

_TIMEOUT_S: Final = 5.0
_ALONE: Final = "value"


class VaultSecrets(SecretSource):
    """The secrets of one KV v2 mount; logs in when it is first asked.

    own: where the credentials for Vault itself are looked for, never in Vault. names: other `path[#key]`, by
    reference. With `allow` in the config, what lies elsewhere is not looked for here. A Vault that cannot be asked
    ends the search: what a later place has may be outdated.
    """

    def __init__(
        self,
        config: ModelVaultConfig,
        own: SecretResolver,
        names: Names = NO_NAMES,
        open_client: Callable[[ModelVaultConfig, float], VaultClient] = VaultClient,
    ) -> None:
        self._config = config
        self._own = own
        self._names = names
        self._open_client = open_client
        self._allowed = [paths.segments(prefix) for prefix in config.allow]
        self._client: VaultClient | None = None
        self._opening = asyncio.Lock()

    def place(self, reference: ModelSecretRef) -> str | None:
        named = self._named(reference)
        if named is None or (self._allowed and not paths.is_below(tuple(named.path.split("/")), self._allowed)):
            return None
        return f"vault {self._config.address}, {self._config.mount}/{named.secret_ref}"

    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        place, named = self.place(reference) or "", self._named(reference)
        assert named is not None
        try:
            client = await self._opened()
            found = await client.read_secret(self._config.mount, named.path, named.version)
        except UnexpectedResultError:
            return Absent(place, "no such secret")
        except RuntimeHostError as error:
            if isinstance(error, HandlerAuthenticationError):
                await self.close()  # the next time with credentials that are read anew
            return Absent(place, error.message, ends_search=True)
        return _value(found, named.key, place)

    async def close(self) -> None:
        """Closes the connections, and forgets the credentials; the token is left to end by itself."""
        await self._own.close()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _opened(self) -> VaultClient:
        async with self._opening:
            if self._client is None:
                config = await resolve_config(self._config, "secrets.vault", self._own)
                self._client = self._open_client(config, _TIMEOUT_S)
            return self._client

    def _named(self, reference: ModelSecretRef) -> ModelSecretRef | None:
        """The reference as this Vault has it: another path, and key where that is given, and the same version."""
        name = self._names.get(unversioned(reference), unversioned(reference))
        if name is None:
            return None
        path, _, key = name.partition("#")
        key = key or reference.key or ""
        version = reference.version
        return ModelSecretRef(
            secret_ref=path + (f"#{key}" if key else "") + ("" if version is None else f"@{version}")
        )


def _value(found: KvSecret, key: str | None, place: str) -> Secret | Absent:
    """A field of the secret; without a key the only one, or `value`."""
    if key is None:
        key = next(iter(found.data)) if len(found.data) == 1 else _ALONE
        if key not in found.data:
            return Absent(place, "it has several fields; name one as path#key")
    value = found.data.get(key)
    if value is None:
        return Absent(place, f"version {found.version} has no such field")
    if not isinstance(value, str) or not value:
        return Absent(place, "the field is empty, or no text")
    return Secret(value)
