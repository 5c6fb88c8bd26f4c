"""A client on the way to a server that answers as it is told, for what no Vault answers on demand."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from omnibase_core.contracts.handler_config import ModelVaultAppRole, ModelVaultConfig
from omnibase_core.secret import Secret
from omnibase_infra.transports.vault import VaultClient

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded

TOKEN = "canary-of-the-token"
LOOKED_UP: dict[str, object] = {"data": {"ttl": 0, "renewable": False}}
SECRET: dict[str, object] = {
    "data": {"data": {"user": "o"}, "metadata": {"version": 3, "created_time": "2026-01-02T03:04:05Z"}}
}
Answer = tuple[int, object] | bytes


class FakeVault:
    """Answers by method and path, without /v1/; what is not listed is 404. A list is answered one by one."""

    def __init__(self, answers: Mapping[str, Answer | list[Answer]] = MappingProxyType({})) -> None:
        self.answers = {"GET auth/token/lookup-self": (200, LOOKED_UP), **answers}

    async def __call__(self, request: RecordedRequest, connection: Connection) -> None:
        found = self.answers.get(f"{request.method} {request.target.removeprefix('/v1/').partition('?')[0]}")
        if isinstance(found, list):
            found = found.pop(0)
        if not isinstance(found, bytes):
            found = encoded(*(found or (404, {"errors": []})))
        await connection.send(found)


class Time:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def lease(token: str, seconds: int, *, renewable: bool = True) -> Answer:
    """The answer to a login or a renewal."""
    return 200, {"auth": {"client_token": token, "lease_duration": seconds, "renewable": renewable}}


def by_token(address: str) -> ModelVaultConfig:
    """A config with a token."""
    return ModelVaultConfig(address=address, token=Secret(TOKEN))


def by_approle(address: str) -> ModelVaultConfig:
    """A config with an AppRole."""
    return ModelVaultConfig(
        address=address, approle=ModelVaultAppRole(role_id="role", secret_id=Secret("canary-of-the-secret-id"))
    )


@asynccontextmanager
async def vault(
    fake: FakeVault,
    config: Callable[[str], ModelVaultConfig] = by_token,
    *,
    now: Callable[[], float] | None = None,
    timeout_s: float = 2.0,
) -> AsyncIterator[tuple[VaultClient, HttpServer]]:
    """The client and the server; chance is 0, so that a lease is renewed at two thirds exactly."""
    async with HttpServer(fake) as server:
        client = VaultClient(config(server.url), timeout_s, now=now or Time(), chance=lambda: 0.0)
        try:
            yield client, server
        finally:
            await client.aclose()
