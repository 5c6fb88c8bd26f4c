"""What a URL may be, whose it is, and what lies under it."""

import string
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from omnibase_core.urls import Origin, Url, UrlError, parse, parse_base, parse_origin, redirected, resolve, within


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("http://example.com", "http://example.com", "/"),
        ("https://example.com/", "https://example.com", "/"),
        ("HTTPS://EXAMPLE.COM/A?B=C", "https://example.com", "/A?B=C"),
        ("http://example.com:80/x", "http://example.com", "/x"),
        ("https://example.com:443/x", "https://example.com", "/x"),
        ("https://example.com:80/x", "https://example.com:80", "/x"),
        ("http://localhost:8080/x", "http://localhost:8080", "/x"),
        ("http://user_service:8080/x", "http://user_service:8080", "/x"),
        ("http://127.0.0.1/x", "http://127.0.0.1", "/x"),
        ("http://[::1]:8080/x", "http://[::1]:8080", "/x"),
        ("http://[0:0::0:1]/x", "http://[::1]", "/x"),
        ("http://xn--mnchen-3ya.example/x", "http://xn--mnchen-3ya.example", "/x"),
        ("http://MÜNCHEN.example/x", "http://xn--mnchen-3ya.example", "/x"),
        ("http://example.com/ü?ü=ü", "http://example.com", "/%C3%BC?%C3%BC=%C3%BC"),
        ("http://example.com/a%2Fb", "http://example.com", "/a%2Fb"),
        ("http://example.com/a:b@c;d=e,f", "http://example.com", "/a:b@c;d=e,f"),
        ("http://example.com/a|b[c]", "http://example.com", "/a%7Cb%5Bc%5D"),
        ("http://example.com/...", "http://example.com", "/..."),
        ("http://example.com/.well-known/x", "http://example.com", "/.well-known/x"),
        ("http://example.com/a..b/v1.2", "http://example.com", "/a..b/v1.2"),
        ("http://example.com?q=../..", "http://example.com", "/?q=../.."),
        ("http://example.com/x?", "http://example.com", "/x?"),
        ("http://example.com/x?a?b/c", "http://example.com", "/x?a?b/c"),
    ],
)
def test_a_url_has_an_origin_and_a_target(url: str, origin: str, target: str) -> None:
    parsed = parse(url)
    assert (str(parsed.origin), parsed.target) == (origin, target)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "is not of the form"),
        ("example.com/x", "is not of the form"),
        ("//example.com/x", "is not of the form"),
        ("http:/example.com", "is not of the form"),
        ("http:example.com", "is not of the form"),
        ("http://example.com/x#y", "fragment"),
        ("ftp://example.com/x", "another scheme"),
        ("file:///etc/passwd", "another scheme"),
        ("gopher://127.0.0.1:25/x", "another scheme"),
        ("http://user:secret@example.com/", "a user or password"),
        ("http://example.com@evil.example/", "a user or password"),
        ("http://@example.com/", "a user or password"),
        ("http://", "host"),
        ("http:///x", "host"),
        ("http://:80/x", "host"),
        ("http://./x", "host"),
        ("http://example..com/x", "host"),
        ("http://example.com./x", "host"),
        ("http://-example.com/x", "host"),
        ("http://exa mple.com/x", "a space"),
        ("http://exam%70le.com/x", "host"),
        ("http://example.com:0/x", "a port"),
        ("http://example.com:65536/x", "a port"),
        ("http://example.com:/x", "host or port"),
        ("http://example.com:+80/x", "host or port"),
        ("http://example.com:8_0/x", "host or port"),
        ("http://example.com:٨٠/x", "host or port"),
        ("http://[::1/x", "host or port"),
        ("http://::1/x", "host or port"),
        ("http://[::1]x/", "host or port"),
        ("http://[]/x", "host"),
        ("http://[127.0.0.1]/x", "host"),
        ("http://[fe80::1%25eth0]/x", "zone"),
        ("http://[fe80::1%eth0]/x", "zone"),
        ("http://2130706433/x", "ends in a number"),
        ("http://0x7f.1/x", "ends in a number"),
        ("http://127.1/x", "ends in a number"),
        ("http://0177.0.0.1/x", "ends in a number"),
        ("http://0/x", "ends in a number"),
        ("http://evil.0x7f/x", "ends in a number"),
        ("http://straße.example/x", "xn-- form"),
        ("http://a\u2100b.example/x", "host"),
        (f"http://{'ü' * 70}.example/x", "host"),
        ("http://example.com/a b", "a space"),
        ("http://example.com/a\\b", "a backslash"),
        ("http://example.com\\@evil.example/", "a backslash"),
        ("http://example.com/\r\nX: y", "invisible"),
        ("http://example.com/\x00", "invisible"),
        ("http://example.com/\u202egnp", "invisible"),
        ("http://example.com/\ud800", "invisible"),
        ("\thttp://example.com/", "invisible"),
        ("http://exa\tmple.com/", "invisible"),
        ("http://example.com/%", "escape"),
        ("http://example.com/%zz", "escape"),
        ("http://example.com/x?%zz", "escape"),
        ("http://example.com/a%00b", "control character"),
        ("http://example.com/a%0d%0ab", "control character"),
        ("http://example.com/a%250db", "control character"),
        ("http://example.com/.", "segment"),
        ("http://example.com/..", "segment"),
        ("http://example.com/a/../b", "segment"),
        ("http://example.com/a/./b", "segment"),
        ("http://example.com/a/%2e%2E/b", "segment"),
        ("http://example.com/a/.%2e/b", "segment"),
        ("http://example.com/a/%252e%252e/b", "segment"),
        ("http://example.com/a%2f..%2fb", "segment"),
        ("http://example.com/a/..%5cb", "segment"),
        ("http://example.com/a/..;x=y/b", "segment"),
        ("http://example.com/%25252541", "again and again"),
        ("http://example.com/" + "x" * 8192, "longer than 8192"),
    ],
)
def test_a_url_that_two_readers_could_understand_differently_is_refused(url: str, reason: str) -> None:
    with pytest.raises(UrlError, match=reason):
        parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@example.com/",
        "http://example.com/%zz?token=hunter2",
        "http://example.com/../x?token=hunter2",
        "hunter2",
    ],
)
def test_neither_a_refusal_nor_a_repr_shows_what_may_be_secret(url: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse(url)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(parse("http://example.com/hunter2?token=hunter2"))


@pytest.mark.parametrize(
    ("base", "url", "expected"),
    [
        ("https://api.example.com", "users/1", "https://api.example.com/users/1"),
        ("https://api.example.com", "/users/1", "https://api.example.com/users/1"),
        ("https://api.example.com/v1", "/users/1", "https://api.example.com/v1/users/1"),
        ("https://api.example.com/v1/", "users/1", "https://api.example.com/v1/users/1"),
        ("https://api.example.com/v1", "", "https://api.example.com/v1"),
        ("https://api.example.com/v1", "?page=2", "https://api.example.com/v1?page=2"),
        ("https://api.example.com/v1", "/", "https://api.example.com/v1/"),
        (
            "https://api.example.com/v1",
            "to?url=http://x.example/",
            "https://api.example.com/v1/to?url=http://x.example/",
        ),
        ("https://api.example.com/v1", "http://other.example/x", "http://other.example/x"),
        (None, "http://other.example/x", "http://other.example/x"),
    ],
)
def test_a_path_is_put_behind_the_base_url(base: str | None, url: str, expected: str) -> None:
    assert resolve(base, url).text == expected
    assert resolve(None if base is None else parse_base(base), url).text == expected


@pytest.mark.parametrize(
    ("base", "url", "reason"),
    [
        (None, "/users", "no base_url"),
        ("https://a.example/v1", "//evil.example/x", "single slash"),
        ("https://a.example/v1", "../admin", "segment"),
        ("https://a.example/v1", "/x#y", "fragment"),
        ("https://a.example/v1", "user:1", "is not of the form"),
        ("https://a.example/v1", "javascript:alert(1)", "is not of the form"),
        ("https://a.example/v1", " /x", "a space"),
        ("https://a.example/v1?key=1", "/x", "query"),
    ],
)
def test_what_is_no_path_is_not_put_behind_the_base_url(base: str | None, url: str, reason: str) -> None:
    with pytest.raises(UrlError, match=reason):
        resolve(base, url)


@pytest.mark.parametrize(
    ("prefix", "url", "expected"),
    [
        ("https://a.example", "https://a.example/anything", True),
        ("https://a.example/", "https://a.example", True),
        ("https://a.example/users", "https://a.example/users", True),
        ("https://a.example/users", "https://a.example/users?page=2", True),
        ("https://a.example/users", "https://a.example/users/1", True),
        ("https://a.example/users/", "https://a.example/users/1", True),
        ("https://A.example:443/users", "https://a.example/users/1", True),
        ("https://a.example/users", "https://a.example/users2", False),
        ("https://a.example/users", "https://a.example/users%2f1", False),
        ("https://a.example/users", "https://a.example/Users/1", False),
        ("https://a.example/users", "https://a.example/", False),
        ("https://a.example/users", "http://a.example/users/1", False),
        ("https://a.example/users", "https://a.example:8443/users/1", False),
        ("https://a.example/users", "https://a.example.evil.example/users/1", False),
    ],
)
def test_a_prefix_covers_its_origin_up_to_the_border_of_a_segment(prefix: str, url: str, expected: bool) -> None:
    assert within(prefix, url) is expected
    assert within(parse(prefix), parse(url)) is expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://b.example/x#top", "https://b.example/x"),
        ("//b.example/x", "https://b.example/x"),
        ("/x?y", "https://a.example/x?y"),
        ("z", "https://a.example/v1/z"),
        ("?page=2", "https://a.example/v1/users?page=2"),
        ("", "https://a.example/v1/users"),
    ],
)
def test_a_location_leads_on_from_where_it_was_given(location: str, expected: str) -> None:
    assert redirected(parse("https://a.example/v1/users?page=1"), location).text == expected


