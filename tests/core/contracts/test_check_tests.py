"""Files of contract tests: what is accepted, and what is said of each mistake."""

from typing import Final

import pytest
from omnibase_core.contracts.check_tests import ContractTest, LoadedTests, load_tests
from omnibase_core.contracts.load import LoadedContract, load_contract
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import RuntimeHostError

from tests.core.contracts.contracts_on_hand import reader_of

RUNTIME: Final = """\
runtime:
  name: "orders"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers: [{type: "http"}, {type: "db", name: "orders_db"}]
  nodes: [{slug: "store"}, {slug: "ask"}, {slug: "count"}]
"""
STORE: Final = """\
node_version: "1.0.0"
name: "store"
node_type: "EFFECT"
input_model: {name: "ModelOrder", fields: [{name: "id", type: "integer"}]}
output_model: {name: "ModelStored", fields: [{name: "version", type: "integer"}]}
io_operations:
  - type: "db"
    handler: "orders_db"
    operations: ["db.execute"]
    request: {sql: "INSERT INTO o VALUES ($1) RETURNING version", parameters: ["${{ input.id }}"]}
    expect: {rows: "one"}
    response: {version: "${{ result.rows[0].version }}"}
"""
ASK: Final = """\
node_version: "1.0.0"
name: "ask"
node_type: "EFFECT"
input_model: {name: "ModelAsked", fields: [{name: "url", type: "string"}]}
output_model: {name: "ModelSaid", fields: [{name: "body", type: "any"}]}
io_operations: [{type: "http", operations: ["http.get", "http.post"]}]
"""
COUNT: Final = """\
node_version: "1.0.0"
name: "count"
node_type: "COMPUTE"
input_model: {name: "ModelIn", fields: [{name: "n", type: "integer"}]}
output_model: {name: "ModelOut", fields: [{name: "n", type: "integer"}]}
transform: {n: "${{ add(input.n, `1`) }}"}
"""
FILES: Final = {"r.yaml": RUNTIME, "nodes/store.yaml": STORE, "nodes/ask.yaml": ASK, "nodes/count.yaml": COUNT}

HEAD: Final = 'tests:\n  - name: "n"\n'


def contract() -> LoadedContract:
    loaded = load_contract("r.yaml", reader_of(FILES), {})
    assert loaded.problems == ()
    return loaded


def loaded(text: str) -> LoadedTests:
    return load_tests("tests/t.yaml", reader_of({"tests/t.yaml": text}), contract())


def the_test(text: str) -> ContractTest:
    found = loaded(text)
    assert found.problems == ()
    return found.tests[0]


def said_of(text: str) -> list[str]:
    """Each problem as `line:column message · hint`."""
    found = loaded(text)
    assert found.tests == ()
    return [f"{each.line}:{each.column} {each.message} · {each.hint}" for each in found.problems]


def a_call(call: str, *, node: str = "store", more: str = "") -> str:
    return f"{HEAD}    node: {node}\n{more}    calls: [{call}]\n    response: {{payload_includes: {{}}}}\n"


class TestWhatIsLeftOut:
    def test_is_the_same_in_every_run(self) -> None:
        test = the_test(a_call("{answer: {rows: [{version: 1}]}}"))
        assert str(test.request.envelope_id) == "00000000-0000-4000-8000-000000000001"
        assert test.request.timestamp.isoformat() == "2026-01-01T00:00:00+00:00"
        assert test.request.payload == {}
        assert test.clock.timestamp == test.request.timestamp

    def test_handler_and_operation_are_the_nodes(self) -> None:
        (call,) = the_test(a_call("{answer: {rows: [{version: 1}]}}")).calls
        assert (call.handler, call.operation) == ("orders_db", "db.execute")

    def test_of_several_operations_the_request_names_one(self) -> None:
        (call,) = the_test(a_call("{answer: {body: 1}}", node="ask", more="    operation: http.post\n")).calls
        assert call.operation == "http.post"

    def test_no_call_is_expected(self) -> None:
        assert the_test(f"{HEAD}    node: count\n    response: {{payload: {{n: 1}}}}\n").calls == []


