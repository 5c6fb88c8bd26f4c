"""Who may be called, and which addresses may be connected to."""

from ipaddress import ip_address

import pytest
from omnibase_core.errors import HandlerExecutionError, ProtocolConfigurationError
from omnibase_core.urls import parse_origin
from omnibase_infra.transports.egress import Egress, kind_of

_SPECIAL = [
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("::1", "loopback"),
    ("10.1.2.3", "private"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.1.1", "private"),
    ("fd12:3456::1", "private"),
    ("100.64.0.1", "shared"),
    ("169.254.0.1", "link-local"),
    ("fe80::1", "link-local"),
    ("fec0::1", "link-local"),
    ("169.254.169.254", "metadata-service"),
    ("100.100.100.200", "metadata-service"),
    ("168.63.129.16", "metadata-service"),
    ("fd00:ec2::254", "metadata-service"),
    ("fd20:ce::254", "metadata-service"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.250", "multicast"),
    ("ff02::1", "multicast"),
    ("0.0.0.0", "unspecified"),  # noqa: S104 - an address to refuse
    ("0.1.2.3", "unspecified"),
    ("::", "unspecified"),
    ("::ffff:127.0.0.1", "translated"),
    ("::ffff:8.8.8.8", "translated"),
    ("::7f00:1", "translated"),
    ("64:ff9b::7f00:1", "translated"),
    ("64:ff9b::808:808", "translated"),
    ("64:ff9b:1::1", "translated"),
    ("2002:7f00:1::", "translated"),
    ("2001:0:1::1", "translated"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("192.88.99.1", "reserved"),
    ("192.0.2.1", "special-purpose"),
    ("198.18.0.1", "special-purpose"),
    ("203.0.113.1", "special-purpose"),
    ("2001:db8::1", "special-purpose"),
    ("100::1", "special-purpose"),
]


@pytest.mark.parametrize(("address", "kind"), _SPECIAL)
def test_a_special_address_is_recognised_and_refused(address: str, kind: str) -> None:
    assert kind_of(ip_address(address)) == kind
    with pytest.raises(HandlerExecutionError, match=rf"service\.example.*\({kind}\).*allow_private"):
        Egress().check_addresses("service.example", [address])


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "168.63.129.17"])
def test_a_public_address_may_be_connected_to(address: str) -> None:
    assert kind_of(ip_address(address)) is None
    Egress().check_addresses("service.example", [address])


def test_one_special_address_among_public_ones_refuses_them_all() -> None:
    with pytest.raises(HandlerExecutionError, match="may not connect"):
        Egress().check_addresses("service.example", ["8.8.8.8", "10.0.0.1"])


@pytest.mark.parametrize(
    ("listed", "host", "address", "permitted"),
    [
        ("10.0.0.0/8", "service.example", "10.1.2.3", True),
        ("10.0.0.0/8", "service.example", "192.168.0.1", False),
        ("10.0.0.0/8", "service.example", "::ffff:10.1.2.3", False),
        ("10.1.2.3", "service.example", "10.1.2.3", True),
        ("fd00::/8", "service.example", "fd12::1", True),
        ("127.0.0.0/8", "127.0.0.1", "127.0.0.1", True),
        ("service.example", "service.example", "10.1.2.3", True),
        ("SERVICE.example", "service.example", "127.0.0.1", True),
        ("service.example", "service.example", "100.64.1.1", True),
        ("service.example", "other.example", "10.1.2.3", False),
        ("service.example", "sub.service.example", "10.1.2.3", False),
        ("service.example", "service.example", "169.254.1.1", False),
        ("service.example", "service.example", "169.254.169.254", False),
        ("169.254.0.0/16", "service.example", "169.254.1.1", True),
        ("169.254.0.0/16", "service.example", "169.254.169.254", False),
        ("169.254.169.254/32", "service.example", "169.254.169.254", True),
        ("0.0.0.0/0", "service.example", "100.100.100.200", False),
        ("fc00::/7", "service.example", "fd00:ec2::254", False),
    ],
)
def test_a_listed_network_or_name_covers_what_it_says(
    listed: str, host: str, address: str, permitted: bool
) -> None:
    egress = Egress(allow_private=[listed])
    if permitted:
        egress.check_addresses(host, [address])
    else:
        with pytest.raises(HandlerExecutionError):
            egress.check_addresses(host, [address])


@pytest.mark.parametrize(
    ("origin", "host", "address", "permitted"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", "127.0.0.1", True),
        ("http://127.0.0.1:8080", "127.0.0.2", "127.0.0.2", False),
        ("http://127.0.0.1:8080", "service.example", "127.0.0.1", False),
        ("http://[::1]", "::1", "::1", True),
        ("http://169.254.169.254", "169.254.169.254", "169.254.169.254", True),
        ("http://localhost", "localhost", "127.0.0.1", True),
        ("http://localhost", "localhost", "::1", True),
        ("http://localhost", "localhost", "10.0.0.1", False),
        ("http://service.example", "localhost", "127.0.0.1", False),
        ("http://service.example", "service.example", "10.0.0.1", False),
    ],
)
def test_an_address_that_the_contract_writes_as_an_origin_is_listed_by_that(
    origin: str, host: str, address: str, permitted: bool
) -> None:
    for egress in (Egress(base_url=origin), Egress(allow=[origin])):
        if permitted:
            egress.check_addresses(host, [address])
        else:
            with pytest.raises(HandlerExecutionError):
                egress.check_addresses(host, [address])


def test_the_origins_are_the_base_urls_and_those_that_the_contract_lists() -> None:
    egress = Egress("https://api.example.com/v1", ["http://other.example:8080"])
    egress.check_origin(parse_origin("https://API.example.com:443"))
    egress.check_origin(parse_origin("http://other.example:8080"))
    for origin in (
        "http://api.example.com",
        "https://api.example.com:8443",
        "http://other.example",
        "https://e.com",
    ):
        with pytest.raises(HandlerExecutionError, match=f"may not call {origin}: list it under 'allow'"):
            egress.check_origin(parse_origin(origin))


def test_without_a_base_url_and_a_list_nobody_may_be_called() -> None:
    with pytest.raises(HandlerExecutionError):
        Egress().check_origin(parse_origin("https://example.com"))


@pytest.mark.parametrize(
    ("base_url", "allow", "allow_private", "field"),
    [
        ("api.example.com", [], [], "base_url is not of the form"),
        ("https://u:p@api.example.com", [], [], "base_url has a user or password"),
        ("https://api.example.com/?key=1", [], [], "base_url has a query"),
        (None, ["https://a.example", "https://b.example/x"], [], r"allow\[1\] is more than an origin"),
        (None, ["*"], [], r"allow\[0\] is not of the form"),
        (None, ["https://*.example.com"], [], r"allow\[0\] has an empty or malformed host"),
        (None, [], ["10.0.0.0/8", "10.0.0.1/8"], r"allow_private\[1\] is neither a network"),
        (None, [], ["*"], r"allow_private\[0\] is neither a network"),
    ],
)
def test_an_entry_that_cannot_be_is_named(
    base_url: str | None, allow: list[str], allow_private: list[str], field: str
) -> None:
    with pytest.raises(ProtocolConfigurationError, match=field):
        Egress(base_url, allow, allow_private)
