"""An HTTP transport without a network: the contract's origins are held to, and the answers are written down."""

import base64
import json
from typing import Final

from omnibase_core.contracts.handler_config import ModelHttpConfig
from pydantic import JsonValue

from omnibase_infra.transports.egress import Egress
from omnibase_infra.transports.exchange import HttpAnswer, HttpRequest
from omnibase_infra.transports.http.client import REDIRECTS, HttpTransport, checked_credentials
from omnibase_infra.transports.scripted import Cue, ImpossibleAnswerError

_CONTENT_TYPES: Final = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "bytes": "application/octet-stream",
}


class ScriptedHttp(HttpTransport):
    """Gives each request the answer of its cue; nothing is opened, and no name is looked up."""

    def __init__(self, config: ModelHttpConfig, *, cue: Cue) -> None:
        self.egress = Egress(config.base_url, config.allow, config.allow_private)
        checked_credentials(config)
        self._follows = config.max_redirects > 0
        self._cue = cue

    @property
    def open_connections(self) -> int:
        """None are opened."""
        return 0

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer. Raises HandlerExecutionError for an origin that the contract does not list, the cue's
        failure, and ImpossibleAnswerError for a redirect, which the real transport would follow."""
        self.egress.check_origin(request.url.origin)
        answer = _answer_of(self._cue())
        is_followed = self._follows and request.method in ("GET", "HEAD") and answer.status in REDIRECTS
        if is_followed and answer.header("location"):
            raise ImpossibleAnswerError(
                "the http handler follows a redirect of this request, as max_redirects in its config says; "
                "answer with what is there"
            )
        return answer


def _answer_of(result: dict[str, JsonValue]) -> HttpAnswer:
    headers, status = result.get("headers"), result.get("status_code", 200)
    assert isinstance(status, int)
    pairs = [(name, str(value)) for name, value in headers.items()] if isinstance(headers, dict) else []
    kind = str(result.get("body_type", "json"))
    content = _content(kind, result.get("body"))
    if content and all(name != "content-type" for name, _ in pairs):
        pairs.append(("content-type", _CONTENT_TYPES[kind]))
    return HttpAnswer(status, pairs, content)


def _content(kind: str, body: JsonValue) -> bytes:
    if body is None:
        return b""
    if kind == "bytes" and isinstance(body, dict):
        return base64.b64decode(str(body.get("base64")))
    return (body if kind == "text" and isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
