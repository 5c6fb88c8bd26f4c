"""Node contracts as authors write them: passed through, mapped onto http and db, transformed."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Final

PLACED: Final = """
node_version: "1.0.0"
name: {slug}
node_type: EFFECT
description: "Places an order with the shop; the caller knows nothing of HTTP"
models:
  - name: ModelItem
    fields:
      - {{name: sku, type: string}}
      - {{name: quantity, type: integer}}
      - {{name: note, type: string, required: false}}
input_model:
  name: ModelOrder
  fields:
    - {{name: customer, type: string}}
    - {{name: reference, type: string, description: "the caller's own"}}
    - {{name: amount, type: decimal}}
    - {{name: express, type: boolean, required: false, default: false}}
    - {{name: items, type: "list[ModelItem]"}}
output_model:
  name: ModelPlaced
  fields:
    - {{name: order_id, type: string}}
    - {{name: status, type: string}}
    - {{name: total, type: decimal}}
    - {{name: is_new, type: boolean}}
io_operations:
  - type: http
    operations: [http.post]
    request:
      url: "/customers/${{{{ input.customer }}}}/orders"
      headers: {{X-Reference: "${{{{ input.reference }}}}"}}
      body:
        reference: "${{{{ input.reference }}}}"
        amount: "${{{{ input.amount }}}}"
        express: "${{{{ input.express }}}}"
        currency: EUR
        items: "${{{{ input.items }}}}"
    expect: {{status: [200, 201]}}
    response:
      order_id: "${{{{ result.body.id }}}}"
      status: "${{{{ result.body.status }}}}"
      total: "${{{{ result.body.total }}}}"
      is_new: "${{{{ result.status_code == `201` }}}}"
"""

POSTED: Final = """
node_version: "1.0.0"
name: {slug}
node_type: EFFECT
description: "Posts what the caller wrote"
input_model:
  name: ModelRequest
  fields:
    - {{name: url, type: string}}
    - {{name: headers, type: object, required: false}}
    - {{name: body, type: any, required: false}}
output_model:
  name: ModelResult
  fields:
    - {{name: status_code, type: integer}}
    - {{name: headers, type: object}}
    - {{name: body, type: any}}
    - {{name: body_type, type: string}}
io_operations: [{{type: http, operations: [http.post]}}]
"""

_STORED = """
node_version: "1.0.0"
name: {slug}
node_type: EFFECT
description: "Stores an order with its lines, both or neither"
models:
  - name: ModelLine
    fields:
      - {{name: sku, type: string}}
      - {{name: quantity, type: integer}}
      - {{name: price, type: decimal}}
input_model:
  name: ModelOrder
  fields:
    - {{name: id, type: uuid}}
    - {{name: customer, type: string}}
    - {{name: placed, type: datetime}}
    - {{name: lines, type: "list[ModelLine]"}}
output_model:
  name: ModelStored
  fields:
    - {{name: id, type: uuid}}
    - {{name: line_count, type: integer}}
io_operations:
  - type: db
    operations: [db.transaction]
    let:
      total: "${{{{ sum(map(&multiply(price, quantity), input.lines)) }}}}"
    request:
      isolation: serializable
      statements:
        - sql: |
            INSERT INTO orders (id, customer, placed, total) VALUES ($1, $2, $3, $4)
            ON CONFLICT (id) DO UPDATE SET customer = $2, placed = $3, total = $4
            RETURNING id
          parameters:
            - "${{{{ input.id }}}}"
            - "${{{{ input.customer }}}}"
            - "${{{{ input.placed }}}}"
            - "${{{{ let.total }}}}"
        - sql: |
            INSERT INTO order_lines (order_id, sku, quantity, price)
            SELECT $1, * FROM jsonb_to_recordset($2) AS l(sku text, quantity int, price numeric)
          parameters: ["${{{{ input.id }}}}", "${{{{ input.lines }}}}"]
    expect: {{results: [{{rows: one}}, {{}}]}}
    response:
      id: "${{{{ result.results[0].rows[0].id }}}}"
      line_count: "${{{{ result.results[1].row_count }}}}"
"""

_TOTALLED = """
node_version: "1.0.0"
name: {slug}
node_type: COMPUTE
description: "The total of an order, with discount"
models:
  - name: ModelLine
    fields:
      - {{name: sku, type: string}}
      - {{name: quantity, type: integer}}
      - {{name: price, type: decimal}}
input_model:
  name: ModelOrder
  fields:
    - {{name: lines, type: "list[ModelLine]"}}
    - {{name: discount, type: decimal, required: false, default: "0"}}
output_model:
  name: ModelTotal
  fields:
    - {{name: pieces, type: integer}}
    - {{name: net, type: decimal}}
    - {{name: total, type: decimal}}
    - {{name: first_sku, type: string, required: false}}
let:
  net: "${{{{ sum(map(&multiply(price, quantity), input.lines)) }}}}"
transform:
  pieces: "${{{{ sum(input.lines[*].quantity) }}}}"
  net: "${{{{ let.net }}}}"
  total: "${{{{ round(multiply(let.net, subtract(`1`, input.discount)), `2`) }}}}"
  first_sku: "${{{{ input.lines[0].sku }}}}"
"""

_KINDS: Final = (PLACED, _STORED, POSTED, _TOTALLED)

SHOP: Final[Sequence[Mapping[str, object]]] = (
    {"type": "http", "config": {"base_url": "https://shop.example/v1"}},
    {"type": "db", "config": {"dsn": {"secret_ref": "shop/dsn"}}},
)


def mixed(count: int) -> dict[str, str]:
    """The texts of that many nodes by slug, the four kinds in turn."""
    return {f"node_{number}": text for number, text in zip(range(count), cycle(_KINDS), strict=False)}
