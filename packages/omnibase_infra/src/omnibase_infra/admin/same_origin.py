"""Requests that change something come from our own page, or from a program on this machine: from no other site.

A page of another site can make a browser send requests to loopback. It cannot send JSON without asking first,
which is refused; it cannot hide its Origin; and a name of its own that it points at 127.0.0.1 is none of ours.
"""

from omnibase_infra.admin.door import host_of, is_loopback
from omnibase_infra.admin.server import Answer, Page, Request, text_answer


def of_this_origin(page: Page) -> Page:
    """The page, for requests that name this machine as localhost and were made by nobody else's page."""

    async def guarded(request: Request) -> Answer:
        return _refusal(request) or await page(request)

    return guarded


def _refusal(request: Request) -> Answer | None:
    headers = request.headers
    if not is_loopback(host_of(request)):
        return text_answer(421, "This is answered to localhost only; ask for it by that name")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return text_answer(415, "Send JSON, as application/json")
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if (origin is not None and origin != f"http://{headers.get('host')}") or site not in ("same-origin", "none"):
        return text_answer(
            403, "Another site's page asked for this; use the page of this host, or onex-host call --dev"
        )
    return None
