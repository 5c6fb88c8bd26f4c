"""Finds the mappings of a node contract. A contract without any loads neither compiler nor expression language."""

from collections.abc import Mapping
from typing import Final

from omnibase_core.contracts.mapped import Declared, Mapped, MappingSurvey
from omnibase_core.mapping.faults import TemplateFault

_OF_ENTRY: Final = ("let", "request", "expect")


def survey_mappings(contract: Mapping[str, object], models: Declared) -> MappingSurvey:
    """Compiles every mapping of a contract."""
    entries = contract.get("io_operations")
    listed = enumerate(entries if isinstance(entries, list) else [])
    found = {index: entry for index, entry in listed if isinstance(entry, dict) and _is_mapped(entry)}
    if "transform" not in contract and not found:
        return MappingSurvey({}, [])
    from omnibase_core.contracts.compiling import compile_entry, compile_transform

    mapped: dict[int | None, Mapped] = {}
    faults: list[TemplateFault] = []
    if "transform" in contract:
        mapped[None] = compile_transform(contract, models, faults)
    for index, entry in found.items():
        mapped[index] = compile_entry(entry, ("io_operations", index), models, faults)
    return MappingSurvey(mapped, faults)


def _is_mapped(entry: Mapping[str, object]) -> bool:
    return "response" in entry or any(entry.get(name) is not None for name in _OF_ENTRY)