def test_the_envelope_is_what_the_test_says() -> None:
    more = (
        "    now: '2026-02-01T00:00:00Z'\n"
        "    envelope: {source_node: shop, metadata: {a: 1}, ttl_seconds: 5, "
        "timestamp: '2026-01-31T23:59:00Z', correlation_id: 22222222-2222-4222-8222-222222222222}\n"
    )
    test = the_test(a_call("{answer: {rows: [{version: 1}]}}", more=more))
    assert (test.request.source_node, test.request.metadata, test.request.ttl_seconds) == ("shop", {"a": 1}, 5)
    assert test.request.timestamp.isoformat() == "2026-01-31T23:59:00+00:00"
    assert test.clock.timestamp.isoformat() == "2026-02-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("fails", "retryable", "details"),
    [
        ("{code: HANDLER_CONNECTION_ERROR}", True, {}),
        ("{code: HANDLER_EXECUTION_ERROR}", False, {}),
        ("{code: HANDLER_EXECUTION_ERROR, retryable: true}", True, {}),
        ("{code: HANDLER_TIMEOUT}", False, {"effect": "indeterminate"}),
        ("{code: INVALID_PARAMETER, details: {parameter: $1}}", False, {"parameter": "$1"}),
    ],
)
def test_a_failure_is_the_error_that_the_handler_raises(fails: str, retryable: bool, details: JsonObject) -> None:
    (call,) = the_test(a_call(f"{{fails: {fails}}}")).calls
    assert isinstance(call.outcome, RuntimeHostError)
    assert (call.outcome.retryable, call.outcome.details) == (retryable, details)


def test_a_time_out_of_what_may_be_done_twice_is_retryable() -> None:
    (call,) = the_test(
        a_call("{fails: {code: HANDLER_TIMEOUT}}", node="ask", more="    operation: http.get\n")
    ).calls
    assert isinstance(call.outcome, RuntimeHostError)
    assert call.outcome.retryable


MISTAKES: Final = [
    (
        f"{HEAD}    node: stor\n    response: {{payload: {{}}}}\n",
        "3:11 No node 'stor' · Did you mean 'store'? The nodes are: store, ask, count",
    ),
    (
        f"{HEAD}    node: store\n    respons: {{payload: {{}}}}\n    response: {{payload: {{}}}}\n",
        "4:5 Unknown field 'respons' in tests[0] · Did you mean 'response'? Known fields are: "
        "name, node, operation, payload, envelope, now, calls, response",
    ),
    (
        f"{HEAD}    node: store\n    response: {{payload: {{versoin: 1}}}}\n",
        "4:26 Node 'store' gives no 'versoin' · Did you mean 'version'? Fields of ModelStored are: version",
    ),
    (
        f"{HEAD}    node: store\n    operation: db.execut\n    response: {{payload: {{}}}}\n",
        "4:16 Node 'store' has no operation 'db.execut' · Did you mean 'db.execute'? Its operations are: ",
    ),
    (
        f"{HEAD}    node: ask\n    response: {{payload: {{}}}}\n",
        "3:11 Node 'ask' has several operations · They are: http.get, http.post",
    ),
    (
        f"{HEAD}    node: store\n    response: {{error: {{code: HANDLER_TIMEOT}}}}\n",
        "4:30 Unknown code 'HANDLER_TIMEOT' · Did you mean 'HANDLER_TIMEOUT'? Valid are: ",
    ),
    (
        f"{HEAD}    node: store\n    now: noon\n    response: {{payload: {{}}}}\n",
        "4:10 timestamp: must be RFC 3339 with seconds and an offset",
    ),
    (
        f"{HEAD}    node: store\n    envelope: {{correlation_id: x}}\n    response: {{payload: {{}}}}\n",
        "4:32 correlation_id: must be a UUID",
    ),
    (
        f"{HEAD}    node: store\n    response: {{payload: {{}}, error: {{code: HANDLER_TIMEOUT}}}}\n",
        "4:15 A response has exactly one of 'payload', 'payload_includes' and 'error'",
    ),
    ("tests: []\n", "1:8 No tests are listed"),
    ("tset: []\n", "1:1 Missing required field 'tests' in the file"),
]
CALL_MISTAKES: Final = [
    (
        "store",
        "{handler: db, answer: {}}",
        "Handler 'db' does not perform db.execute for node 'store' · The node ",
    ),
    ("store", "{operation: db.query, answer: {}}", "Node 'store' has no operation 'db.query'"),
    ("store", "{sent: {sqll: x}, answer: {}}", "'sqll' is no field of db.execute · Did you mean 'sql'?"),
    ("store", "{sent_includes: {param: x}, answer: {}}", "'param' is no field of db.execute"),
    ("store", "{sent: {}, sent_includes: {}, answer: {}}", "'sent' and 'sent_includes' stand together"),
    ("store", "{sent: {}}", "A call has either an 'answer' or 'fails'"),
    ("store", "{answer: {}, fails: {code: HANDLER_TIMEOUT}}", "A call has either an 'answer' or 'fails'"),
    ("store", "{answer: {status_code: 200}}", "Unknown field 'status_code' in tests[0].calls[0].answer"),
    ("store", "{answer: {rows: [1]}}", "tests[0].calls[0].answer.rows[0] must be a mapping, not an integer"),
    ("store", "{answer: {rows: [{}], row_count: 2}}", "The row_count of 1 row is 1"),
    ("store", "{answer: {row_count: -1}}", "tests[0].calls[0].answer.row_count must be at least 0"),
    ("store", "{fails: {code: MAPPING_ERROR}}", "Unknown code 'MAPPING_ERROR'"),
    (
        "store",
        "{fails: {code: HANDLER_TIMEOUT, retryable: true}}",
        "A time-out of this operation is not retryable",
    ),
    ("store", "{fails: {code: RATE_LIMITED, retryable: false}}", "RATE_LIMITED is always retryable"),
    ("store", "{fails: {code: INVALID_PARAMETER, retryable: true}}", "INVALID_PARAMETER is never retryable"),
    (
        "ask",
        "{operation: http.get, answer: {status_code: 102}}",
        "tests[0].calls[0].answer.status_code must be at l",
    ),
    ("ask", "{operation: http.get, answer: {headers: {ETag: x}}}", "'ETag' is no header of a result"),
    ("ask", "{operation: http.get, answer: {body_type: text, body: {}}}", "The body is no text"),
    ("ask", "{operation: http.get, answer: {body_type: bytes, body: x}}", "The body is no {base64: …}"),
    (
        "ask",
        "{operation: http.get, answer: {body_type: bytes, body: {base64: '?'}}}",
        "The body is no {base64: …}",
    ),
    ("count", "{answer: {}}", "Node 'count' is a COMPUTE node and calls no handler"),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, said: str) -> None:
    assert any(each.startswith(said) for each in said_of(text)), said_of(text)


