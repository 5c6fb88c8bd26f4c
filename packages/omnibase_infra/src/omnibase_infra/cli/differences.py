"""Changes between contracts as text and as JSON. Imported within the command only."""

import json
from collections.abc import Sequence

from omnibase_core.contracts.changes import ModelContractChange

from omnibase_infra.cli.command import counted


def as_text(changes: Sequence[ModelContractChange]) -> str:
    """Each change as a block of lines, then how many there are."""
    return "\n".join([*(line for change in changes for line in _block(change)), _summary(changes)])


def as_json(changes: Sequence[ModelContractChange]) -> str:
    """`breaking` and `compatible`, the two counts, and `changes`."""
    breaking = _breaking(changes)
    document = {
        "breaking": breaking,
        "compatible": len(changes) - breaking,
        "changes": [change.model_dump(mode="json") for change in changes],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _block(change: ModelContractChange) -> list[str]:
    where = f"{change.node}: " if change.node else ""
    return [
        f"{change.verdict} for {change.affects}: {where}{change.subject} {change.change}",
        f"  {change.message}",
        *(f"  {label}: {place}" for label, place in (("old", change.old), ("new", change.new)) if place),
        "",
    ]


def _summary(changes: Sequence[ModelContractChange]) -> str:
    if not changes:
        return "No changes"
    breaking = _breaking(changes)
    return f"{counted(len(changes), 'change')}, {breaking} breaking"


def _breaking(changes: Sequence[ModelContractChange]) -> int:
    return sum(change.verdict == "breaking" for change in changes)
