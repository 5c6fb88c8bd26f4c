"""The contracts that are measured, written into a folder, and the envelopes for them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar
from uuid import UUID

from omnibase_core.contracts.load import LoadedContract
from omnibase_core.enums import EnumNodeKind
from omnibase_core.envelope import JsonObject
from omnibase_core.runtime import ComputeFunction
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.wiring import build_host

_RUNTIME = """
runtime:
  name: bench
  version: "1.0.0"
  event_bus: {{kind: inmemory}}
  handlers: {handlers}
  nodes: {nodes}
"""

_ORDER = """[
    {{name: order_id, type: string}}, {{name: customer, type: string}}, {{name: amount_cents, type: integer}},
    {{name: express, type: boolean}}, {{name: tags, type: "list[string]"}}, {{name: lines, type: any}}]"""

NOOP = f"""
node_version: "1.0.0"
name: {{slug}}
node_type: COMPUTE
input_model: {{{{name: ModelOrder, fields: {_ORDER}}}}}
output_model: {{{{name: ModelSameOrder, fields: {_ORDER}}}}}
"""

HTTP = """
node_version: "1.0.0"
name: {slug}
node_type: EFFECT
input_model: {{name: ModelRequest, fields: [{{name: url, type: string}}]}}
output_model:
  name: ModelResult
  fields:
    - {{name: status_code, type: integer}}
    - {{name: headers, type: object}}
    - {{name: body, type: any}}
    - {{name: body_type, type: string}}
io_operations: [{{type: http, operations: [http.get]}}]
"""

DB = """
node_version: "1.0.0"
name: {slug}
node_type: EFFECT
input_model:
  name: ModelQuery
  fields: [{{name: sql, type: string}}, {{name: parameters, type: "list[any]"}}]
output_model:
  name: ModelRows
  fields: [{{name: rows, type: "list[object]"}}, {{name: row_count, type: integer}}]
io_operations: [{{type: db, operations: [db.query]}}]
"""

HANDLERS: Sequence[Mapping[str, object]] = (
    {"type": "http", "config": {"base_url": "${BENCH_URL}", "allow_private": ["127.0.0.1/32"]}},
    {"type": "db", "config": {"dsn": {"secret_ref": "bench/dsn"}, "pool_size": 2}},
)


def environment(url: str, dsn: str) -> dict[str, str]:
    """The variables and secrets of `HANDLERS`."""
    return {"BENCH_URL": url, "ONEX_SECRET_BENCH_DSN": dsn}


def write_contract(folder: Path, nodes: Mapping[str, str], handlers: Sequence[Mapping[str, object]] = ()) -> Path:
    """Writes a runtime contract and its nodes (slug: text of the contract); gives the runtime contract's path."""
    for slug, text in nodes.items():
        (folder / f"{slug}.yaml").write_text(text.format(slug=slug))
    path = folder / "runtime.yaml"
    path.write_text(
        _RUNTIME.format(handlers=json.dumps(list(handlers)), nodes=json.dumps([{"slug": slug} for slug in nodes]))
    )
    return path


@contextmanager
def contract(
    nodes: Mapping[str, str],
    variables: Mapping[str, str] | None = None,
    handlers: Sequence[Mapping[str, object]] = (),
) -> Iterator[LoadedContract]:
    """The loaded contract of these nodes."""
    with TemporaryDirectory() as folder:
        yield load_contract_file(str(write_contract(Path(folder), nodes, handlers)), variables or {})


def host_of(loaded: LoadedContract, variables: Mapping[str, str] | None = None) -> BaseRuntimeHostProcess:
    """A host of the contract; each COMPUTE node returns its input."""

    class NoopHost(BaseRuntimeHostProcess):
        compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {
            slug: _same for slug, node in loaded.nodes.items() if node.node_type is EnumNodeKind.COMPUTE
        }

    return build_host(loaded, SecretResolver.of_environment(variables or {}), host=NoopHost)


def _same(values: dict[str, object]) -> dict[str, object]:
    return values


def order(lines: int = 2) -> JsonObject:
    """The payload of a noop node: 0.3 kB with two lines, 0.1 kB more for each further one."""
    return {
        "order_id": "2026-000123",
        "customer": "Ada Lovelace",
        "amount_cents": 129_900,
        "express": True,
        "tags": ["books", "gift", "eu"],
        "lines": [
            {"sku": f"SKU-{number:06}", "title": "A book on engines", "quantity": 2, "price": 19.9, "note": None}
            for number in range(lines)
        ],
    }


def envelope(number: int, target: str, payload: JsonObject) -> bytes:
    """A request, encoded; ids follow from the number."""
    fields = {
        "envelope_id": str(UUID(int=number + 1, version=4)),
        "correlation_id": str(UUID(int=number + 2**64, version=4)),
        "source_node": "bench_client",
        "target_node": target,
        "payload": payload,
        "metadata": {"tenant": "acme"},
        "timestamp": "2026-11-22T13:00:00.123Z",
    }
    return json.dumps(fields, separators=(",", ":")).encode()
