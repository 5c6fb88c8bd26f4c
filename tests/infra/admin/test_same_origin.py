"""A POST is taken from our own page and from programs of this machine, and from no other site's page."""

import pytest
from omnibase_infra.admin.same_origin import of_this_origin
from omnibase_infra.admin.server import Answer, Request

OURS = {"host": "127.0.0.1:8642", "content-type": "application/json"}


async def status(**headers: str) -> int:
    """What a request with these headers beside a program's own is answered."""
    told = {**OURS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return (await of_this_origin(taken)(Request("/dev/call", "POST", told, b"{}"))).status


async def taken(_: Request) -> Answer:
    """A page that takes whatever passes."""
    return Answer(200, b"")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "localhost:8642"},
        {"host": "[::1]:8642"},
        {"content_type": "application/json; charset=utf-8"},
        {"origin": "http://127.0.0.1:8642", "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
    ids=str,
)
async def test_our_own_page_and_programs_of_this_machine_are_taken(headers: dict[str, str]) -> None:
    assert await status(**headers) == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": "rebound.example:8642"}, 421),
        ({"host": "127.0.0.1.rebound.example:8642"}, 421),
        ({"host": ""}, 421),
        ({"host": "rebound.example", "origin": "http://rebound.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "https://127.0.0.1:8642"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": ""}, 415),
    ],
    ids=str,
)
async def test_another_sites_page_is_refused(headers: dict[str, str], expected: int) -> None:
    assert await status(**headers) == expected
