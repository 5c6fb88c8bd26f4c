"""Consul as the host speaks it: python-consul2's API over the host's own HTTP client.

`library.py` is the only import of `consul`; py-consul has the same parts, in modules of their own.
"""

from omnibase_infra.transports.consul.client import ConsulClient, ServiceEntry, worst
from omnibase_infra.transports.consul.registration import Registration

__all__ = ["ConsulClient", "Registration", "ServiceEntry", "worst"]
