"""The client of the one server that a handler has: its own address may be called, private or not, and no other."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType

from omnibase_core import urls
from omnibase_core.contracts.handler_config import ModelHttpConfig, ModelServerConfig
from omnibase_core.errors import ProtocolConfigurationError

from omnibase_infra.transports.exchange import Json
from omnibase_infra.transports.http.client import HttpTransport


class ServerClient(ABC):
    """What the clients of one server have in common. Redirects are not followed.

    handler: its type, for messages. timeout_s: the deadline of one request. Attributes: `transport`, `base`, and
    `place`, where it is, as OpenTelemetry names that.

    Raises ProtocolConfigurationError for an address that is none, or a ca_file that cannot be read.
    """

    place: Mapping[str, str | int] = MappingProxyType({})

    def __init__(self, config: ModelServerConfig, timeout_s: float, handler: str) -> None:
        try:
            self.base = urls.parse_base(config.address)
        except urls.UrlError as error:
            raise ProtocolConfigurationError(f"The {handler} handler's config: address {error}") from None
        self.place = {"server.address": self.base.origin.host, "server.port": self.base.origin.port}
        http = ModelHttpConfig(
            base_url=config.address,
            allow_private=(self.base.origin.host,),
            ca_file=config.ca_file,
            connect_timeout_ms=config.connect_timeout_ms,
            max_response_bytes=config.max_response_bytes,
            max_connections=config.max_connections,
        )
        self.transport = HttpTransport(http, timeout_s)

    @abstractmethod
    async def open(self) -> None:
        """Finds out whether the server can be asked. Raises RuntimeHostError; the next call tries again."""

    async def aclose(self) -> None:
        """Closes all connections."""
        await self.transport.aclose()

    def figures(self) -> Json:
        """Of its connections."""
        return {"open_connections": self.transport.open_connections}
