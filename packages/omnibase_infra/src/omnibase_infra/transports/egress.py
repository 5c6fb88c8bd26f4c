"""Who may be called: the allow-list of origins, and the guard over the addresses that are connected to.

An origin is callable when it is `base_url`'s or stands under `allow`. A public address is then connected to.
One that is not public needs more: the host is that very address, or `localhost`, as the contract writes it;
or `allow_private` lists its network; or `allow_private` lists the host's name, which covers private, shared
and loopback addresses. An address of a cloud's metadata service is covered only by being listed alone, as
an origin's host or as a network of one address.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from omnibase_core.errors import HandlerExecutionError, ProtocolConfigurationError
from omnibase_core.urls import Origin, Url, UrlError, parse_base, parse_origin, parse_private

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Ranges by what they are for; the first that holds an address names it. What is in none, and not global in
# the registry that `ipaddress` carries, is special too.
_RANGES: Final[tuple[tuple[str, tuple[Network, ...]], ...]] = tuple(
    (kind, tuple(ip_network(network) for network in networks))
    for kind, networks in (
        (
            "metadata-service",
            (
                "169.254.169.254/32",
                "100.100.100.200/32",
                "168.63.129.16/32",
                "fd00:ec2::254/128",
                "fd20:ce::254/128",
            ),
        ),
        ("loopback", ("127.0.0.0/8", "::1/128")),
        ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
        ("shared", ("100.64.0.0/10",)),
        ("link-local", ("169.254.0.0/16", "fe80::/10", "fec0::/10")),
        ("multicast", ("224.0.0.0/4", "ff00::/8")),
        ("unspecified", ("0.0.0.0/8", "::/128")),
        ("translated", ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")),
        ("reserved", ("240.0.0.0/4", "192.88.99.0/24")),
    )
)
_COVERED_BY_NAME: Final = frozenset({"private", "shared", "loopback"})


def kind_of(address: Address) -> str | None:
    """What a special address is for; None for a public one."""
    for kind, networks in _RANGES:
        if any(address.version == network.version and address in network for network in networks):
            return kind
    return None if address.is_global else "special-purpose"


class Egress:
    """The rules of one handler's contract; built once, and raises ProtocolConfigurationError for bad entries."""

    def __init__(
        self, base_url: str | None = None, allow: Iterable[str] = (), allow_private: Iterable[str] = ()
    ) -> None:
        self.base = None if base_url is None else _base(base_url)
        listed = [_listed_origin(index, entry) for index, entry in enumerate(allow)]
        self.origins = frozenset(listed if self.base is None else [self.base.origin, *listed])
        self._hosts = frozenset(origin.host for origin in self.origins)
        self._networks: list[Network] = []
        self._names: set[str] = set()
        for index, entry in enumerate(allow_private):
            self._list_private(index, entry)

    def check_origin(self, origin: Origin) -> None:
        """Raises HandlerExecutionError unless the contract lists the origin."""
        if origin not in self.origins:
            raise HandlerExecutionError(
                f"The http handler may not call {origin}: list it under 'allow' in the handler's config"
            )

    def check_addresses(self, host: str, addresses: Iterable[str]) -> None:
        """Raises HandlerExecutionError when one of the addresses that `host` has may not be connected to."""
        for text in addresses:
            address = ip_address(text)
            kind = kind_of(address)
            if kind is not None and not self._is_listed(host, address, kind):
                raise HandlerExecutionError(
                    f"The http handler may not connect to {host}: it has a special address ({kind}); list "
                    "its network, or the name of a private host, under 'allow_private' in the handler's config"
                )

    def _is_listed(self, host: str, address: Address, kind: str) -> bool:
        as_written = host == str(address) or (host == "localhost" and kind == "loopback")
        if as_written and host in self._hosts:
            return True
        if host in self._names and kind in _COVERED_BY_NAME:
            return True
        return any(
            address.version == network.version
            and address in network
            and (kind != "metadata-service" or network.num_addresses == 1)
            for network in self._networks
        )

    def _list_private(self, index: int, entry: str) -> None:
        try:
            listed = parse_private(entry)
        except UrlError as error:
            raise _misconfigured(f"allow_private[{index}]", str(error)) from None
        if isinstance(listed, str):
            self._names.add(listed)
        else:
            self._networks.append(listed)


def _base(base_url: str) -> Url:
    try:
        return parse_base(base_url)
    except UrlError as error:
        raise _misconfigured("base_url", str(error)) from None


def _listed_origin(index: int, entry: str) -> Origin:
    try:
        return parse_origin(entry)
    except UrlError as error:
        raise _misconfigured(f"allow[{index}]", str(error)) from None


def _misconfigured(name: str, clause: str) -> ProtocolConfigurationError:
    return ProtocolConfigurationError(f"The http handler's config: {name} {clause}")
