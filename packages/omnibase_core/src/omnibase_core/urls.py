"""The rules for http URLs, which contracts and handlers share. Pure; nothing is resolved.

A URL is refused rather than repaired where two readers could understand it differently: userinfo, control
characters, spaces, backslashes, dot segments in any disguise, numbers that resolvers take for addresses.
No message holds the URL, whose query may be secret.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, NoReturn
from urllib.parse import quote, unquote

from omnibase_core.patterns import deferred

MAX_URL_LENGTH: Final = 8_192
_MAX_HOST_LENGTH: Final = 253
_MAX_ESCAPES: Final = 3
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_SCHEME = deferred(r"[A-Za-z][A-Za-z0-9+.-]*:")
_URL = deferred(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?"
)
_AUTHORITY = deferred(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_LABEL = deferred(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = deferred(r"[0-9]+|0x[0-9a-f]*")
_ESCAPE = deferred(r"%[0-9A-Fa-f]{2}")
_BAD_ESCAPE = deferred(r"%(?![0-9A-Fa-f]{2})")
_ADDRESS_AND_SIZE = deferred(r"[0-9A-Fa-f.:]+/[0-9]+", re.ASCII)
_SEPARATOR = deferred(r"[/\\]")
_PATH_SAFE: Final = "/%:@!$&'()*+,;=-._~"
_QUERY_SAFE: Final = _PATH_SAFE + "?"
# The letters that the two standards for international names encode differently.
_AMBIGUOUS_LETTERS: Final = frozenset("\u00df\u03c2\u200c\u200d")


class UrlError(ValueError):
    """A URL that is refused; the message is a clause that says why, to stand after a field's name."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (lower case, ASCII, no brackets) and port: who is called."""

    scheme: str
    host: str
    port: int

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The host as an IP address, where it is written as one."""
        return _address(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}")


@dataclass(frozen=True, slots=True)
class Url:
    """A checked URL. `path` begins with a slash; path and query are ASCII, escaped as they go onto the wire."""

    origin: Origin
    path: str = field(repr=False)
    query: str | None = field(default=None, repr=False)

    @property
    def target(self) -> str:
        """Path and query, as a request line has them."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    @property
    def text(self) -> str:
        """The whole URL; it may hold secrets, so it goes to a client and into no message."""
        return f"{self.origin}{self.target}"


def parse(url: str) -> Url:
    """An absolute http or https URL; raises UrlError."""
    _refuse_characters(url)
    match = _URL.fullmatch(url)
    if match is None or match["authority"] is None:
        raise UrlError("is not of the form http://host/path or https://host/path (a fragment has no place in it)")
    return _url(_origin(match["scheme"].lower(), match["authority"]), match["path"], match["query"])


def parse_origin(origin: str) -> Origin:
    """`scheme://host[:port]` with nothing behind it but perhaps a slash; raises UrlError."""
    url = parse(origin)
    if url.path != "/" or url.query is not None:
        raise UrlError("is more than an origin: write scheme://host or scheme://host:port")
    return url.origin


def parse_base(base_url: str) -> Url:
    """An origin and a path prefix, without a query; raises UrlError."""
    url = parse(base_url)
    if url.query is not None:
        raise UrlError("has a query, which a prefix cannot have")
    return url


def parse_private(entry: str) -> IPv4Network | IPv6Network | str:
    """An entry of `allow_private`: a network, or a host's name in its one form; raises UrlError."""
    try:
        return ip_network(entry)
    except ValueError:
        pass
    try:
        return normal_host(entry)
    except UrlError as error:
        raise UrlError(
            f"is neither a network such as 10.0.0.0/8 nor a host name: it {_no_network(entry, error)}"
        ) from None


def _no_network(entry: str, error: UrlError) -> str:
    try:
        ip_network(entry, strict=False)
    except ValueError:
        return "has no network of this size" if _ADDRESS_AND_SIZE.fullmatch(entry) else str(error)
    return "has an address inside the network: write the network's own, its first"


def resolve(base_url: Url | str | None, url: str) -> Url:
    """A payload's url: absolute as it is, a path put behind `base_url`, however it begins; raises UrlError."""
    if _SCHEME.match(url):
        return parse(url)
    if base_url is None:
        raise UrlError("is a path, and no base_url is configured to put it behind")
    if url.startswith("//"):
        raise UrlError("begins with '//': write the scheme, or a path with a single slash")
    base = parse_base(base_url) if isinstance(base_url, str) else base_url
    path, query = _split(url)
    if path:
        path = f"{base.path.rstrip('/')}/{path.removeprefix('/')}"
    return _url(base.origin, path or base.path, query)


