"""`onex-host test`: contract tests through the real host and handlers, on transports that reach nothing."""

import json
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from omnibase_infra.cli.main import onex_host
from omnibase_infra.config.files import validate_paths

from tests.infra.cli.apphost import COMPUTE
from tests.infra.cli.programs import contract_in

RUNTIME: Final = """\
runtime:
  name: "orders_host"
  version: "1.0.0"
  event_bus: {kind: "inmemory"}
  handlers:
    - type: "http"
      config:
        base_url: "https://pay.example.com/v1"
        headers: {Authorization: {secret_ref: "pay/token", prefix: "Bearer "}}
        idempotency_key: true
    - {type: "db", config: {dsn: {secret_ref: "orders/dsn"}, max_rows: 2}}
  nodes: [{slug: "pay"}, {slug: "store"}, {slug: "find"}, {slug: "fetch"}]
"""
PAY: Final = """\
node_version: "1.0.0"
name: "pay"
node_type: "EFFECT"
input_model: {name: "ModelPay", fields: [{name: "id", type: "string"}, {name: "amount", type: "decimal"}]}
output_model: {name: "ModelPaid", fields: [{name: "payment", type: "string"}]}
io_operations:
  - type: "http"
    operations: ["http.post"]
    request:
      url: "/orders/${{ input.id }}/payments"
      headers: {X-Request: "${{ envelope.envelope_id }}"}
      body: {amount: "${{ input.amount }}", at: "${{ envelope.timestamp }}"}
    expect: {status: [201]}
    response: {payment: "${{ result.body.id }}"}
"""
STORE: Final = """\
node_version: "1.0.0"
name: "store"
node_type: "EFFECT"
input_model: {name: "ModelOrder", fields: [{name: "id", type: "integer"}]}
output_model: {name: "ModelStored", fields: [{name: "version", type: "integer"}]}
io_operations:
  - type: "db"
    operations: ["db.transaction"]
    request:
      statements:
        - {sql: "INSERT INTO o VALUES ($1) RETURNING version", parameters: ["${{ input.id }}"]}
        - {sql: "INSERT INTO log VALUES ($1)", parameters: ["${{ input.id }}"]}
    expect: {results: [{rows: "one"}, {row_count: 1}]}
    response: {version: "${{ result.results[0].rows[0].version }}"}
"""
FIND: Final = """\
node_version: "1.0.0"
name: "find"
node_type: "EFFECT"
input_model: {name: "ModelAsked", fields: [{name: "sql", type: "string"}]}
output_model:
  name: "ModelFound"
  fields: [{name: "rows", type: "list[any]"}, {name: "row_count", type: "integer"}]
io_operations: [{type: "db", operations: ["db.query"]}]
"""
FETCH: Final = """\
node_version: "1.0.0"
name: "fetch"
node_type: "EFFECT"
input_model: {name: "ModelUrl", fields: [{name: "url", type: "string"}]}
output_model:
  name: "ModelFetched"
  fields: [{name: "status_code", type: "integer"}, {name: "headers", type: "object"}, {name: "body", type: "any"},
    {name: "body_type", type: "string"}]
io_operations: [{type: "http", operations: ["http.get"]}]
"""

A_PAYMENT: Final = """\
  - name: "pays"
    node: "pay"
    payload: {id: "a/b", amount: "19.90"}
    calls:
      - operation: "http.post"
        sent:
          url: "/orders/a%2Fb/payments"
          headers: {X-Request: "00000000-0000-4000-8000-000000000001"}
          body: {amount: "19.90", at: "2026-01-01T00:00:00Z"}
        answer: {status_code: 201, body: {id: "p-1"}}
    response: {payload: {payment: "p-1"}}
"""


@pytest.fixture
def contract(tmp_path: Path) -> str:
    (tmp_path / "tests").mkdir()
    return contract_in(tmp_path, RUNTIME, pay=PAY, store=STORE, find=FIND, fetch=FETCH)


def ran(contract: str, *tests: str, arguments: tuple[str, ...] = ()) -> Result:
    """Writes the tests into the folder of tests and runs them."""
    (Path(contract).parent / "tests/t.yaml").write_text("tests:\n" + "".join(tests))
    return CliRunner().invoke(onex_host, ["test", contract, *arguments])


