"""What transports.consul uses of python-consul2 0.1.5, as it is over an HTTP client of coroutines."""

from collections.abc import Awaitable, Mapping

from pydantic import JsonValue

class ConsulException(Exception): ...

class _Part:
    def __init__(self, agent: object) -> None: ...

class _Service:
    def register(
        self,
        name: str,
        service_id: str | None = None,
        address: str | None = None,
        port: int | None = None,
        tags: list[str] | None = None,
        check: Mapping[str, JsonValue] | None = None,
        token: str | None = None,
        meta: Mapping[str, str] | None = None,
    ) -> Awaitable[bool]: ...
    def deregister(self, service_id: str) -> Awaitable[bool]: ...

class _Check:
    def ttl_pass(self, check_id: str) -> Awaitable[bool]: ...

class Consul:
    class Agent(_Part):
        service: _Service
        check: _Check

    class Catalog(_Part):
        def services(self) -> Awaitable[tuple[str, JsonValue]]: ...

    class Health(_Part):
        def service(
            self, service: str, passing: bool | None = None, tag: str | None = None
        ) -> Awaitable[tuple[str, JsonValue]]: ...

    class Status(_Part):
        def leader(self) -> Awaitable[JsonValue]: ...
