"""A host as a service in Consul: registered, kept alive by its TTL check, deregistered."""

from collections.abc import Callable

from omnibase_core.contracts.registration import ModelRegistration

from omnibase_infra.transports.consul.client import ConsulClient, ServiceEntry


class Registration:
    """host: its name, which the service has where it has none of its own. client: gives the client when needed."""

    def __init__(self, wanted: ModelRegistration, host: str, client: Callable[[], ConsulClient]) -> None:
        name = wanted.name or host
        check = {
            "TTL": f"{wanted.ttl_ms}ms",
            "DeregisterCriticalServiceAfter": f"{wanted.deregister_after_ms}ms",
        }
        self._service = ServiceEntry(
            name, wanted.service_id or name, wanted.address, wanted.port, wanted.tags, wanted.meta, check
        )
        self._pause_s = wanted.ttl_ms / 3_000
        self._client = client

    async def keep(self) -> float:
        """Says that it lives, and registers it where the agent does not know it, or no more.

        Gives the seconds until the next sign of life. Raises RuntimeHostError.
        """
        client = self._client()
        if not await client.pass_ttl(self._service.service_id):
            await client.register(self._service)
            await client.pass_ttl(self._service.service_id)
        return self._pause_s

    async def end(self) -> None:
        """Deregisters it, whether it is registered or not. Raises RuntimeHostError."""
        await self._client().deregister(self._service.service_id)
