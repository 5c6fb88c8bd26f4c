"""What an editor shows of vault, of consul, and of what a host shows of itself, and examples."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from omnibase_core.contracts.editor_text import Text

SERVED_TEXTS: Final[Mapping[str, Mapping[str, Text]]] = MappingProxyType(
    {
        "ModelVaultConfig": {
            "address": Text("Origin of Vault, and a path before /v1 where it has one", ("https://vault:8200",)),
            "allow": Text(
                "Path prefixes, in whole segments, that payloads may name; empty allows all of the mount",
                (["orders", "shared/mail"],),
            ),
        },
        "ModelConsulConfig": {"address": Text("Origin of the agent", ("http://127.0.0.1:8500",))},
        "ModelObservability": {
            "": Text("What the host shows of itself."),
            "http": Text("The server of probes, /metrics and the console"),
            "stall_ms": Text("Without any outcome for so long, though there is work, `/health/live` says 503"),
        },
        "ModelAdminListener": {
            "": Text("Where `onex-host run` answers probes and scrapers; `pipe`, `call` and `demo` never do."),
            "enabled": Text("false: there is no such server"),
            "address": Text("The address to listen at; 127.0.0.1 for this machine only", ("127.0.0.1",)),
            "port": Text("Its TCP port; 0 takes any free one, which the log then names", (9090,)),
            "console_token": Text("Of the console, which is off without one unless `address` is loopback"),
        },
        "ModelRegistration": {
            "service_id": Text(
                "Of this process among the instances at one agent; null: the service's name",
                ("orders-${HOSTNAME}",),
            ),
        },
    }
)
"""By model and field."""