@pytest.mark.parametrize(("node", "call", "said"), CALL_MISTAKES)
def test_a_call_that_cannot_be_is_refused(node: str, call: str, said: str) -> None:
    more = "    operation: http.get\n" if node == "ask" else ""
    found = said_of(a_call(call, node=node, more=more))
    assert len(found) == 1
    assert found[0].partition(" ")[2].startswith(said), found


def test_two_tests_of_one_name_are_refused() -> None:
    one = '  - name: "n"\n    node: count\n    response: {payload: {n: 1}}\n'
    assert said_of(f"tests:\n{one}{one}") == ["5:11 Two tests are named 'n' · The first is at line 2"]


@pytest.mark.parametrize(
    ("node", "operation", "code"),
    [("nobody", "", "NODE_NOT_FOUND"), ("store", "    operation: db.drop\n", "INVALID_OPERATION")],
)
def test_what_there_is_not_may_be_what_a_test_is_about(node: str, operation: str, code: str) -> None:
    the_test(f"{HEAD}    node: {node}\n{operation}    response: {{error: {{code: {code}}}}}\n")


@pytest.mark.parametrize(
    ("version", "more", "said"),
    [
        ("2.0.0", "", "1:17 Schema version 2.0.0 is newer than 1.0.0, the newest that this host reads · "),
        ("1.9.0", "later: 1\n", "2:1 Unknown field 'later' in the file · "),
    ],
)
def test_a_file_of_a_later_schema_is_refused_where_it_cannot_be_read(version: str, more: str, said: str) -> None:
    case = f"{HEAD}    node: count\n    response: {{payload: {{n: 1}}}}\n"
    (found,) = said_of(f'schema_version: "{version}"\n{more}{case}')
    assert found.startswith(said)
    assert loaded(f'schema_version: "1.9.0"\n{case}').problems == ()


def test_a_url_with_a_password_is_refused() -> None:
    (said,) = said_of(a_call('{answer: {rows: [{version: "http://u:p@h/"}]}}'))
    assert "Literal secret in tests[0].calls[0].answer.rows[0].version" in said


def test_without_a_contract_the_file_is_checked_by_itself() -> None:
    reader = reader_of({"t.yaml": f"{HEAD}    node: anything\n    respose: {{}}\n"})
    found = load_tests("t.yaml", reader, None)
    assert [each.line for each in found.problems] == [2, 4]
