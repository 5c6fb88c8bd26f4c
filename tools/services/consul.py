"""HashiCorp Consul: its agent in development mode, as its Go module builds it."""

import json
from pathlib import Path
from typing import Final

from tools.services.base import Connection, ServiceError, free_ports
from tools.services.golang import GoProgram
from tools.services.http_server import HttpServer, ask, connection_of

PROGRAM: Final = GoProgram("consul", "github.com/hashicorp/consul")
_TOKEN: Final = "7b1f7a4e-4a4b-4a0c-9f5e-2d6f0a1c3b5d"  # noqa: S105 - of a server that nobody else reaches
_PORTS: Final = ("http", "server", "serf_lan")
_CLOSED: Final = ("dns", "https", "grpc", "grpc_tls", "serf_wan")


class Consul(HttpServer):
    """One agent that is its own server; its data are in memory. acl: it asks for tokens, and denies without."""

    def __init__(self, folder: Path, *, acl: bool = False) -> None:
        super().__init__(folder, PROGRAM)
        self._acl = acl

    @property
    def address(self) -> str:
        """Its URL."""
        return str(self.plan["address"])

    @property
    def state(self) -> str:
        """`running`, `stopped`, or `silent`, which one without a leader is too."""
        if not self.process.running:
            return "stopped"
        return "running" if self._has_leader() else "silent"

    def connection(self) -> Connection:
        """Address; with ACLs, the token that may do anything."""
        return connection_of(self, "address", "token")

    def start(self, *, leashed: bool = False) -> None:
        """Starts it where it does not run, on the port that it had."""
        self.require()
        if not (self.folder / "plan.json").exists():
            self._write_plan()
        if not self.process.running:
            arguments = ["agent", "-dev", "-log-level=warn", f"-config-file={self.folder / 'config.json'}"]
            self.launch(arguments, self._has_leader, leashed=leashed)

    def ask(self, method: str, path: str, body: object = None) -> object:
        """What it answers to the token that may do anything. Raises ServiceError for a failure."""
        status, answer = ask(method, f"{self.address}/v1/{path}", body, self._headers())
        if status >= 400:
            raise ServiceError(f"Consul answered {status} to {method} {path}")
        return answer.get("value", answer)

    def _write_plan(self) -> None:
        ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        plan = {"address": f"http://127.0.0.1:{ports['http']}", **({"token": _TOKEN} if self._acl else {})}
        self.write(plan)
        settings: dict[str, object] = {
            "bind_addr": "127.0.0.1",
            "ports": {**ports, **dict.fromkeys(_CLOSED, -1)},
            "disable_update_check": True,
            "check_update_interval": "0s",
        }
        if self._acl:
            settings["acl"] = {
                "enabled": True,
                "default_policy": "deny",
                "tokens": {"initial_management": _TOKEN, "agent": _TOKEN},
            }
        (self.folder / "config.json").write_text(json.dumps(settings))

    def _headers(self) -> dict[str, str]:
        return {"X-Consul-Token": _TOKEN} if self._acl else {}

    def _has_leader(self) -> bool:
        """Whether it has a leader, and the agent itself is in its catalog, so that services can be."""
        try:
            status, found = ask("GET", f"{self.address}/v1/catalog/nodes", headers=self._headers())
        except OSError:
            return False
        return status == 200 and bool(found.get("value"))
