"""Handlers at a real Vault."""

from omnibase_core.contracts.handler_config import ModelVaultAppRole, ModelVaultConfig
from omnibase_core.secret import Secret
from omnibase_infra.handlers.vault_handler import VaultHandler
from omnibase_infra.host.clock import utc_now
from omnibase_infra.transports.vault import VaultClient

from tools.services.vault import Vault


def handler() -> VaultHandler:
    """A handler that is not initialised."""
    return VaultHandler(VaultClient, utc_now)


def by_root(vault: Vault, **more: object) -> ModelVaultConfig:
    """A config with the token that may do anything."""
    return ModelVaultConfig.model_validate({"address": vault.address, "token": Secret(vault.token), **more})


def by_role(vault: Vault, role: str, capabilities: str = '"read"', **settings: object) -> ModelVaultConfig:
    """A config with an AppRole of this name, which may do that with secrets below `role/`."""
    policy = f'path "secret/data/{role}/*" {{ capabilities = [{capabilities}] }}'
    given = vault.approle(role, policy, **settings)
    approle = ModelVaultAppRole(role_id=given["role_id"], secret_id=Secret(given["secret_id"]))
    return ModelVaultConfig(address=vault.address, approle=approle)
