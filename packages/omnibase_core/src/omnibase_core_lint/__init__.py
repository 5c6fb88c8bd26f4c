"""Contract types for import-linter: no transports, an allow-list of imports, and one owner per driver.

A top-level module of its own, which imports the standard library and import-linter only, so that linting a
project loads nothing of the runtime. `pip install "omnibase-core[lint]"` brings import-linter along. A project's
`.importlinter` names the types:

    [importlinter]
    contract_types =
        allow_list: omnibase_core_lint.AllowListContract
        no_transports: omnibase_core_lint.NoTransportsContract
        single_owner: omnibase_core_lint.SingleOwnerContract

Importing this module raises ImportError where import-linter is missing.
"""

try:
    import importlinter as _importlinter  # noqa: F401 - only whether it is there
except ModuleNotFoundError:
    raise ImportError(
        "omnibase_core_lint has contract types for import-linter, which is not installed; "
        'install it with: pip install "omnibase-core[lint]"'
    ) from None

from omnibase_core_lint.bans import BANNED, BANNED_BY_KIND
from omnibase_core_lint.contracts import AllowListContract, NoTransportsContract, SingleOwnerContract

__all__ = ["BANNED", "BANNED_BY_KIND", "AllowListContract", "NoTransportsContract", "SingleOwnerContract"]
