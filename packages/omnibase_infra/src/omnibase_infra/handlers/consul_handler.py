"""ConsulHandler: services of HashiCorp Consul.

* `consul.register_service` registers at the agent: `name`, `service_id` (the name without one), `address`, `port`,
  `tags`, `meta`, and a `check`: `http` (a URL), `tcp` (`host:port`) or `ttl` (within which somebody says that the
  service lives). Durations are texts such as 10s.
* `consul.deregister_service` may be repeated: `deregistered` says whether there was something.
* `consul.get_service` gives instances; `passing_only`, `tag`.
* `consul.health_check_service` gives the worst status of a service, and its checks; `absent` without instances.
* `consul.list_services` gives the tags of every service.

Registering again changes what is there: every operation may be repeated. Failures: transports/consul/library.py.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Self

from omnibase_core.contracts.handler_config import ModelConsulConfig
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject
from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from omnibase_infra.handlers.served import ModelPayload, Served
from omnibase_infra.transports.consul import ConsulClient, ServiceEntry, worst

# Both become a segment of a path: none of them leads out of it.
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
_Duration = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}(ms|s|m|h)$")]
_Text = Annotated[str, Field(min_length=1, max_length=2_048, pattern=r"^[^\x00-\x1f\x7f]*$")]
_FIELDS = {
    "http": "HTTP",
    "tcp": "TCP",
    "ttl": "TTL",
    "interval": "Interval",
    "timeout": "Timeout",
    "deregister_after": "DeregisterCriticalServiceAfter",
}


class ModelConsulCheck(ModelPayload):
    """How Consul finds out whether a service lives: one of http, tcp and ttl; the first two need an interval.

    deregister_after: how long it may be critical before it is deregistered; Consul takes a minute at the least.
    """

    http: _Text | None = None
    tcp: _Text | None = None
    ttl: _Duration | None = None
    interval: _Duration | None = None
    timeout: _Duration | None = None
    deregister_after: _Duration | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        kinds = [kind for kind in ("http", "tcp", "ttl") if getattr(self, kind) is not None]
        if len(kinds) != 1 or (self.interval is None) != (kinds == ["ttl"]):
            raise PydanticCustomError("check", "it has http or tcp with an interval, or ttl without one")
        return self


class ModelConsulRegister(ModelPayload):
    """The payload of consul.register_service."""

    name: _Name
    service_id: _Id | None = None
    address: _Text | None = None
    port: Annotated[int, Field(ge=0, lt=65_536)] | None = None
    tags: Annotated[list[_Text], Field(max_length=100)] = Field(default_factory=list)
    meta: dict[str, str] = Field(default_factory=dict)
    check: ModelConsulCheck | None = None

    def service(self) -> ServiceEntry:
        """What is registered."""
        given = {} if self.check is None else self.check.model_dump(exclude_none=True)
        check: dict[str, JsonValue] = {_FIELDS[name]: value for name, value in given.items()}
        return ServiceEntry(
            self.name,
            self.service_id or self.name,
            self.address,
            self.port,
            self.tags,
            self.meta,
            check or None,
        )


class ModelConsulDeregister(ModelPayload):
    """The payload of consul.deregister_service."""

    service_id: _Id


class ModelConsulGet(ModelPayload):
    """The payload of consul.get_service."""

    name: _Name
    passing_only: bool = False
    tag: _Text | None = None


class ModelConsulHealth(ModelPayload):
    """The payload of consul.health_check_service."""

    name: _Name


class ModelConsulList(ModelPayload):
    """The payload of consul.list_services."""


class ConsulHandler(Served[ModelConsulConfig, ConsulClient]):
    """The `consul` handler."""

    handler_type: ClassVar[EnumHandlerType] = EnumHandlerType.CONSUL
    config_type = ModelConsulConfig
    payloads: ClassVar[Mapping[str, type[ModelPayload]]] = MappingProxyType(
        {
            "consul.register_service": ModelConsulRegister,
            "consul.deregister_service": ModelConsulDeregister,
            "consul.get_service": ModelConsulGet,
            "consul.health_check_service": ModelConsulHealth,
            "consul.list_services": ModelConsulList,
        }
    )

    async def perform(self, client: ConsulClient, asked: ModelPayload) -> JsonObject:
        """The result of one of the five operations."""
        match asked:
            case ModelConsulRegister():
                service = asked.service()
                await client.register(service)
                return {"service_id": service.service_id}
            case ModelConsulDeregister():
                return {"deregistered": await client.deregister(asked.service_id)}
            case ModelConsulGet():
                found = await client.instances(asked.name, passing_only=asked.passing_only, tag=asked.tag)
                return {"instances": [*found]}
            case ModelConsulHealth():
                return _health_of(await client.instances(asked.name))
            case ModelConsulList():
                return {"services": await client.services()}
        raise AssertionError(type(asked))

    def about(self, asked: ModelPayload) -> str:
        """The service, by name or id."""
        return str(getattr(asked, "name", None) or getattr(asked, "service_id", ""))

    async def look(self, client: ConsulClient) -> tuple[EnumHealth, str]:
        """Whether the cluster has a leader."""
        if await client.leader():
            return EnumHealth.HEALTHY, ""
        return EnumHealth.UNHEALTHY, "Consul has no leader now"


def _health_of(instances: list[JsonObject]) -> JsonObject:
    checks: list[JsonValue] = []
    for instance in instances:
        listed = instance["checks"]
        checks += listed if isinstance(listed, list) else []
    return {"status": worst([instance["status"] for instance in instances]), "checks": checks}
