"""The client of one Vault: what is asked of KV v2, each call with a token that holds."""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, NamedTuple

from omnibase_core.contracts.handler_config import ModelVaultConfig
from omnibase_core.secret import Secret

from omnibase_infra.transports.exchange import Json
from omnibase_infra.transports.http import ServerClient
from omnibase_infra.transports.vault.adapter import Api
from omnibase_infra.transports.vault.errors import RefusedError, failure
from omnibase_infra.transports.vault.secrets import KvSecret, number, part, secret_of, strange
from omnibase_infra.transports.vault.tokens import Tokens

VaultState = Literal["active", "standby", "performance_standby", "sealed", "not_initialized", "removed", "strange"]
_STATES: Final[dict[int, VaultState]] = {
    200: "active",
    429: "standby",
    472: "standby",
    473: "performance_standby",
    474: "standby",
    501: "not_initialized",
    503: "sealed",
    530: "removed",
}


class VaultHealth(NamedTuple):
    """What a node of Vault says of itself, asked without a token."""

    state: VaultState
    version: str


class VaultClient(ServerClient):
    """See the package. timeout_s: the deadline of each request; a call makes four at the most.

    now: monotonic seconds. chance: a random number from 0 to 1, for the jitter of renewals.

    Raises ProtocolConfigurationError for a config that cannot be, such as one without a way to log in.
    """

    def __init__(
        self,
        config: ModelVaultConfig,
        timeout_s: float,
        *,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(config, timeout_s, "vault")
        self._namespace = config.namespace
        self._public = self._api(None)
        self._tokens = Tokens(config, self._api, now=now, chance=chance)

    async def open(self) -> None:
        """Logs in. Raises RuntimeHostError, where nothing can be asked yet; the next call tries again."""
        await self._tokens.current()

    async def keep(self) -> float:
        """Does what is due for the token; gives the seconds until more is, inf where nothing ever is.

        Raises RuntimeHostError where a token that has ended cannot be replaced.
        """
        await self._tokens.current()
        return self._tokens.due_in_s

    async def read_secret(self, mount: str, path: str, version: int | None = None) -> KvSecret:
        """A version of a secret, the newest without one. Raises UnexpectedResultError where it is not there."""

        def read(api: Api) -> Awaitable[Json]:
            return api.kv.read_secret_version(path, version, mount_point=mount, raise_on_deleted_version=True)

        return secret_of(await self._ask(read))

    async def list_secrets(self, mount: str, path: str) -> list[str]:
        """The names below a path, folders with a slash at their end; none where nothing is there."""
        answer = await self._ask(lambda api: api.kv.list_secrets(path, mount_point=mount), absent={})
        keys = part(answer, "data").get("keys") if answer else []
        if not isinstance(keys, list):
            raise strange()
        return [str(key) for key in keys]

    async def write_secret(self, mount: str, path: str, data: Json, cas: int | None = None) -> int:
        """Writes a new version, and gives its number. cas: the version that must be there, 0 for none.

        Raises UnexpectedResultError where another one is.
        """
        written = await self._ask(lambda api: api.kv.create_or_update_secret(path, data, cas, mount_point=mount))
        return number(part(written, "data"), "version")

    async def delete_secret(self, mount: str, path: str, versions: Sequence[int] | None = None) -> None:
        """Deletes versions, which Vault can bring back; without any, the whole secret for good."""

        def delete(api: Api) -> Awaitable[Json]:
            if versions is None:
                return api.kv.delete_metadata_and_all_versions(path, mount_point=mount)
            return api.kv.delete_secret_versions(path, list(versions), mount_point=mount)

        await self._ask(delete)

    async def health(self) -> VaultHealth:
        """Raises RuntimeHostError where nobody answers."""
        answer = await self._public.health.read_health_status(method="GET")
        return VaultHealth(_STATES.get(number(answer, "status"), "strange"), str(answer.get("version", "")))

    def figures(self) -> Json:
        """Connections, logins, renewals, and the seconds until the token ends (null: never)."""
        ends_in_s = self._tokens.ends_in_s
        return {
            **super().figures(),
            "logins": self._tokens.logins,
            "renewals": self._tokens.renewals,
            "token_ends_in_s": None if ends_in_s is None else round(ends_in_s, 3),
        }

    def _api(self, token: Secret | None) -> Api:
        return Api(self.transport, self.base, self._namespace, token)

    async def _ask(self, call: Callable[[Api], Awaitable[Json]], *, absent: Json | None = None) -> Json:
        """The answer; once more with a new token where the old one has ended under way. absent: what a 404 is."""
        api = await self._tokens.current()
        try:
            try:
                return await call(api)
            except RefusedError as refused:
                if refused.status != 403 or not await self._tokens.replaced(api):
                    raise
            return await call(await self._tokens.current())
        except RefusedError as refused:
            if refused.status == 404 and absent is not None:
                return absent
            raise failure(refused) from None
