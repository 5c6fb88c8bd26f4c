"""Where secrets are kept, for tests that change them: a mounted folder, and a real Vault."""

import asyncio
import json
from abc import ABC, abstractmethod
from pathlib import Path

from tools.services.vault import Vault


class Keeper(ABC):
    """A place of secrets. section: the `secrets` of a contract that looks there twenty times a second."""

    section: str
    environment: dict[str, str]

    @abstractmethod
    async def put(self, path: str, value: str) -> None:
        """Makes this the value of the secret `path#value`."""


class Folder(Keeper):
    """Files, each replaced in one step as Kubernetes does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.section = f'{{refresh_ms: 50, folder: "{folder}"}}'
        self.environment = {}

    async def put(self, path: str, value: str) -> None:
        file = self._folder / path / "value"
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name("..new")
        new.write_text(value)
        new.replace(file)


class VaultKeeper(Keeper):
    """A real Vault, to which the host logs in by an AppRole that may read these secrets only."""

    def __init__(self, vault: Vault, role: str) -> None:
        self._vault = vault
        self._role = role
        login = vault.approle(role, f'path "secret/data/{role}/*" {{ capabilities = ["read"] }}')
        self.environment = {"ONEX_SECRET_VAULT_SECRET_ID": login["secret_id"]}
        approle = {"role_id": login["role_id"], "secret_id": {"secret_ref": "vault/secret_id"}}
        self.section = json.dumps(
            {
                "refresh_ms": 50,
                "vault": {"address": vault.address, "approle": approle, "allow": [role]},
            }
        )

    async def put(self, path: str, value: str) -> None:
        await asyncio.to_thread(self._vault.ask, "POST", f"secret/data/{path}", {"data": {"value": value}})
