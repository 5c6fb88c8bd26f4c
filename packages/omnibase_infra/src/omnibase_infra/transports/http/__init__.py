"""HTTP as the host speaks it: guarded addresses, one deadline, bounded bodies; the only import of httpx.

It stands on httpx's transport interface and not on its client: a client would keep cookies of one envelope
for the next, and log each URL with its query. Nothing here reads proxies, .netrc or other ambience.
"""

from omnibase_infra.transports.http.client import HttpTransport
from omnibase_infra.transports.http.faults import FAULTS, Fault, fault_of
from omnibase_infra.transports.http.network import GuardedTransport, Resolve, resolve_host
from omnibase_infra.transports.http.server import ServerClient

__all__ = [
    "FAULTS",
    "Fault",
    "GuardedTransport",
    "HttpTransport",
    "Resolve",
    "ServerClient",
    "fault_of",
    "resolve_host",
]
