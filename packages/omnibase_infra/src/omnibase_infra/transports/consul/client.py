"""The client of one Consul agent: services registered, deregistered, looked up."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from omnibase_core.contracts.handler_config import ModelConsulConfig
from omnibase_core.errors import HandlerExecutionError, ProtocolConfigurationError
from omnibase_core.headers import HeaderError, check_header_value
from omnibase_core.secret import ModelSecretRef, Secret
from pydantic import JsonValue

from omnibase_infra.transports.consul.library import Api, strange
from omnibase_infra.transports.exchange import Json
from omnibase_infra.transports.http import ServerClient

_WORST_FIRST: Final = ("critical", "warning", "passing")


class ServiceEntry(NamedTuple):
    """What is registered. check: in Consul's own fields."""

    name: str
    service_id: str
    address: str | None = None
    port: int | None = None
    tags: Sequence[str] = ()
    meta: Mapping[str, str] = {}
    check: Mapping[str, JsonValue] | None = None


class ConsulClient(ServerClient):
    """Every failure is a RuntimeHostError; `library.py` has the table. Every call may be made twice."""

    def __init__(self, config: ModelConsulConfig, timeout_s: float) -> None:
        super().__init__(config, timeout_s, "consul")
        self._api = Api(self.transport, self.base, _checked(config.token), config.datacenter)

    async def open(self) -> None:
        """Asks for the leader."""
        await self.leader()

    async def leader(self) -> str:
        """The address of the cluster's leader, empty where there is none."""
        found = await self._api.status.leader()
        return found if isinstance(found, str) else ""

    async def register(self, service: ServiceEntry) -> None:
        """Registers a service at the agent, or changes it."""
        done = await self._api.agent.service.register(
            service.name,
            service_id=service.service_id,
            address=service.address,
            port=service.port,
            tags=[*service.tags],
            check=service.check,
            meta=service.meta,
        )
        if not done:
            raise HandlerExecutionError("What answers does not know how to register a service")

    async def deregister(self, service_id: str) -> bool:
        """Whether the agent had it; it has it no more."""
        return await self._api.agent.service.deregister(service_id)

    async def pass_ttl(self, service_id: str) -> bool:
        """Says that a service with a TTL check lives; False where the agent does not know it."""
        return await self._api.agent.check.ttl_pass(f"service:{service_id}")

    async def instances(self, name: str, *, passing_only: bool = False, tag: str | None = None) -> list[Json]:
        """The instances of a service in the catalog, each with its `status`, the worst of its `checks`."""
        _, found = await self._api.health.service(name, passing=passing_only, tag=tag)
        return [_instance(entry) for entry in _list(found)]

    async def services(self) -> Json:
        """The tags of every service in the catalog, by name."""
        _, found = await self._api.catalog.services()
        return {name: [*sorted(str(tag) for tag in _list(tags))] for name, tags in _dict(found).items()}


def worst(statuses: Sequence[JsonValue]) -> str:
    """The worst of these statuses; `absent` where there is none."""
    return next((status for status in _WORST_FIRST if status in statuses), "critical" if statuses else "absent")


def _instance(entry: JsonValue) -> Json:
    service, node, checks = (_dict(entry).get(part) for part in ("Service", "Node", "Checks"))
    about, at = _dict(service), _dict(node)
    listed = [_check(_dict(check)) for check in _list(checks)]
    return {
        "service_id": about.get("ID"),
        "name": about.get("Service"),
        "address": about.get("Address") or at.get("Address"),
        "port": about.get("Port"),
        "tags": about.get("Tags") or [],
        "meta": about.get("Meta") or {},
        "node": at.get("Node"),
        "status": worst([check["status"] for check in listed]) if listed else "passing",
        "checks": [*listed],
    }


def _check(check: Json) -> Json:
    names = {"check_id": "CheckID", "name": "Name", "status": "Status", "output": "Output"}
    return {ours: check.get(theirs) for ours, theirs in names.items()} | {"service_id": check.get("ServiceID")}


def _dict(value: JsonValue) -> Json:
    if not isinstance(value, dict):
        raise strange()
    return value


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise strange()
    return value


def _checked(token: ModelSecretRef | Secret | None) -> Secret | None:
    if isinstance(token, ModelSecretRef):
        raise ProtocolConfigurationError(
            "The consul handler's config: token holds a secret_ref that nobody has resolved"
        )
    try:
        check_header_value("" if token is None else token.reveal())
    except HeaderError as error:
        raise ProtocolConfigurationError(f"The consul handler's config: token {error}") from None
    return token
