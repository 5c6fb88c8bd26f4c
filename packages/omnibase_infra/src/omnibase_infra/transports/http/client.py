"""One handler's way out: its contract's origins, credentials, deadline and bounds on every request."""

import asyncio
import ssl
from typing import Final

import httpx
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.errors import (
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateEffectError,
    IndeterminateTimeoutError,
    PayloadTooLargeError,
    ProtocolConfigurationError,
    RuntimeHostError,
    shown,
)
from omnibase_core.headers import HeaderError, check_header
from omnibase_core.secret import ModelSecretRef, Secret
from omnibase_core.urls import Origin, Url, UrlError, redirected

from omnibase_infra.transports.egress import Egress
from omnibase_infra.transports.exchange import Headers, HttpAnswer, HttpRequest
from omnibase_infra.transports.http.faults import FAULTS, fault_of
from omnibase_infra.transports.http.network import GuardedTransport, Resolve, resolve_host
from omnibase_infra.transports.trust import verifying

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
"""The statuses that lead elsewhere."""
# A redirect to another origin takes these along and nothing else that a payload or a contract had set.
_CARRIED_ALONG: Final = frozenset({"accept", "accept-language", "x-correlation-id", "traceparent", "tracestate"})


class _Flight:
    """One request on its way: where it is, and whether any of it was written."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.origin: Origin = request.url.origin
        self._written = False

    def extensions(self, connect_timeout_s: float) -> dict[str, object]:
        """What the library is told beside the request; it is asked to tell of the writing where that matters."""
        timeouts = {"pool": connect_timeout_s, "connect": connect_timeout_s, "read": None, "write": None}
        if self.request.repeatable:
            return {"timeout": timeouts}
        return {"timeout": timeouts, "trace": self._note}

    async def _note(self, event: str, _: object) -> None:
        if event == "http11.send_request_headers.started":
            self._written = True

    def failure(self, error: Exception) -> RuntimeHostError:
        """Our error for the library's."""
        fault = fault_of(error)
        cause = error.args[0] if error.args else None
        prefix = f"{self.request.method} {self.origin}"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return HandlerExecutionError(
                f"{prefix}: the server's certificate is refused ({cause.verify_message}); "
                "where its authority is your own, name it with 'ca_file' in the handler's config"
            )
        if self._written:
            late = issubclass(fault.error, HandlerTimeoutError)
            unknown = IndeterminateTimeoutError if late else IndeterminateEffectError
            return unknown(f"{prefix}: {fault.clause}; whether it took effect is not known")
        return fault.error(f"{prefix}: {fault.clause}")


