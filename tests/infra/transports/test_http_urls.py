"""httpx reads every URL that we accept exactly as we have checked it."""

import string

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from omnibase_core.urls import Origin, Url, UrlError, parse
from omnibase_infra.transports.http.client import wire_url

_HOSTS = st.sampled_from(
    [
        "example.com",
        "EXAMPLE.com:8080",
        "127.0.0.1",
        "[::1]:8443",
        "xn--mnchen-3ya.example",
        "xn--0.example",
        "a_b",
    ]
)


@given(_HOSTS, st.text(alphabet=string.printable + "äß€\u200d") | st.text())
@example("example.com", "a|b^c`d{e}f[g]")
@example("example.com", "?a'b|c`d{e}")
@example("example.com", "//evil.example/x")
@example("example.com", "a//b")
@example("xn--0.example", "x")
def test_what_is_requested_is_what_was_checked(host: str, rest: str) -> None:
    for scheme in ("http", "https"):
        try:
            url = parse(f"{scheme}://{host}/{rest}")
        except UrlError:
            continue
        wire = wire_url(url)
        assert (wire.scheme, wire.raw_host.decode(), wire.raw_path.decode()) == (
            url.origin.scheme,
            url.origin.host,
            url.target,
        )
        assert (wire.port or {"http": 80, "https": 443}[scheme]) == url.origin.port
        assert not wire.userinfo


@pytest.mark.parametrize(
    "url",
    [
        Url(Origin("http", "EXAMPLE.com", 80), "/"),
        Url(Origin("http", "example.com", 80), "/a/../b"),
        Url(Origin("http", "example.com", 80), "/a b"),
        Url(Origin("http", "example.com", 80), "/a", "b#c"),
        Url(Origin("http", "user@example.com", 80), "/"),
    ],
    ids=lambda url: url.text,
)
def test_a_url_that_httpx_would_read_differently_is_not_requested(url: Url) -> None:
    with pytest.raises(httpx.InvalidURL):
        wire_url(url)
