"""Who may see the console. Probes and metrics need no door: they show nothing that a stranger could use.

| server listens at | a token is configured | none is |
|---|---|---|
| loopback | the token | whoever names it as localhost, which another site's name that points here is not |
| anything else | the token | nobody, and the answer says how to configure one |
"""

import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from typing import Final

from omnibase_core.contracts.observability import ModelAdminListener
from omnibase_core.errors import ProtocolConfigurationError, RuntimeHostError
from omnibase_core.secret import Secret

from omnibase_infra.admin.server import Answer, Page, Request, text_answer
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.telemetry import events

_log = logging.getLogger("onex.admin")
_SHORTEST: Final = 16
_ASK: Final = (("www-authenticate", 'Basic realm="onex console: any name, token as password", charset="UTF-8"'),)
_OFF: Final = (
    "The console is off: this server listens beyond loopback, and no token is configured. Set the variable "
    "ONEX_CONSOLE_TOKEN, or observability.http.console_token in the contract. /health/live, /health/ready and "
    "/metrics need none"
)
_VARIABLE: Final = "ONEX_CONSOLE_TOKEN"
FindToken = Callable[[], Awaitable[Secret]]


class Door:
    """Stands before pages. find_token: the token as it is now, None where none is configured."""

    def __init__(self, address: str, find_token: FindToken | None = None) -> None:
        self._loopback = is_loopback(address)
        self._find_token = find_token
        self._token: Secret | None = None
        self._said: str | None = None

    def __call__(self, page: Page) -> Page:
        """The page behind this door."""

        async def guarded(request: Request) -> Answer:
            return await self._refusal(request) or await page(request)

        return guarded

    async def _refusal(self, request: Request) -> Answer | None:
        if self._find_token is not None:
            return await self._unless_told(self._find_token, request)
        if not self._loopback:
            return text_answer(403, _OFF)
        if is_loopback(host_of(request)):
            return None
        return text_answer(421, "The console answers to localhost only; ask for it by that name, or set a token")

    async def _unless_told(self, find_token: FindToken, request: Request) -> Answer | None:
        token = await self._current(find_token)
        if token is None:
            return text_answer(503, "The console's token is configured and not usable; the host's log says why")
        given = _given(request.headers.get("authorization", ""))
        if given is not None and hmac.compare_digest(given, token.reveal().encode()):
            return None
        refusal = text_answer(401, "The console wants its token: as bearer token, or as password of any name")
        return refusal._replace(headers=_ASK)

    async def _current(self, find_token: FindToken) -> Secret | None:
        """The token; the last known one while it cannot be looked up, so that an outage shuts nobody out."""
        try:
            found = await find_token()
            if len(found.reveal()) < _SHORTEST:
                raise ProtocolConfigurationError(f"The console's token has less than {_SHORTEST} characters")
            self._token, self._said = found, None
        except RuntimeHostError as error:
            if self._said != error.message:
                self._said = error.message
                _log.warning(
                    "no token for the console: %s", error.message, extra={"event": events.ADMIN_CONSOLE_SHUT}
                )
        return self._token


def token_finder(
    http: ModelAdminListener, environment: Mapping[str, str], resolver: SecretResolver
) -> FindToken | None:
    """How the token is found: the variable wins over the contract; None where neither has one."""
    given = environment.get(_VARIABLE)
    reference = http.console_token

    async def from_environment() -> Secret:
        return Secret(given or "")

    async def from_contract() -> Secret:
        assert reference is not None
        return await resolver.get_secret(reference)

    if given:
        return from_environment
    return None if reference is None else from_contract


def is_loopback(host: str) -> bool:
    """Whether this name or address is this machine's own and reached from nowhere else."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_of(request: Request) -> str:
    """The Host header without its port."""
    host = request.headers.get("host", "")
    return host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _given(authorization: str) -> bytes | None:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip().encode()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return None