class HttpTransport:
    """Sends the requests of one handler's contract. Every failure is a RuntimeHostError.

    config: secrets resolved. timeout_s: the deadline of one request, redirects and body included.
    resolve: the addresses of a host; replaced in tests only.

    Raises ProtocolConfigurationError for a config that cannot be: a bad origin, header or `ca_file`.
    """

    def __init__(self, config: ModelHttpConfig, timeout_s: float, *, resolve: Resolve = resolve_host) -> None:
        self.egress = Egress(config.base_url, config.allow, config.allow_private)
        self._credentials = checked_credentials(config)
        self._timeout_s = timeout_s
        self._connect_timeout_s = config.connect_timeout_ms / 1_000
        self._max_bytes = config.max_response_bytes
        self._max_redirects = config.max_redirects
        needs_tls = any(origin.scheme == "https" for origin in self.egress.origins)
        wanted = needs_tls or config.ca_file is not None
        tls = _tls_context(config.ca_file) if wanted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._transport = GuardedTransport(
            self.egress, tls=tls, max_connections=config.max_connections, resolve=resolve
        )

    @property
    def open_connections(self) -> int:
        """Connections that are open or being opened."""
        return self._transport.open_connections

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status; redirects of GET and HEAD are followed as the contract allows.

        Raises HandlerConnectionError, HandlerTimeoutError, PoolExhaustedError (all retryable);
        IndeterminateEffectError in their place where a request that is not repeatable was begun to be written;
        HandlerExecutionError for an origin, address, certificate or redirect that is refused.
        """
        flight = _Flight(request)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(flight)
        except tuple(FAULTS) as error:
            raise flight.failure(error) from None

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._transport.aclose()

    async def _follow(self, flight: _Flight) -> HttpAnswer:
        request = flight.request
        url, headers = request.url, request.headers
        trusted = self.egress.base is not None
        for _ in range(self._max_redirects + 1):
            self.egress.check_origin(url.origin)
            trusted = trusted and self.egress.base is not None and url.origin == self.egress.base.origin
            answer = await self._exchange(flight, url, [*self._revealed(trusted), *headers])
            location = answer.header("location")
            if not (self._max_redirects and request.method in ("GET", "HEAD") and location):
                return answer
            if answer.status not in REDIRECTS:
                return answer
            url = _next_url(flight, url, location)
            if url.origin != flight.origin:
                headers = [(name, value) for name, value in headers if name.lower() in _CARRIED_ALONG]
            flight.origin = url.origin
        raise HandlerExecutionError(
            f"{request.method} {request.url.origin}: redirected more than {self._max_redirects} times, which is "
            "max_redirects in the handler's config"
        )

    async def _exchange(self, flight: _Flight, url: Url, headers: Headers) -> HttpAnswer:
        request = flight.request
        response = await self._transport.handle_async_request(
            httpx.Request(
                request.method,
                wire_url(url),
                headers=_with_defaults(headers),
                content=request.content,
                extensions=flight.extensions(self._connect_timeout_s),
            )
        )
        try:
            return await self._read(url.origin, request.method, response)
        finally:
            await response.aclose()

    async def _read(self, origin: Origin, method: str, response: httpx.Response) -> HttpAnswer:
        pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.raw]
        answer = HttpAnswer(response.status_code, pairs)
        encoding = answer.header("content-encoding").lower()
        if encoding not in ("", "identity"):
            return HttpAnswer(answer.status, pairs, refusal=_encoded(origin, encoding))
        announced = answer.header("content-length")
        if (
            method != "HEAD"
            and answer.status != 304
            and announced.isdecimal()
            and int(announced) > self._max_bytes
        ):
            return HttpAnswer(answer.status, pairs, refusal=_too_large(origin, self._max_bytes))
        chunks: list[bytes] = []
        room = self._max_bytes
        async for chunk in response.aiter_raw():
            room -= len(chunk)
            if room < 0:
                return HttpAnswer(answer.status, pairs, refusal=_too_large(origin, self._max_bytes))
            chunks.append(chunk)
        return HttpAnswer(answer.status, pairs, b"".join(chunks))

    def _revealed(self, trusted: bool) -> Headers:
        if not trusted:
            return ()
        return [(name, _text(value)) for name, value in self._credentials.items()]


def _with_defaults(headers: Headers) -> list[tuple[str, str]]:
    names = {name.lower() for name, _ in headers}
    defaults = [("accept", "*/*"), ("user-agent", "onex-host")]
    return [*(pair for pair in defaults if pair[0] not in names), ("accept-encoding", "identity"), *headers]


def wire_url(url: Url) -> httpx.URL:
    """The same URL for httpx, which must understand it exactly as it was checked; else raises InvalidURL."""
    wire = httpx.URL(url.text)
    expected = (url.origin.scheme, url.origin.host, url.target)
    if (wire.scheme, wire.raw_host.decode(), wire.raw_path.decode()) != expected:
        raise httpx.InvalidURL("read differently than it was checked")
    return wire


def _next_url(flight: _Flight, current: Url, location: str) -> Url:
    try:
        return redirected(current, location)
    except UrlError as error:
        raise HandlerExecutionError(
            f"{flight.request.method} {current.origin}: redirected to a URL that {error}"
        ) from None


def _encoded(origin: Origin, encoding: str) -> RuntimeHostError:
    return HandlerExecutionError(
        f"{origin} answered with content-encoding '{shown(encoding, 20)}', though only identity was asked for"
    )


def _too_large(origin: Origin, limit: int) -> RuntimeHostError:
    return PayloadTooLargeError(
        f"{origin} answered with more than max_response_bytes, {limit}; ask for less, or raise it in the "
        "handler's config",
        path="$.payload.body",
    )


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def checked_credentials(config: ModelHttpConfig) -> dict[str, str | Secret]:
    """The headers that the contract sets. Raises ProtocolConfigurationError for what cannot be one."""
    checked: dict[str, str | Secret] = {}
    for name, value in config.headers.items():
        field = f"The http handler's config: headers.{shown(name)}"
        if isinstance(value, ModelSecretRef):
            raise ProtocolConfigurationError(f"{field} holds a secret_ref that nobody has resolved")
        try:
            check_header(name, _text(value))
        except HeaderError as error:
            raise ProtocolConfigurationError(f"{field} {error}") from None
        checked[name] = value
    if checked and config.base_url is None:
        raise ProtocolConfigurationError(
            "The http handler's config: headers are sent to base_url's origin only, and there is no base_url"
        )
    return checked


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return verifying(ca_file)
    except OSError:
        raise ProtocolConfigurationError(
            f"The http handler's config: ca_file {ca_file} cannot be read, or holds no certificate in PEM form"
        ) from None
