"""The way to a receiver of traces: OTLP over HTTP, in protobuf."""

from typing import Final

from omnibase_core import urls
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.contracts.observability import ModelTraces
from omnibase_core.errors import HandlerExecutionError, ProtocolConfigurationError, TransientHandlerError

from omnibase_infra.transports.exchange import HttpRequest
from omnibase_infra.transports.http.client import HttpTransport

_HEADERS: Final = (("content-type", "application/x-protobuf"),)
_TRY_AGAIN: Final = frozenset({429, 502, 503, 504})
_MAX_ANSWER_BYTES: Final = 64 * 1024


class OtlpClient:
    """Exports to `config.endpoint` and nowhere else. config: secrets resolved.

    Raises ProtocolConfigurationError for an endpoint that is none, or a ca_file that cannot be read.
    """

    def __init__(self, config: ModelTraces) -> None:
        try:
            base = urls.parse_base(config.endpoint)
        except urls.UrlError as error:
            raise ProtocolConfigurationError(f"observability.traces.endpoint {error}") from None
        self._url = urls.resolve(base, "/v1/traces")
        http = ModelHttpConfig(
            base_url=config.endpoint,
            headers=config.headers,
            allow_private=(base.origin.host,),
            ca_file=config.ca_file,
            connect_timeout_ms=min(config.timeout_ms, 5_000),
            max_response_bytes=_MAX_ANSWER_BYTES,
            max_connections=1,
        )
        self._transport = HttpTransport(http, config.timeout_ms / 1_000)

    async def send(self, body: bytes) -> bytes:
        """The receiver's answer. Raises RuntimeHostError, retryable where the same may be taken later."""
        answer = await self._transport.send(HttpRequest("POST", self._url, _HEADERS, body))
        if 200 <= answer.status < 300:
            return answer.body
        refused = f"{self._url.origin} answered with {answer.status}"
        if answer.status in _TRY_AGAIN:
            raise TransientHandlerError(refused)
        raise HandlerExecutionError(f"{refused}: check observability.traces, its endpoint and headers")

    async def aclose(self) -> None:
        """Closes its connection."""
        await self._transport.aclose()
