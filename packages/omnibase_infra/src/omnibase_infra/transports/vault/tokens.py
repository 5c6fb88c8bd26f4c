"""A token and its life: login, renewal at two thirds of its lease, login anew where renewal ends.

Nothing runs by itself here: `current` does what is due before it gives the token, for all callers at once. A
renewal that fails while the token still holds is put off, not passed on: the calls go on meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final

from omnibase_core.contracts.handler_config import ModelVaultConfig
from omnibase_core.errors import HandlerAuthenticationError, ProtocolConfigurationError, RuntimeHostError
from omnibase_core.headers import HeaderError, check_header_value
from omnibase_core.secret import ModelSecretRef, Secret

from omnibase_infra.config.secret_files import Absent, read_secret_file
from omnibase_infra.telemetry import events
from omnibase_infra.transports.exchange import Json
from omnibase_infra.transports.vault.adapter import Api
from omnibase_infra.transports.vault.errors import RefusedError, failure
from omnibase_infra.transports.vault.secrets import number, part, strange

RENEW_AT: Final = 2 / 3
"""The share of a lease after which it is renewed, less up to a tenth of itself: hosts do not renew at once."""
_PUT_OFF_S: Final = (1.0, 30.0)

_logger = logging.getLogger("onex.transports.vault")


@dataclass(frozen=True, slots=True)
class _Held:
    """A token that is held. ends, due: monotonic seconds, inf for never. lease_s: as long as it was at first."""

    api: Api
    ends: float
    due: float
    lease_s: float
    renewable: bool


class Tokens:
    """The token of one handler. open_api: the API with a token, or without one.

    now: monotonic seconds. chance: a random number from 0 to 1. Attributes: `logins`, `renewals`.
    """

    def __init__(
        self,
        config: ModelVaultConfig,
        open_api: Callable[[Secret | None], Api],
        *,
        now: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self.logins = 0
        self.renewals = 0
        self._config = config
        self._open_api = open_api
        self._now = now
        self._chance = chance
        self._lock = asyncio.Lock()
        self._held: _Held | None = None
        if not (config.token or config.approle or config.kubernetes):
            raise ProtocolConfigurationError(
                "The vault handler's config has no way to log in: set token, approle or kubernetes"
            )

    @property
    def ends_in_s(self) -> float | None:
        """Seconds until the token ends: 0 where there is none that holds, None where it never ends."""
        if self._held is None:
            return 0.0
        return None if self._held.ends == inf else max(0.0, self._held.ends - self._now())

    @property
    def due_in_s(self) -> float:
        """Seconds until something is due; inf where nothing ever is."""
        return 0.0 if self._held is None else max(0.0, self._held.due - self._now())

    async def current(self) -> Api:
        """The API with a token that holds. Raises RuntimeHostError where none can be had."""
        if self._held is not None and self._now() < self._held.due:
            return self._held.api
        async with self._lock:
            held = self._held
            if held is None:
                held = self._held = await self._obtained()
            elif self._now() >= held.due:
                held = self._held = await self._refreshed(held)
        return held.api

    async def replaced(self, api: Api) -> bool:
        """Whether another token is held now than the one of `api`, with which Vault refused a request.

        A token that Vault still knows stays: then the request itself is what is not permitted.
        """
        if self._config.token is not None:
            return False
        async with self._lock:
            if self._held is not None and self._held.api is api:
                if await self._is_known(api):
                    return False
                self._held = await self._obtained()
        return True

    async def _is_known(self, api: Api) -> bool:
        try:
            await api.token.lookup_self()
        except RefusedError as refused:
            if refused.status == 403:
                return False
            raise failure(refused) from None
        return True

    async def _refreshed(self, held: _Held) -> _Held:
        try:
            renewed = await self._renewed(held) if held.renewable else None
            return renewed or await self._obtained()
        except RuntimeHostError as error:
            left_s = held.ends - self._now()
            if left_s <= 0:
                raise
            _logger.warning(
                "the token of Vault could not be renewed yet: %s",
                error.message,
                extra={"event": events.HANDLER_VAULT_LEASE},
            )
            least, most = _PUT_OFF_S
            return self._put_off(held, min(max(left_s / 3, least), most))

    async def _renewed(self, held: _Held) -> _Held | None:
        """The token with its new lease; None where a new login is what is needed."""
        try:
            answer = await held.api.token.renew_self()
        except RefusedError as refused:
            if refused.status not in (400, 403):
                raise failure(refused) from None
            if self._config.token is None:
                return None
            _logger.warning(
                "Vault renews the token of the vault handler no more; give it a new one",
                extra={"event": events.HANDLER_VAULT_LEASE},
            )
            return self._put_off(held, inf)
        self.renewals += 1
        lease = part(answer, "auth")
        if self._config.token is None and number(lease, "lease_duration") < held.lease_s / 2:
            return None  # near the most that this login may last
        return self._leased(held.api, lease, held.lease_s)

    async def _obtained(self) -> _Held:
        try:
            if self._config.token is not None:
                return await self._given(_resolved(self._config.token, "token"))
            lease = part(await self._login(), "auth")
        except RefusedError as refused:
            if refused.status == 400:
                raise HandlerAuthenticationError(
                    "Vault refused the login: the role, or what proves it, is not known; correct the credentials "
                    "of the vault handler, or the mount of its auth method",
                    details={"status": 400},
                ) from None
            raise failure(refused) from None
        token = lease.get("client_token")
        if not isinstance(token, str):
            raise strange()
        self.logins += 1
        return self._leased(self._open_api(_sendable(Secret(token))), lease, None)

    async def _login(self) -> Json:
        api = self._open_api(None)
        approle, kubernetes = self._config.approle, self._config.kubernetes
        if approle is not None:
            role_id = (
                approle.role_id if isinstance(approle.role_id, str) else _resolved(approle.role_id, "role_id")
            )
            return await api.approle.login(
                role_id if isinstance(role_id, str) else role_id.reveal(),
                _resolved(approle.secret_id, "secret_id").reveal(),
                use_token=False,
                mount_point=approle.mount,
            )
        assert kubernetes is not None
        jwt = read_secret_file(Path(kubernetes.jwt_file))
        if isinstance(jwt, Absent):
            raise HandlerAuthenticationError(f"The token of the service account is not there: {jwt}")
        return await api.kubernetes.login(
            kubernetes.role, jwt.reveal(), use_token=False, mount_point=kubernetes.mount
        )

    async def _given(self, token: Secret) -> _Held:
        """A token of the contract; one that may not look at itself is taken as it is."""
        api = self._open_api(_sendable(token))
        try:
            about = part(await api.token.lookup_self(), "data")
        except RefusedError as refused:
            if refused.status != 403:
                raise failure(refused) from None
            return _Held(api, inf, inf, inf, renewable=False)
        return self._leased(
            api, {"lease_duration": number(about, "ttl"), "renewable": about.get("renewable")}, None
        )

    def _leased(self, api: Api, lease: Json, first_s: float | None) -> _Held:
        lease_s = float(number(lease, "lease_duration")) or inf
        renewable = lease.get("renewable") is True
        now = self._now()
        is_fixed = self._config.token is not None and not renewable
        due = inf if is_fixed else now + lease_s * RENEW_AT * (1 - self._chance() / 10)
        return _Held(api, now + lease_s, due, first_s or lease_s, renewable)

    def _put_off(self, held: _Held, seconds: float) -> _Held:
        return _Held(held.api, held.ends, self._now() + seconds, held.lease_s, held.renewable)


def _resolved(value: ModelSecretRef | Secret, field: str) -> Secret:
    if isinstance(value, ModelSecretRef):
        raise ProtocolConfigurationError(
            f"The vault handler's config: {field} holds a secret_ref that nobody has resolved"
        )
    return value


def _sendable(token: Secret) -> Secret:
    try:
        check_header_value(token.reveal())
    except HeaderError:
        raise HandlerAuthenticationError("The token for Vault cannot stand in a header: correct it") from None
    return token
