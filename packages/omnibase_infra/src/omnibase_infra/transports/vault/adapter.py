"""hvac's adapter over our HTTP transport: hvac builds the requests, and what it gives back is awaited."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from hvac import adapters
from hvac.api.auth_methods import AppRole, Kubernetes, Token
from hvac.api.secrets_engines import KvV2
from hvac.api.system_backend import Health
from omnibase_core import urls
from omnibase_core.codec import parse_json
from omnibase_core.errors import EnvelopeValidationError
from omnibase_core.secret import Secret
from pydantic import JsonValue

from omnibase_infra.transports.exchange import HttpAnswer, HttpRequest, Json
from omnibase_infra.transports.http import HttpTransport
from omnibase_infra.transports.vault.errors import RefusedError
from omnibase_infra.transports.vault.secrets import strange

_METHODS: Final = {"list": "GET"}  # the verb LIST is dropped by some proxies


class Api:
    """The part of hvac that we use, with one token or none.

    hvac's Client is not among it: it reads VAULT_* and ~/.vault-token, and half of its own methods do not work
    over coroutines. Nor is whatever looks at an answer itself: here answers are awaited.
    """

    def __init__(
        self, transport: HttpTransport, base: urls.Url, namespace: str | None, token: Secret | None
    ) -> None:
        adapter = _Adapter(transport, base, namespace, token)
        self.kv = KvV2(adapter)
        self.token = Token(adapter)
        self.approle = AppRole(adapter)
        self.kubernetes = Kubernetes(adapter)
        self.health = Health(adapter)


class _Adapter(adapters.Adapter):
    # The library's __init__ is not called: it would build a session of `requests`.
    def __init__(
        self, transport: HttpTransport, base: urls.Url, namespace: str | None, token: Secret | None
    ) -> None:
        self._transport = transport
        self._base = base
        self._token = token
        self._headers = {"x-vault-request": "true"}
        if namespace is not None:
            self._headers["x-vault-namespace"] = namespace

    def get_login_token(self, response: Json) -> str:
        raise NotImplementedError("logins are asked for with use_token=False")

    async def login(self, url: str, use_token: bool = True, **kwargs: JsonValue) -> Json:
        return await self.post(url, **kwargs)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        raise_exception: bool = True,
        **kwargs: JsonValue,
    ) -> Json:
        """The body of a success, {} where it has none; with raise_exception False any body and its `status`."""
        request = self._request(method, url, kwargs)
        answer = await self._transport.send(request)
        if not raise_exception:
            return {**_body(answer), "status": answer.status}
        if answer.status not in (200, 204):
            raise RefusedError(
                answer.status,
                _body(answer),
                repeatable=request.repeatable,
                retry_after_s=_seconds(answer.header("retry-after")),
            )
        if answer.status == 200 and not answer.content():
            raise strange()
        return _body(answer, strict=True)

    def _request(self, method: str, url: str, given: Mapping[str, JsonValue]) -> HttpRequest:
        params = given.get("params")
        query = dict(params) if isinstance(params, dict) else {}
        if method == "list":
            query["list"] = "true"
        where = urls.resolve(self._base, url)
        if query:
            where = replace(where, query=urlencode(query))
        body = given.get("json")
        headers = dict(self._headers)
        if body is not None:
            headers["content-type"] = "application/json"
        if self._token is not None:
            headers["x-vault-token"] = self._token.reveal()
        return HttpRequest(
            _METHODS.get(method, method.upper()),
            where,
            tuple(headers.items()),
            None if body is None else json.dumps(body).encode(),
            repeatable=method in ("get", "list") or url.startswith("/v1/auth/"),
        )


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _body(answer: HttpAnswer, *, strict: bool = False) -> Json:
    """The body where it is a JSON object. strict: raises HandlerConnectionError where it is something else."""
    content = answer.content() if strict else answer.body
    if not content:
        return {}
    try:
        body = parse_json(content)
    except EnvelopeValidationError:
        body = None
    if isinstance(body, dict):
        return body
    if strict:
        raise strange()
    return {}
