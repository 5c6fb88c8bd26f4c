"""Vault as the host speaks it: hvac's API over the host's own HTTP client; the only import of hvac.

For one server and one KV v2 mount, with a login that is kept alive:

    client = VaultClient(config, timeout_s)        # a ModelVaultConfig with its secrets resolved; reads no VAULT_*
    await client.open()                            # logs in; raises where the credentials are refused
    secret = await client.read_secret("secret", "orders/db", version=3)     # .data, .version, .created_time
    await client.write_secret("secret", "orders/db", {"password": …}, cas=3)  # gives the new version
    await client.list_secrets("secret", "orders"); await client.delete_secret("secret", "orders/db", [3])
    await client.keep()                            # renews, or logs in again, where due; gives the next time
    await client.health(); await client.aclose()

Every failure is a RuntimeHostError without a path or a value of a secret; `errors.py` has the table. Renewal needs
no `keep`: each call does what is due before it. Who holds a token and is idle calls it.
"""

from omnibase_infra.transports.vault.client import VaultClient, VaultHealth
from omnibase_infra.transports.vault.secrets import KvSecret

__all__ = ["KvSecret", "VaultClient", "VaultHealth"]
