"""Contract types for import-linter: an allow-list of imports, and one owner per driver.

A top-level module of its own, which imports the standard library and import-linter only, so that linting a
project loads nothing of the runtime. A project's `.importlinter` names the types:

    [importlinter]
    contract_types =
        allow_list: omnibase_core_lint.AllowListContract
        single_owner: omnibase_core_lint.SingleOwnerContract
"""

from omnibase_core_lint.contracts import AllowListContract, SingleOwnerContract

__all__ = ["AllowListContract", "SingleOwnerContract"]
