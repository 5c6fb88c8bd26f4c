"""Every page that a host serves, by path: the server's one table of them."""

from omnibase_infra.admin.console import Console, console_pages
from omnibase_infra.admin.health import health_pages, once_a_second
from omnibase_infra.admin.metrics import metrics_page
from omnibase_infra.admin.server import Page
from omnibase_infra.host.process import BaseRuntimeHostProcess


def pages_of(host: BaseRuntimeHostProcess, console: Console) -> dict[str, Page]:
    """Probes and metrics for anybody, the console behind its door. All of them share one look at the parts."""
    look = once_a_second(host)
    return {**health_pages(host, look), "/metrics": metrics_page(host), **console_pages(host, look, console)}
