"""The text of a contract's JSON Schema, as `schema` prints it. Imported within commands only."""

import json

from omnibase_core.contracts.editor import editor_schema
from omnibase_core.contracts.schema import ContractKind


def schema_text(kind: ContractKind) -> str:
    """The schema, indented, with a line break at its end."""
    return json.dumps(editor_schema(kind), indent=2, ensure_ascii=False) + "\n"
