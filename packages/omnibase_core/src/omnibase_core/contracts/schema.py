"""Schema versions of contract files, and which kind of contract a file is."""

import re
from collections.abc import Mapping
from typing import Final, Literal

from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Refusal
from omnibase_core.contracts.source import YamlValue
from omnibase_core.errors import shown
from omnibase_core.patterns import deferred, deferred_bytes

SCHEMA_VERSION: Final = "1.0.0"
"""The newest schema version of contracts and their tests that this core reads."""

ContractKind = Literal["runtime", "node", "test"]

_VERSION: Final = deferred(r"([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})")
_KNOWN: Final = tuple(int(part) for part in SCHEMA_VERSION.split("."))
_NODE_KEYS: Final = frozenset({"node_type", "node_version", "input_model", "output_model", "io_operations"})
_CONTRACT_LINE: Final = deferred_bytes(
    rb"^(?:runtime|tests|schema_version|%s)\s*:" % "|".join(_NODE_KEYS).encode(), re.MULTILINE
)


def kind_of(value: YamlValue) -> ContractKind | None:
    """The kind of contract by its content: `runtime` or `tests` at the top, or what only node contracts have."""
    if not isinstance(value, Mapping):
        return None
    if "runtime" in value:
        return "runtime"
    if _NODE_KEYS & value.keys():
        return "node"
    return "test" if isinstance(value.get("tests"), list) else None


def looks_like_contract(text: bytes) -> bool:
    """Whether a file that is no valid YAML was probably meant as a contract."""
    return _CONTRACT_LINE.search(text) is not None


def accept_schema_version(file: ContractFile, findings: Findings) -> bool:
    """Whether the file's fields mean what we think: False for a newer major version, which is reported.

    Older versions and newer minor ones are read; the latter are noted for whoever meets an unknown field.
    """
    value = file.value.get("schema_version") if isinstance(file.value, dict) else None
    if not isinstance(value, str):
        return True
    origin = Origin(file, ("schema_version",))
    match = _VERSION.fullmatch(value)
    if match is None:
        findings.add(
            origin,
            Refusal(
                f"'{shown(value)}' is not a schema version",
                "A schema version is three numbers, such as 1.0.0",
                f'Write schema_version: "{SCHEMA_VERSION}"',
            ),
        )
        return True
    version = tuple(int(part) for part in match.groups())
    if version[0] > _KNOWN[0]:
        findings.add(
            origin,
            Refusal(
                f"Schema version {value} is newer than {SCHEMA_VERSION}, the newest that this host reads",
                "The same fields may mean something else in a newer major version",
                f"Upgrade omnibase-core and omnibase-infra, or write the contract for {SCHEMA_VERSION}",
            ),
        )
        return False
    if version[:2] > _KNOWN[:2]:
        file.newer_schema = value
    return True
