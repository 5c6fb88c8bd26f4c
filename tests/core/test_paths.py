"""Paths of secrets: none leads out of where it was allowed to go, however it is read on the way."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core import paths, urls

BASE = urls.parse_base("https://vault.example.com")


@given(st.text(alphabet=st.sampled_from("ab./\\%;?# \x00é2eEfF"), max_size=12))
def test_a_path_that_passes_is_a_path_below_the_mount_on_the_wire(text: str) -> None:
    try:
        parts = paths.segments(text)
    except paths.PathError:
        return
    url = urls.resolve(BASE, f"/v1/secret/data/{quote(text)}")
    assert unquote(url.path).split("/") == ["", "v1", "secret", "data", *parts]
    assert url.query is None


@pytest.mark.parametrize("text", ["a", "a/b", "orders/db größe", "a;b", "...", "a..b", "A-1_x.y"])
def test_ordinary_paths_pass(text: str) -> None:
    assert paths.segments(text) == tuple(text.split("/"))


@pytest.mark.parametrize(
    "text", ["", "/a", "a/", "a//b", ".", "..", "a/..", "..;/a", "a/ /b", "x" * 1_025, "\ud800"]
)
def test_what_could_be_another_path_is_refused(text: str) -> None:
    with pytest.raises(paths.PathError):
        paths.segments(text)


def test_prefixes_are_compared_in_whole_segments() -> None:
    allowed = [("orders",), ("shared", "mail")]
    assert paths.is_below(("orders",), allowed)
    assert paths.is_below(("shared", "mail", "a"), allowed)
    assert not paths.is_below(("orders-old",), allowed)
    assert not paths.is_below(("shared",), allowed)
    assert not paths.is_below((), allowed)