def one(contract: str, node: str, payload: str, calls: str, response: str, more: str = "") -> Result:
    given = f"  - name: n\n    node: {node}\n    payload: {payload}\n{more}"
    return ran(contract, f"{given}    calls: {calls}\n    response: {response}\n")


def wrong(result: Result) -> list[str]:
    """What is wrong with the only test, line by line, places left out."""
    assert result.exit_code == 3, result.output
    _, _, told = result.stdout.partition(" n\n")[2].partition(" n\n")
    return [line.strip().partition(" (")[0] for line in told.partition("\n\n")[0].splitlines()]


def passes(result: Result) -> bool:
    assert result.exit_code in (0, 3), result.output
    return result.exit_code == 0


class TestATestThatPasses:
    def test_is_one_line_and_exit_code_0(self, contract: str) -> None:
        ended = ran(contract, A_PAYMENT)
        assert ended.exit_code == 0, ended.output
        head, line, _, last = ended.stdout.splitlines()
        assert head.endswith("tests/t.yaml")
        assert line == "  ok   pay: pays"
        assert last == "1 test in 1 file: 1 passed"

    def test_needs_no_secret_and_no_server(self, contract: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ONEX_SECRETS_DIR", "")
        assert ran(contract, A_PAYMENT).exit_code == 0


class TestWhatAHandlerWasSent:
    def test_differs_by_path_with_the_place_of_the_expectation(self, contract: str) -> None:
        ended = ran(contract, A_PAYMENT.replace('body: {amount: "19.90"', 'body: {amount: "19.91"'))
        assert ended.exit_code == 3
        place = f"{Path(contract).parent}/tests/t.yaml:10:26"
        assert "Handler 'http' was sent another http.post than the test expects" in ended.stdout
        assert f"sent.body.amount ({place})" in ended.stdout or f"body.amount ({place})" in ended.stdout
        assert 'expected: "19.91"' in ended.stdout
        assert 'got:      "19.90"' in ended.stdout

    def test_whole_has_no_more_than_is_expected(self, contract: str) -> None:
        ended = one(contract, "find", "{sql: SELECT 1}", "[{sent: {}, answer: {}}]", "{payload_includes: {}}")
        assert wrong(ended)[1:] == ["sql", "expected: nothing", 'got:      "SELECT 1"']

    def test_as_a_part_may_have_more(self, contract: str) -> None:
        assert passes(
            one(contract, "find", "{sql: SELECT 1}", "[{sent_includes: {}, answer: {}}]", "{payload_includes: {}}")
        )

    def test_that_nobody_expected_is_shown_as_the_entry_that_is_missing(self, contract: str) -> None:
        said = wrong(one(contract, "find", "{sql: SELECT 1}", "[]", "{payload_includes: {}}"))
        assert said[0].startswith("Handler 'db' was sent db.query, where the test expects no call. If the node is")
        assert said[1:4] == ['- handler: "db"', 'operation: "db.query"', 'sent: {sql: "SELECT 1"}']
        assert len(said) == 5, "of a response that nobody answered nothing is said"

    def test_that_never_came_is_told_after_why(self, contract: str) -> None:
        said = wrong(one(contract, "find", "{}", "[{answer: {}}]", "{payload_includes: {}}"))
        assert said[0] == "The node failed, where the test expects a success; it gave:"
        assert said[-2] == "Handler 'db' was never sent db.query; remove the call, or see why"


class TestAnAnswer:
    """Is read by the handler's own code, so that none can be claimed that a server could not cause."""

    def test_of_a_server_error_is_the_failure_that_it_is(self, contract: str) -> None:
        answer, response = (
            "[{answer: {status_code: 503}}]",
            "{error: {code: HANDLER_EXECUTION_ERROR, retryable: true}}",
        )
        assert passes(one(contract, "fetch", "{url: /x}", answer, response))

    def test_of_another_status_than_the_node_expects_is_refused(self, contract: str) -> None:
        answer = "[{answer: {status_code: 409}}]"
        response = "{error: {code: UNEXPECTED_RESULT, message: 201 was expected, details: {status_code: 409}}}"
        assert passes(one(contract, "pay", "{id: a, amount: 1}", answer, response))

    def test_of_other_rows_than_the_node_expects_rolls_back(self, contract: str) -> None:
        answer = "[{answer: {results: [{rows: []}, {row_count: 1}]}}]"
        response = (
            "{error: {code: UNEXPECTED_RESULT, message: 'statements[0]: rows one was expected', "
            "details: {statement: 0}}}"
        )
        assert passes(one(contract, "store", "{id: 1}", answer, response))

    def test_ends_where_an_expectation_is_missed(self, contract: str) -> None:
        answer = "[{answer: {results: [{rows: [{version: 1}]}, {row_count: 2}]}}]"
        response = "{error: {code: UNEXPECTED_RESULT, details: {statement: 1, row_count: 2}}}"
        assert passes(one(contract, "store", "{id: 1}", answer, response))

    def test_of_fewer_results_than_statements_cannot_be(self, contract: str) -> None:
        said = wrong(
            one(
                contract,
                "store",
                "{id: 1}",
                "[{answer: {results: [{rows: [{version: 1}]}]}}]",
                "{payload_includes: {}}",
            )
        )
        assert said[0] == (
            "Handler 'db' would never answer this: the transaction has 2 statements, and there are 1 results; "
            "write one for each"
        )

    def test_of_more_rows_than_the_handler_takes_is_a_failure(self, contract: str) -> None:
        answer = "[{answer: {rows: [{a: 1}, {a: 2}, {a: 3}]}}]"
        response = "{error: {code: UNEXPECTED_RESULT, details: {max_rows: 2}}}"
        assert passes(one(contract, "find", "{sql: SELECT 1}", answer, response))

    def test_gets_the_content_type_by_which_the_handler_reads_it(self, contract: str) -> None:
        answer = "[{answer: {body_type: text, body: 'a: b'}}]"
        response = (
            "{payload: {status_code: 200, body: 'a: b', body_type: text, "
            "headers: {content-type: text/plain; charset=utf-8}}}"
        )
        assert passes(one(contract, "fetch", "{url: /x}", answer, response))

    def test_of_bytes_comes_back_as_bytes(self, contract: str) -> None:
        answer = "[{answer: {body_type: bytes, body: {base64: AAE=}}}]"
        assert passes(one(contract, "fetch", "{url: /x}", answer, "{payload_includes: {body: {base64: AAE=}}}"))

    def test_that_the_handler_reads_otherwise_cannot_be(self, contract: str) -> None:
        answer = "[{answer: {headers: {content-type: text/html}, body: {a: 1}}}]"
        said = wrong(one(contract, "fetch", "{url: /x}", answer, "{payload_includes: {}}"))
        assert said == [
            "Handler 'http' would never answer this: it reads such a reply otherwise",
            "body",
            "expected: {a: 1}",
            r'got:      "{\"a\": 1}"',
        ]

    def test_is_not_given_to_a_request_that_the_handler_refuses(self, contract: str) -> None:
        response = "{error: {code: HANDLER_EXECUTION_ERROR, message: may not call http://other.example}}"
        assert passes(one(contract, "fetch", "{url: 'http://other.example/'}", "[{answer: {}}]", response))

    def test_is_not_given_to_sql_that_no_transaction_may_hold(self, contract: str) -> None:
        response = "{error: {code: INVALID_PARAMETER, message: sql may not be COMMIT}}"
        assert passes(one(contract, "find", "{sql: COMMIT}", "[{answer: {}}]", response))


class TestAFailure:
    def test_reaches_the_response_as_the_handlers_own(self, contract: str) -> None:
        calls = "[{fails: {code: HANDLER_CONNECTION_ERROR, message: no route, details: {a: 1}}}]"
        response = "{error: {code: HANDLER_CONNECTION_ERROR, retryable: true, message: no route, details: {a: 1}}}"
        assert passes(one(contract, "store", "{id: 1}", calls, response))

    def test_of_another_kind_is_shown_whole(self, contract: str) -> None:
        calls, response = "[{fails: {code: HANDLER_TIMEOUT}}]", "{error: {code: POOL_EXHAUSTED}}"
        said = wrong(one(contract, "store", "{id: 1}", calls, response))
        assert said[0] == "Another failure came than the test expects; this one:"
        assert 'code: "HANDLER_TIMEOUT"' in said
        assert said[-3:] == ["code", 'expected: "POOL_EXHAUSTED"', 'got:      "HANDLER_TIMEOUT"']


class TestAResponse:
    def test_that_is_a_success_where_a_failure_is_expected(self, contract: str) -> None:
        said = wrong(one(contract, "find", "{sql: SELECT 1}", "[{answer: {}}]", "{error: {code: POOL_EXHAUSTED}}"))
        assert said[0] == "The node succeeded, where the test expects POOL_EXHAUSTED; it gave:"
        assert said[1:3] == ["rows: []", "row_count: 0"]

    def test_of_a_request_that_is_too_late(self, contract: str) -> None:
        more = '    now: "2026-01-01T00:00:06Z"\n    envelope: {ttl_seconds: 5}\n'
        assert passes(one(contract, "store", "{id: 1}", "[]", "{error: {code: ENVELOPE_EXPIRED}}", more))

    def test_to_nobodys_node(self, contract: str) -> None:
        assert passes(one(contract, "nobody", "{}", "[]", "{error: {code: NODE_NOT_FOUND}}"))


def test_a_compute_function_is_that_of_the_host(tmp_path: Path) -> None:
    contract = contract_in(tmp_path, calculator=COMPUTE)
    (tmp_path / "tests").mkdir()
    host = ("--host", "tests.infra.cli.apphost:CalculatorHost")
    text = "  - {name: n, node: calculator, payload: {number: 21}, response: {payload_includes: {double: 42}}}\n"
    assert passes(ran(contract, text, arguments=host))
    without = ran(contract, text)
    assert without.exit_code == 1
    assert "--host package.module:Class" in without.stderr


def test_the_trace_of_a_function_is_shown_where_its_test_fails(tmp_path: Path) -> None:
    contract = contract_in(tmp_path, calculator=COMPUTE)
    (tmp_path / "tests").mkdir()
    test = "  - {name: n, node: calculator, payload: {number: 13}, response: {error: {code: CODE}}}\n"
    host = ("--host", "tests.infra.cli.apphost:CalculatorHost", "--log-format", "text")
    passing = ran(contract, test.replace("CODE", "HANDLER_EXECUTION_ERROR"), arguments=host)
    assert (passing.exit_code, passing.stderr) == (0, "")
    failing = ran(contract, test.replace("CODE", "HANDLER_TIMEOUT"), arguments=host)
    assert failing.exit_code == 3
    assert "ValueError: unlucky" in failing.stderr


class TestWhichTestsRun:
    def test_those_of_all_files_in_their_order(self, contract: str) -> None:
        folder = Path(contract).parent / "tests"
        (folder / "z.yaml").write_text(f"tests:\n{A_PAYMENT}")
        (folder / "deep").mkdir()
        (folder / "deep/d.yml").write_text(f"tests:\n{A_PAYMENT}")
        ended = ran(contract, A_PAYMENT)
        heads = [Path(line).name for line in ended.stdout.splitlines() if line.endswith(("yaml", "yml"))]
        assert heads == ["t.yaml", "z.yaml", "d.yml"]
        assert ended.stdout.splitlines()[-1] == "3 tests in 3 files: 3 passed"

    def test_those_of_named_files_only(self, contract: str, tmp_path: Path) -> None:
        named = tmp_path / "elsewhere.yaml"
        named.write_text(f"tests:\n{A_PAYMENT}")
        ended = ran(contract, "  - {}\n", arguments=(str(named),))
        assert ended.exit_code == 0, ended.output

    @pytest.mark.parametrize(("word", "code"), [("PAY", 0), ("pays", 0), ("nothing", 2)])
    def test_those_whose_node_or_name_holds_a_text(self, contract: str, word: str, code: int) -> None:
        ended = ran(contract, A_PAYMENT, arguments=("-k", word))
        assert ended.exit_code == code
        assert code == 0 or "Tests are: 'pays'" in ended.stderr

    def test_none_is_an_error_that_says_where_they_were_looked_for(self, contract: str) -> None:
        ended = CliRunner().invoke(onex_host, ["test", contract])
        assert ended.exit_code == 1
        assert f"No tests found; looked for *.yaml and *.yml in: {Path(contract).parent}/tests\n" in ended.stderr

    def test_a_file_that_is_not_there_is_an_error_with_the_nearest(self, contract: str) -> None:
        ended = ran(contract, A_PAYMENT, arguments=(str(Path(contract).parent / "tests/tt.yaml"),))
        assert ended.exit_code == 1
        assert "Did you mean 't.yaml'?" in ended.stderr

    def test_none_runs_where_any_file_is_wrong(self, contract: str) -> None:
        (Path(contract).parent / "tests/z.yaml").write_text("testss: []\n")
        ended = ran(contract, A_PAYMENT)
        assert (ended.exit_code, ended.stdout) == (1, "")
        assert "Did you mean 'tests'?" in ended.stderr


class TestReports:
    def test_as_json(self, contract: str) -> None:
        ended = ran(
            contract,
            A_PAYMENT,
            A_PAYMENT.replace("pays", "two").replace("p-1}", "p-2}"),
            arguments=("--format", "json"),
        )
        assert ended.exit_code == 0
        first, second = json.loads(ended.stdout)
        assert (first["node"], first["name"], first["passed"], first["line"], first["wrong"]) == (
            "pay",
            "pays",
            True,
            2,
            [],
        )
        assert second["line"] == 13

    def test_as_json_with_what_is_wrong(self, contract: str) -> None:
        failing = A_PAYMENT.replace('payment: "p-1"', 'payment: "p-2"')
        (test,) = json.loads(ran(contract, failing, arguments=("--format", "json")).stdout)
        (found,) = test["wrong"]
        assert found["message"] == "The response is not what the test expects"
        (differs,) = found["differences"]
        assert (differs["path"], differs["expected"], differs["got"]) == ("payment", "p-2", "p-1")
        assert differs["at"].endswith("tests/t.yaml:12:35")

    def test_as_junit_xml(self, contract: str, tmp_path: Path) -> None:
        failing = A_PAYMENT.replace('payment: "p-1"', 'payment: "\\e"').replace("pays", "two")
        report = tmp_path / "report.xml"
        assert ran(contract, A_PAYMENT, failing, arguments=("--junit", str(report))).exit_code == 3
        root = ElementTree.parse(report).getroot()  # noqa: S314 - our own report
        assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "1")
        passed, failed = root.iter("testcase")
        assert (passed.get("classname"), passed.get("name"), passed.get("line")) == ("pay", "pays", "2")
        assert passed.find("failure") is None
        failure = failed.find("failure")
        assert failure is not None
        assert failure.get("message") == "The response is not what the test expects"
        assert "expected: " in (failure.text or "")

    def test_that_cannot_be_written_is_said_after_the_outcome(self, contract: str) -> None:
        ended = ran(contract, A_PAYMENT, arguments=("--junit", "/proc/none/report.xml"))
        assert ended.exit_code == 1
        assert "1 passed" in ended.stdout
        assert "/proc/none/report.xml" in ended.stderr

    def test_have_colour_where_it_is_wanted(self, contract: str) -> None:
        assert "\x1b[" not in ran(contract, A_PAYMENT).stdout
        assert "\x1b[" in ran(contract, A_PAYMENT, arguments=("--color",)).stdout


class TestValidate:
    def test_checks_tests_against_the_contract_beside(self, contract: str) -> None:
        ran(contract, A_PAYMENT.replace('"pay"', '"payy"'))
        folder = Path(contract).parent
        for path in (str(folder), str(folder / "tests/t.yaml")):
            (problem,) = validate_paths([path], {}).problems
            assert problem.message == "No node 'payy'"

    def test_counts_them(self, contract: str) -> None:
        ran(contract, A_PAYMENT)
        assert len(validate_paths([str(Path(contract).parent)], {}).files) == 6

    def test_warns_of_tests_without_a_contract(self, tmp_path: Path) -> None:
        lone = tmp_path / "lone.yaml"
        lone.write_text(f"tests:\n{A_PAYMENT}")
        (problem,) = validate_paths([str(lone)], {}).problems
        assert problem.severity == "warning"
        assert problem.message.startswith("No runtime contract is found for these tests")
