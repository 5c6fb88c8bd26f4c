import ssl
from typing import Any

from aiokafka.abc import AbstractTokenProvider

class AIOKafkaConnection:
    async def send(self, request: object) -> Any: ...  # the fields of a response are those of its schema
    def close(self) -> object: ...

async def create_conn(
    host: str,
    port: int,
    *,
    client_id: str = ...,
    request_timeout_ms: int = ...,
    security_protocol: str = ...,
    ssl_context: ssl.SSLContext = ...,
    sasl_mechanism: str = ...,
    sasl_plain_username: str = ...,
    sasl_plain_password: str = ...,
    sasl_oauth_token_provider: AbstractTokenProvider = ...,
) -> AIOKafkaConnection: ...
