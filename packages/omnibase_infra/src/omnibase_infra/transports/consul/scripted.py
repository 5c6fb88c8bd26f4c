"""A Consul without an agent: its results are written down."""

from omnibase_core.contracts.handler_config import ModelConsulConfig
from pydantic import JsonValue

from omnibase_infra.transports.consul.client import ConsulClient, ServiceEntry
from omnibase_infra.transports.exchange import Json
from omnibase_infra.transports.scripted import Cue, ImpossibleAnswerError


class ScriptedConsul(ConsulClient):
    """Gives each call the result of its cue, or raises its failure; nothing is opened."""

    def __init__(self, config: ModelConsulConfig, *, cue: Cue) -> None:
        self._cue = cue

    async def open(self) -> None:
        """There is nothing to open."""

    async def aclose(self) -> None:
        """There is nothing to close."""

    def figures(self) -> Json:
        """None."""
        return {}

    async def register(self, service: ServiceEntry) -> None:
        """Asks for the cue, which may be a failure. Raises ImpossibleAnswerError for the id of another service."""
        if self._cue().get("service_id") not in (None, service.service_id):
            raise ImpossibleAnswerError(f"the service that is registered has the id {service.service_id}")

    async def deregister(self, service_id: str) -> bool:
        """What the cue says; True where it says nothing."""
        return self._cue().get("deregistered") is not False

    async def instances(self, name: str, *, passing_only: bool = False, tag: str | None = None) -> list[Json]:
        """The instances of the cue; for the health of a service one with its status and checks, or none."""
        answer = self._cue()
        if "status" not in answer:
            return [each for each in _list(answer.get("instances")) if isinstance(each, dict)]
        if answer["status"] == "absent":
            return []
        return [{"status": answer["status"], "checks": _list(answer.get("checks"))}]

    async def services(self) -> Json:
        """The services of the cue."""
        found = self._cue().get("services")
        return found if isinstance(found, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
