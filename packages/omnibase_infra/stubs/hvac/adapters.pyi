"""What transports.vault uses of hvac 2.4, as it is over an adapter whose `request` is a coroutine."""

from collections.abc import Awaitable

from pydantic import JsonValue

Answer = dict[str, JsonValue]

class Adapter:
    token: str | None
    strict_http: bool
    def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        raise_exception: bool = True,
        **kwargs: JsonValue,
    ) -> Awaitable[Answer]: ...
    def get_login_token(self, response: Answer) -> str: ...
    def login(self, url: str, use_token: bool = True, **kwargs: JsonValue) -> Awaitable[Answer]: ...
    def post(self, url: str, **kwargs: JsonValue) -> Awaitable[Answer]: ...
