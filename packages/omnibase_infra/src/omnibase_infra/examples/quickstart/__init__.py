"""The quickstart: orders with an HTTP node, database nodes and a COMPUTE function; `onex-host demo` plays it."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
CONTRACT: Final = FOLDER / "runtime.yaml"
REQUESTS: Final = FOLDER / "requests.jsonl"
HOST: Final = "omnibase_infra.examples.quickstart.host:QuickstartHost"
SCHEMA: Final = FOLDER / "schema.sql"
