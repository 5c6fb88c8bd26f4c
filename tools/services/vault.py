"""HashiCorp Vault: its core and its HTTP API, built from its Go module with the plugins that tests use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools.services.base import Connection, ServiceError, free_ports
from tools.services.certificates import write_certificates
from tools.services.golang import GoProgram
from tools.services.http_server import HttpServer, Json, ask, connection_of

PROGRAM: Final = GoProgram("vault", ".")
_HEALTH_ANSWERS: Final = frozenset({200, 429, 501, 503})


class Vault(HttpServer):
    """One Vault, unsealed, with its data in files, so that it can be started again.

    tls: it speaks TLS, by an authority of its own. standby: a second node, which redirects to the first.
    KV version 2 is mounted at `secret`, and AppRole, Kubernetes and userpass are enabled as auth methods.
    """

    def __init__(self, folder: Path, *, tls: bool = False, standby: bool = False) -> None:
        super().__init__(folder, PROGRAM)
        self._tls = tls
        self._standby = standby

    @property
    def address(self) -> str:
        """Its URL."""
        return str(self.plan["address"])

    @property
    def token(self) -> str:
        """The root token."""
        return str(self.plan["token"])

    @property
    def state(self) -> str:
        """`running`, `stopped`, or `silent`, which a sealed one is too."""
        if not self.process.running:
            return "stopped"
        return "running" if self._status("address") == 200 else "silent"

    def connection(self) -> Connection:
        """Address and root token; `ca_file` and `standby` where it has them."""
        return connection_of(self, "address", "token", "ca_file", "standby")

    def start(self, *, leashed: bool = False, unseal: bool = True) -> None:
        """Starts it where it does not run, with the data that it had, and unseals it."""
        self.require()
        if not (self.folder / "plan.json").exists():
            self._plan_addresses()
        if not self.process.running:
            self.launch(self._arguments(), lambda: self._status("address") in _HEALTH_ANSWERS, leashed=leashed)
        if "unseal_key" not in self.plan:
            self._initialize()
        elif unseal:
            self.unseal()

    def seal(self) -> None:
        """Seals it: it answers 503 to everything until `unseal`."""
        self.ask("PUT", "sys/seal")

    def unseal(self) -> None:
        """Unseals every node; returns when the first is active."""
        self._unseal("address")
        self.wait_for(lambda: self._status("address") == 200)
        if self._standby:
            self._unseal("standby")
            self.wait_for(lambda: self._status("standby") == 429)

    def ask(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Json:
        """What it answers to the root token, or another one. Raises ServiceError for a failure."""
        url = f"{self.address}/v1/{path}"
        status, answer = ask(method, url, body, {"X-Vault-Token": token or self.token})
        if status >= 400:
            raise ServiceError(f"Vault answered {status} to {method} {path}: {answer.get('errors')}")
        return answer

    def approle(self, role: str, policy: str, **settings: object) -> Mapping[str, str]:
        """Makes a policy of this HCL text and an AppRole with it; gives its role_id and secret_id."""
        self.ask("PUT", f"sys/policies/acl/{role}", {"policy": policy})
        self.ask("POST", f"auth/approle/role/{role}", {"token_policies": role, **settings})
        role_id = _data(self.ask("GET", f"auth/approle/role/{role}/role-id"))["role_id"]
        secret_id = _data(self.ask("POST", f"auth/approle/role/{role}/secret-id"))["secret_id"]
        return {"role_id": str(role_id), "secret_id": str(secret_id)}

    def _plan_addresses(self) -> None:
        scheme = "https" if self._tls else "http"
        first, second = free_ports(2)
        plan = {"address": f"{scheme}://127.0.0.1:{first}"}
        if self._standby:
            plan["standby"] = f"{scheme}://127.0.0.1:{second}"
        self.write(plan)
        if self._tls:
            write_certificates(self.folder / "certificates")
            self.write({**plan, "ca_file": str(self.folder / "certificates" / "ca.pem")})

    def _arguments(self) -> list[str]:
        listeners = {"-listen": self.address, "-standby": self.plan.get("standby")}
        arguments = [f"{flag}={str(url).partition('://')[2]}" for flag, url in listeners.items() if url]
        if self._tls:
            certificates = self.folder / "certificates"
            arguments += [f"-certificate={certificates}/broker-cert.pem", f"-key={certificates}/broker-key.pem"]
        return [*arguments, f"-data={self.folder / 'data'}"]

    def _initialize(self) -> None:
        _, made = ask("PUT", f"{self.address}/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
        keys = made.get("keys")
        if not isinstance(keys, list):
            raise ServiceError(f"Vault could not be initialised: {made.get('errors')}")
        self.write({**self.plan, "unseal_key": keys[0], "token": made["root_token"]})
        self.unseal()
        self.ask("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        for method in ("approle", "kubernetes", "userpass"):
            self.ask("POST", f"sys/auth/{method}", {"type": method})
        self.wait_for(self._is_mounted)

    def _is_mounted(self) -> bool:
        """KV version 2 upgrades a new mount, and refuses requests until then."""
        status, _ = ask(
            "POST", f"{self.address}/v1/secret/data/ready", {"data": {}}, {"X-Vault-Token": self.token}
        )
        return status == 200

    def _unseal(self, node: str) -> None:
        ask("PUT", f"{self.plan[node]}/v1/sys/unseal", {"key": self.plan["unseal_key"]})

    def _status(self, node: str) -> int:
        try:
            return ask("GET", f"{self.plan[node]}/v1/sys/health")[0]
        except OSError:
            return 0


def _data(answer: Json) -> Json:
    found = answer.get("data")
    assert isinstance(found, dict)
    return found
