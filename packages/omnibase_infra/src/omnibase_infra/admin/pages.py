"""Every page that a host serves, by path: the server's one table of them."""

import asyncio
from importlib import import_module
from types import ModuleType
from typing import Final

from omnibase_infra.admin.console import Console, console_pages
from omnibase_infra.admin.health import health_pages, once_a_second
from omnibase_infra.admin.server import Answer, Page, Request
from omnibase_infra.host.process import BaseRuntimeHostProcess

_METRICS: Final = "omnibase_infra.admin.metrics"


def pages_of(host: BaseRuntimeHostProcess, console: Console) -> dict[str, Page]:
    """Probes and metrics for anybody, the console behind its door. All of them share one look at the parts."""
    look = once_a_second(host)
    return {**health_pages(host, look), "/metrics": scraped_page(host), **console_pages(host, look, console)}


def scraped_page(host: BaseRuntimeHostProcess) -> Page:
    """The page of this host's metrics. What writes it is imported by the first scrape, beside the loop.

    Prometheus' library brings http.server, wsgiref and more: 40 ms of a start and 2 MB, which a host that nobody
    scrapes does without.
    """
    found: list[Page] = []

    async def page(request: Request) -> Answer:
        if not found:
            found.append((await _imported(_METRICS)).metrics_page(host))
        return await found[0](request)

    return page


async def _imported(module: str) -> ModuleType:
    """Beside the loop, in one of the threads that look names up."""
    return await asyncio.to_thread(import_module, module)
