"""What an editor shows of the fields of contract tests, and examples."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from omnibase_core.contracts.editor_text import SCHEMA_VERSION_TEXT, Text

_PAYLOAD: Final[JsonValue] = {"order_id": "0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a"}
_ANSWERS: Final[tuple[JsonValue, ...]] = (
    {"status_code": 201, "body": {"id": "p-1"}},
    {"rows": [{"id": 7}]},
    {"results": [{"rows": [{"version": 1}]}, {"row_count": 2}]},
)

TEST_TEXTS: Final[Mapping[str, Mapping[str, Text]]] = MappingProxyType(
    {
        "ModelTestFile": {
            "": Text("Contract tests of the nodes of a runtime contract, in the folder `tests` beside it."),
            "schema_version": SCHEMA_VERSION_TEXT,
            "tests": Text("The tests, each with a name of its own in this file"),
        },
        "ModelTestCase": {
            "": Text("One test: a request to a node, the calls that it makes, and its response."),
            "name": Text("What the test shows", ("an order that is stored twice",)),
            "node": Text("The slug of the node", ("store_order",)),
            "operation": Text("The operation, where the node has several", ("db.query",)),
            "payload": Text("The request's payload", (_PAYLOAD,)),
            "envelope": Text("The other fields of the request's envelope; by default the same in every run"),
            "now": Text("The host's clock; by default the request's timestamp", ("2026-01-01T00:01:00Z",)),
            "calls": Text("What handlers are sent and answer, in this order; by default no handler is called"),
            "response": Text("The response that is expected"),
        },
        "ModelTestEnvelope": {
            "": Text("The other fields of the request's envelope."),
            "envelope_id": Text(
                "The request's id; it is its Idempotency-Key too", ("11111111-1111-4111-8111-111111111111",)
            ),
            "correlation_id": Text(
                "The id that all messages about one matter share", ("22222222-2222-4222-8222-222222222222",)
            ),
            "causation_id": Text(
                "The id of the message that led to this one", ("33333333-3333-4333-8333-333333333333",)
            ),
            "source_node": Text("Who asks", ("checkout",)),
            "metadata": Text("Data beside the payload", ({"tenant": "acme"},)),
            "timestamp": Text("When the request was made", ("2026-01-01T00:00:00Z",)),
            "ttl_seconds": Text("How long after its timestamp the request may run", (30,)),
        },
        "ModelTestCall": {
            "": Text("One call of a handler: what it is sent, and what it answers or fails with."),
            "handler": Text("The handler's name; by default the one that the node names", ("orders_db",)),
            "operation": Text("The operation; by default the node's", ("db.query",)),
            "sent": Text("The whole payload that the handler must be sent", ({"url": "/orders/7"},)),
            "sent_includes": Text(
                "A part of the payload: objects may have more keys, at any depth", ({"parameters": [7]},)
            ),
            "answer": Text("The operation's result; the handler's own code reads it", _ANSWERS),
            "fails": Text("The failure that comes in place of a result"),
        },
        "ModelTestFailure": {
            "": Text("A failure of a handler."),
            "code": Text("What kind of failure it is"),
            "retryable": Text("Whether trying again may help; by default what the code says"),
            "message": Text("The sentence for people", ("the server answered with status 503",)),
            "details": Text("What programs are told", ({"status_code": 503},)),
        },
        "ModelTestResponse": {
            "": Text("The response that is expected: `payload`, `payload_includes` or `error`."),
            "payload": Text("The whole payload of a success", ({"total": "19.90"},)),
            "payload_includes": Text(
                "A part of a success's payload: objects may have more keys, at any depth", ({"total": "19.90"},)
            ),
            "error": Text("The failure that is expected"),
        },
        "ModelTestError": {
            "": Text("A failure that is expected."),
            "code": Text("The error's code"),
            "retryable": Text("Whether trying again may help; by default either"),
            "message": Text("A part of its message", ("is null, but required",)),
            "details": Text(
                "A part of its details: objects may have more keys, at any depth", ({"effect": "performed"},)
            ),
        },
        "ModelHttpAnswer": {
            "": Text("The result of an http operation."),
            "status_code": Text("The status; 408, 429 and 5xx become the failures that they are", (201,)),
            "headers": Text("Header names, in lower case, and their values", ({"etag": '"7"'},)),
            "body_type": Text("How the handler reads the body: by its content-type, which this adds"),
            "body": Text("The body: JSON, a text, or {base64: …}", ({"id": "p-1"},)),
        },
        "ModelDbAnswer": {
            "": Text("The result of one statement."),
            "rows": Text("The rows that the statement gives", ([{"id": 7}],)),
            "row_count": Text("The rows that were changed, of a statement that gives none", (1,)),
        },
        "ModelDbRowsAnswer": {"": Text("The result of db.query.")},
        "ModelDbTransactionAnswer": {
            "": Text("The result of db.transaction."),
            "results": Text("The result of each statement", ([{"row_count": 1}],)),
        },
    }
)
"""By model and field; "" is the model itself."""
