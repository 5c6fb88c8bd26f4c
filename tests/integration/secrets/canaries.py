"""What the tests of canaries have in common: handlers whose secrets are some, and requests to their nodes."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

CANARY: Final = "c4n4ry-s3cr3t"
HTTP_AND_DB: Final = """\
    - type: "http"
      timeout_ms: 2000
      retry_policy: {{max_retries: 0}}
      config:
        base_url: "{url}"
        allow_private: ["127.0.0.0/8"]
        headers: {{Authorization: {{secret_ref: "api/token", prefix: "Bearer "}}}}
    - {{type: "db", timeout_ms: 3000, config: {{dsn: {{secret_ref: "orders/dsn"}}}}}}
"""
VAULT: Final = """\
    - {{type: "vault", timeout_ms: 3000, config: {{address: "{vault}", token: {{secret_ref: "vault/token"}}}}}}
"""
KEYS: Final = """\
node_version: "1.0.0"
name: "keys"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "path", type: "string"}]}
output_model: {name: "ModelOut", fields: [{name: "data", type: "any"}, {name: "version", type: "integer"}, \
  {name: "created_time", type: "string"}]}
io_operations: [{type: "vault", operations: ["vault.get_secret"]}]
"""

Asked = tuple[str, str, Mapping[str, object]]
"""Node, operation and payload of a request."""


def envelopes(requests: Sequence[Asked]) -> list[str]:
    """The requests as JSON; their ids are their numbers."""
    return [
        json.dumps(
            {
                "envelope_id": f"00000000-0000-4000-8000-{number:012}",
                "correlation_id": f"00000000-0000-4000-8000-{number:012}",
                "source_node": "client",
                "target_node": node,
                "operation": operation,
                "payload": payload,
                "timestamp": "2026-01-02T03:04:05Z",
            }
        )
        for number, (node, operation, payload) in enumerate(requests, 1)
    ]