def redirected(current: Url, location: str) -> Url:
    """Where a Location header leads from `current`; its fragment is dropped. Raises UrlError."""
    location = location.partition("#")[0]
    if _SCHEME.match(location):
        return parse(location)
    if location.startswith("//"):
        return parse(f"{current.origin.scheme}:{location}")
    path, query = _split(location)
    if path and not path.startswith("/"):
        path = f"{current.path.rpartition('/')[0]}/{path}"
    return _url(current.origin, path or current.path, query)


def within(prefix_url: Url | str, url: Url | str) -> bool:
    """Whether `url` has the prefix's origin, and its path on a segment's border; raises UrlError for neither."""
    prefix = parse_base(prefix_url) if isinstance(prefix_url, str) else prefix_url
    target = parse(url) if isinstance(url, str) else url
    stem = prefix.path.rstrip("/")
    return target.origin == prefix.origin and (target.path == stem or target.path.startswith(f"{stem}/"))


def _split(reference: str) -> tuple[str, str | None]:
    _refuse_characters(reference)
    if "#" in reference:
        raise UrlError("has a fragment, which no server sees: write '#' as %23")
    path, mark, query = reference.partition("?")
    return path, query if mark else None


def _refuse_characters(url: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise UrlError(f"is longer than {MAX_URL_LENGTH} characters")
    if " " in url or "\\" in url or not url.isprintable():
        raise UrlError("has a space, a backslash or an invisible character: percent-encode it")


def _url(origin: Origin, path: str, query: str | None) -> Url:
    if _BAD_ESCAPE.search(path) or (query and _BAD_ESCAPE.search(query)):
        raise UrlError("has a '%' that begins no escape: write it as %25")
    _refuse_dot_segments(path)
    wire_query = None if query is None else quote(query, safe=_QUERY_SAFE)
    return Url(origin, quote(path, safe=_PATH_SAFE) or "/", wire_query)


def _refuse_dot_segments(path: str) -> None:
    decoded = path
    for _ in range(_MAX_ESCAPES):
        decoded = unquote(decoded, errors="surrogateescape")
    if _ESCAPE.search(decoded):
        raise UrlError("has a path that is percent-encoded again and again")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in decoded):
        raise UrlError("has an escaped control character in its path")
    if "." in decoded and any(part.partition(";")[0] in (".", "..") for part in _SEPARATOR.split(decoded)):
        raise UrlError("has a '.' or '..' segment, which would lead to another path than the one that is checked")


@lru_cache(maxsize=1024)
def _origin(scheme: str, authority: str) -> Origin:
    if scheme not in _DEFAULT_PORTS:
        raise UrlError("has another scheme than http and https")
    if "@" in authority:
        raise UrlError("has a user or password in it: credentials belong to the handler's headers")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise UrlError("has a host or port that cannot be read")
    port = _DEFAULT_PORTS[scheme] if match["port"] is None else int(match["port"])
    if not 0 < port < 65_536:
        raise UrlError("has a port outside 1 to 65535")
    return Origin(scheme, normal_host(match["host"]), port)


def normal_host(host: str) -> str:
    """A host in its one form: lower case, ASCII, addresses as `ipaddress` writes them; raises UrlError."""
    if host.startswith("["):
        return _ipv6(host[1:-1])
    if len(host) > _MAX_HOST_LENGTH:  # before IDNA, which takes the square of the length
        _refuse_host()
    if not host.isascii():
        host = _ascii_name(host)
    host = host.lower()
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(host)
    if len(host) > _MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse_host()
    return host


def _ascii_name(host: str) -> str:
    if _AMBIGUOUS_LETTERS.isdisjoint(host):
        try:
            return host.encode("idna").decode("ascii")
        except UnicodeError:
            _refuse_host()
    raise UrlError("has a host that two standards encode differently: write its xn-- form")


def _ipv4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except ValueError:
        raise UrlError("has a host that ends in a number and is no address of four decimal numbers") from None


def _ipv6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except ValueError:
        _refuse_host()
    if address.scope_id is not None:
        raise UrlError("has an address with a zone")
    return str(address)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    if ":" in host:
        return IPv6Address(host)
    return IPv4Address(host) if _NUMBER.fullmatch(host.rpartition(".")[2]) else None


def _refuse_host() -> NoReturn:
    raise UrlError("has an empty or malformed host")