@pytest.mark.parametrize(
    "location", ["../x", "/a/../x", "/a/%2e%2e/x", "http://u:p@b.example/", "ftp://b.example/", "/a b"]
)
def test_a_location_is_refused_as_any_url_is(location: str) -> None:
    with pytest.raises(UrlError):
        redirected(parse("https://a.example/v1/users"), location)


def test_an_origin_has_nothing_behind_it() -> None:
    assert parse_origin("https://a.example:8443/") == Origin("https", "a.example", 8443)
    for more in ("https://a.example/x", "https://a.example?x", "https://a.example/?"):
        with pytest.raises(UrlError, match="more than an origin"):
            parse_origin(more)


def test_an_origin_knows_whether_its_host_is_an_address() -> None:
    assert str(parse_origin("http://[::1]").address) == "::1"
    assert str(parse_origin("http://10.0.0.1").address) == "10.0.0.1"
    assert parse_origin("http://localhost").address is None


_BASE = parse_base("https://api.example.com/v1/users")
_PIECES = [*"./\\%;?#@:&=25efEF a1", "%2e", "%2f", "%252e", "..", "\u2024", "\uff0e", "\r"]
_TRICKY = st.lists(st.sampled_from(_PIECES)).map("".join)


def _as_a_lenient_server_reads(url: Url) -> set[str]:
    return set(unquote(unquote(url.path)).replace("\\", "/").split("/"))


@given(_TRICKY | st.text())
@example("..%2f..")
@example("%2e%2e/x")
def test_no_payload_url_without_a_scheme_leaves_the_base_url(url: str) -> None:
    try:
        resolved = resolve(_BASE, url)
    except UrlError:
        return
    assert resolved.origin == _BASE.origin
    assert within(_BASE, resolved)
    assert not {".", ".."} & _as_a_lenient_server_reads(resolved)


@given(st.text(alphabet=string.printable + "äß。\u200d") | _TRICKY)
def test_what_is_accepted_reads_the_same_again(url: str) -> None:
    for text in (url, f"http://{url}", f"http://example.com/{url}"):
        try:
            parsed = parse(text)
        except UrlError:
            continue
        assert parse(parsed.text) == parsed
        assert parsed.text.isascii()
        assert parsed.path.startswith("/")
