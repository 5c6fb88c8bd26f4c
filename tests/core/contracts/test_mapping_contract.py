"""What is refused in the mappings of a node contract when it is loaded, and where the message points."""

import pytest
from omnibase_core.contracts.load import load_node
from omnibase_core.contracts.operations import OPERATIONS
from omnibase_core.problems import ModelProblem

from tests.core.contracts.contracts_on_hand import load, messages, reader_of, runtime_text
from tests.core.nodes import contract_text

GIVEN = "[{name: id, type: string}, {name: n, type: integer}, {name: items, type: 'list[ModelItem]'}]"
ITEM = "[{name: ModelItem, fields: [{name: sku, type: string}, {name: price, type: decimal}]}]"
MADE = "[{name: name, type: string}, {name: total, type: decimal, required: false}]"


def problems(body: str, made: str = MADE, kind: str = "EFFECT") -> tuple[ModelProblem, ...]:
    """The problems of a node contract with this body."""
    text = contract_text(kind, GIVEN, made, body, ITEM)
    return load_node("node.yaml", reader_of({"node.yaml": text})).problems


def message(body: str, made: str = MADE, kind: str = "EFFECT") -> str:
    """The first problem's message."""
    found = problems(body, made, kind)
    return found[0].message if found else ""


def http(request: str, more: str = "response: {name: x}", operation: str = "http.post") -> str:
    """An http operation with this request."""
    return f"io_operations:\n  - {{type: http, operations: [{operation}], request: {request}, {more}}}\n"


def db(request: str, more: str = "response: {name: x}", operation: str = "db.query") -> str:
    """A db operation with this request."""
    return f"io_operations:\n  - {{type: db, operations: [{operation}], request: {request}, {more}}}\n"


@pytest.mark.parametrize(
    "request_",
    [
        "{url: /a}",
        "{url: '/a/${{ input.id }}'}",
        "{url: '/a/${{ input.id }}-${{ input.n }}.json'}",
        "{url: 'https://api.example.com/${{ input.id }}/b'}",
        "{url: /a, params: '${{ {q: input.id} }}', headers: {}, body: '${{ input }}'}",
        "{url: /a, body_text: '${{ input.id }}', content_type: text/csv}",
    ],
)
def test_a_request_that_is_fine(request_: str) -> None:
    assert problems(http(request_)) == ()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("{url: '${{ input.id }}'}", "A url starts with a literal '/' or scheme and host"),
        ("{url: 'https://${{ input.id }}/x'}", "A url starts with a literal '/' or scheme and host"),
        ("{url: 'https://a.example.com${{ input.id }}/x'}", "A url starts with a literal '/' or scheme and host"),
        ("{url: '${{ input.id }}://a.example.com/x'}", "A url starts with a literal '/' or scheme and host"),
        ("{url: '//${{ input.id }}/x'}", "A url starts with a literal '/' or scheme and host"),
        ("{url: 'ftp://a.example.com/${{ input.id }}'}", "A url starts with a literal '/' or scheme and host"),
        ("{url: '/a?q=${{ input.id }}'}", "A url has no query and no fragment here"),
        ("{url: '/a/${{ input.id }}#x'}", "A url has no query and no fragment here"),
        ("{url: '/a?q=1'}", "A url has no query and no fragment here"),
        ("{url: '/a/${{ input.items }}'}", "a list cannot stand inside a text"),
        ("{url: [a]}", "'url' must be a text"),
        ("{url: /a, headers: {X-Id: '${{ input.id }}'}}", ""),
        (
            "{url: /a, headers: {'X Id': x}}",
            "Header 'X Id' is no header name: letters, digits and !#$%&'*+-.^_`|~ only",
        ),
        (
            "{url: /a, headers: {Cookie: '${{ input.id }}'}}",
            "Header 'Cookie' is the handler's: credentials stand in its config",
        ),
        ("{url: /a, headers: {Host: x}}", "Header 'Host' is set by the host alone"),
        (
            "{url: /a, headers: {X-Note: é}}",
            "Header 'X-Note' has a value with a line break, a blank at an end, or a character outside ASCII",
        ),
        ("{url: 'ftp://a.example.com/x'}", "This url has another scheme than http and https"),
        ("{url: '/a b'}", "This url has a space, a backslash or an invisible character: percent-encode it"),
        (
            "{url: '/a/../${{ input.id }}'}",
            "This url has a '.' or '..' segment, which would lead to another path than the one that is checked",
        ),
        (
            "{url: 'https://me@a.example.com/${{ input.id }}'}",
            "This url has a user or password in it: credentials belong to the handler's headers",
        ),
        ("{uri: /a}", "The request lacks 'url'"),
        ("{url: /a, bdy: 1}", "'bdy' is no field of http.post"),
        ("{url: /a, body: 1, body_text: x}", "body and body_text stand together"),
        ("{url: /a, headers: '${{ input.items }}'}", "'headers' must be an object, not a list"),
        (
            "{url: /a, headers: {A: '${{ input.n }}', B: null}, params: {c: '${{ input.items[*].sku }}', d: [1]}}",
            "",
        ),
        ("{url: /a, headers: {A: [x]}}", "'A' must be a text, and a list is none"),
        ("{url: /a, headers: {A: '${{ input.items }}'}}", "'A' must be a text, and a list is none"),
        ("{url: /a, headers: '${{ {A: input} }}'}", "'A' must be a text, and an object is none"),
        ("{url: /a, params: {a: {b: c}}}", "'a' must be a text, and an object is none"),
        ("{url: /a, params: {a: '${{ input.items }}'}}", "'a' must be a text, and an object is none"),
        ("{url: /a, params: {a: [[x]]}}", "'a' must be a text, and a list is none"),
        ("{url: /a, params: {a: [x, {b: c}]}}", "'a' must be a text, and an object is none"),
        ("{url: /a, headers: {X-A: b, x-a: c}}", "Header 'x-a' stands twice, in different case"),
        ("{url: /a, body_base64: AAE=, content_type: image/png}", ""),
        ("{url: /a, body_base64: '${{ input.id }}', content_type: '${{ input.id }}'}", ""),
        ("{url: /a, body_base64: A/}", "'body_base64' is no base64 of RFC 4648, section 4"),
        (
            "{url: /a, body_text: x, content_type: plain}",
            "'content_type' is no media type such as application/json",
        ),
        ("{url: /a, body: '${{ omit() }}'}", ""),
        ("{url: /a, body: ['${{ omit() }}']}", "omit() has no key here that it could drop"),
        ("{url: /a, body: '${{ result.body }}'}", "Unknown name 'result'"),
        ("{url: /a, body: 'x ${{ omit() }}'}", "omit() has no key here that it could drop"),
    ],
)
def test_the_request_of_an_http_operation(request_: str, said: str) -> None:
    assert message(http(request_)) == said


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("{sql: 'SELECT $1', parameters: ['${{ input.id }}']}", ""),
        ("{sql: 'SELECT $1, $1', parameters: [1]}", ""),
        ("{sql: SELECT 1}", ""),
        ("{sql: \"SELECT '$2', $1 -- $3\", parameters: [1]}", ""),
        ("{sql: 'SELECT $$ $2 $$, \"$3\", /* $4 /* $5 */ */ $1', parameters: [1]}", ""),
        ("{sql: 'SELECT $tag$ $2 $tag$, $1', parameters: [1]}", ""),
        ("{sql: 'SELECT a$2, $1', parameters: [1]}", ""),
        ("{sql: 'SELECT ${{ input.id }}'}", "SQL text takes no expression"),
        ("{sql: 'SELECT 1', parameters: ['${{ input.id }}']}", "The SQL takes 0 parameters, 1 are given"),
        ("{sql: 'SELECT $1'}", "The SQL takes 1 parameters, 0 are given"),
        ("{sql: 'SELECT $2', parameters: [1]}", "The SQL takes 2 parameters, 1 are given"),
        ("{sql: 'SELECT $2', parameters: [1, 2]}", "The SQL does not use $1"),
        ("{sql: 'SELECT $1', parameters: '${{ [input.id] }}'}", "'parameters' must be written as a list"),
        ("{sql: 5}", "'sql' must be a text"),
        ("{sql: 'SELECT 1', expect: {rows: one}}", "'expect' stands beside 'request', not in it"),
        ("{query: 'SELECT 1'}", "The request lacks 'sql'"),
    ],
)
def test_the_request_of_a_query(request_: str, said: str) -> None:
    assert message(db(request_)) == said


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("{statements: [{sql: SELECT 1}, {sql: 'SELECT $1', parameters: [1]}], isolation: serializable}", ""),
        ("{statements: [{sql: 'SELECT ${{ input.id }}'}]}", "SQL text takes no expression"),
        ("{statements: '${{ input.items }}'}", "'statements' must be a list of statements"),
        ("{statements: []}", "'statements' must be a list of statements"),
        ("{statements: [{sql: 'SELECT $1'}]}", "The SQL takes 1 parameters, 0 are given"),
        ("{statements: [{sql: SELECT 1, params: []}]}", "'params' is no field of db.transaction"),
        ("{statements: [{sql: SELECT 1}], isolation: serialisable}", "Unknown isolation 'serialisable'"),
        ("{statements: [{parameters: []}]}", "The request lacks 'sql'"),
        ("{statements: [{sql: SELECT 1}], isolation: '${{ input.id }}'}", "'isolation' takes no expression"),
    ],
)
def test_the_request_of_a_transaction(request_: str, said: str) -> None:
    assert message(db(request_, operation="db.transaction")) == said


VAULT_AND_CONSUL = [
    ("vault.get_secret", "{path: 'orders/${{ input.id }}', version: '${{ input.n }}'}", ""),
    ("vault.get_secret", "{path: 5}", "'path' must be a text, not a number"),
    ("vault.get_secret", "{path: a, version: latest}", "'version' must be a number, not a text"),
    ("vault.list_secrets", "{path: a, version: 1}", "'version' is no field of vault.list_secrets"),
    ("vault.set_secret", "{path: a, data: {token: '${{ input.id }}'}, cas: 0}", ""),
    ("vault.set_secret", "{path: a}", "The request lacks 'data'"),
    ("vault.set_secret", "{path: a, data: [x]}", "'data' must be an object, not a list"),
    ("vault.set_secret", "{path: a, data: {}, cas: x}", "'cas' must be a number, not a text"),
    ("vault.delete_secret", "{path: a, versions: [1, '${{ input.n }}']}", ""),
    ("vault.delete_secret", "{path: a, versions: 1}", "'versions' must be a list, not a number"),
    (
        "consul.register_service",
        "{name: a, service_id: b, address: c, port: 80, tags: [d], meta: {e: f}, check: {ttl: 5s}}",
        "",
    ),
    ("consul.register_service", "{service_id: b}", "The request lacks 'name'"),
    ("consul.register_service", "{name: a, port: http}", "'port' must be a number, not a text"),
    ("consul.register_service", "{name: a, tags: b}", "'tags' must be a list, not a text"),
    ("consul.register_service", "{name: a, check: b}", "'check' must be an object, not a text"),
    ("consul.deregister_service", "{service_id: b, name: a}", "'name' is no field of consul.deregister_service"),
    ("consul.get_service", "{name: a, passing_only: true, tag: '${{ input.id }}'}", ""),
    ("consul.get_service", "{name: a, passing_only: yes}", "'passing_only' must be a boolean, not a text"),
    ("consul.health_check_service", "{}", "The request lacks 'name'"),
    ("consul.list_services", "{}", ""),
    ("consul.list_services", "{name: a}", "'name' is no field of consul.list_services"),
]


@pytest.mark.parametrize(("operation", "request_", "said"), VAULT_AND_CONSUL)
def test_the_request_of_a_vault_or_consul_operation(operation: str, request_: str, said: str) -> None:
    entry = f"type: {operation.partition('.')[0]}, operations: [{operation}], request: {request_}"
    assert message(f"io_operations:\n  - {{{entry}, response: {{name: x}}}}\n") == said


@pytest.mark.parametrize("operation", [name for name, row in OPERATIONS.items() if row.result])
def test_a_result_has_the_fields_of_its_operation_and_no_others(operation: str) -> None:
    entry = f"type: {operation.partition('.')[0]}, operations: [{operation}]"
    for field in (*OPERATIONS[operation].result, "rest"):
        body = f"io_operations:\n  - {{{entry}, response: {{name: '${{{{ type(result.{field}) }}}}'}}}}\n"
        assert message(body) == ("result has no field 'rest'" if field == "rest" else "")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *((f"envelope.{name}", "") for name in ("envelope_id", "correlation_id", "causation_id")),
        *((f"envelope.{name}", "") for name in ("source_node", "timestamp", "metadata.any.thing")),
        ("envelope.payload", "envelope has no field 'payload'"),
        ("result", "Unknown name 'result'"),
        ("secret.token", "Unknown name 'secret'"),
        ("config.base_url", "Unknown name 'config'"),
    ],
)
def test_a_request_sees_the_input_the_envelope_and_let(name: str, said: str) -> None:
    assert message(http(f"{{url: /a, body: '${{{{ {name} }}}}'}}")) == said


def test_let_comes_before_the_result() -> None:
    assert message(http("{url: /a}", "let: {a: '${{ result.body }}'}")) == "Unknown name 'result'"


MISSING = [
    "input.items[*].pric",
    "input.items[].pric",
    "input.items[:2].pric",
    "input.items[-1].pric",
    "input.items[?pric > `1`]",
    "input.items[*].{a: pric}",
    "input.items[*].[pric]",
    "(input.items | [0]).pric",
    "{a: input.items}.a[0].pric",
    "sort_by(input.items, &pric)",
    "sort_by(input.items, &price)[0].pric",
    "map(&pric, input.items)",
    "min_by(input.items, &price).pric",
    "max_by(input.items, &pric)",
    "reverse(input.items)[0].pric",
    "to_array(input.items[0])[0].pric",
    "not_null(input.items)[0].pric",
    "coalesce(input.items, input.items)[0].pric",
    "if(`true`, input.items, input.items)[0].pric",
    "values({a: input.items[0]})[0].pric",
    "root().input.items[0].pric",
    "let.first.pric",
]


@pytest.mark.parametrize("expression", MISSING)
def test_a_field_that_no_model_has_is_found_wherever_an_expression_leads(expression: str) -> None:
    more = "let: {first: '${{ input.items[0] }}'}, response: {name: x}"
    assert message(http(f"{{url: /a, body: '${{{{ {expression} }}}}'}}", more)) == "ModelItem has no field 'pric'"


def test_beyond_any_and_object_nothing_is_known() -> None:
    fields = "[{name: a, type: any}, {name: o, type: object}, {name: l, type: 'list[any]'}]"
    body = "transform: {x: '${{ [input.a.b.c, input.a[0].d, input.o.e.f, input.l[*].g, map(&h, input.l)] }}'}\n"
    text = contract_text("COMPUTE", fields, "[{name: x, type: any}]", body)
    assert load_node("node.yaml", reader_of({"node.yaml": text})).problems == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (http("{url: /a}", "expect: {status: [200, 404]}, response: {name: x}"), ""),
        (http("{url: /a}", "expect: {status: []}"), "'status' must be a list of status codes"),
        (http("{url: /a}", "expect: {status: 200}"), "'status' must be a list of status codes"),
        (http("{url: /a}", "expect: {status: [99]}"), "This is no status code"),
        (http("{url: /a}", "expect: {status: ['200']}"), "This is no status code"),
        *(
            (http("{url: /a}", f"expect: {{status: [{s}]}}"), f"{s} cannot be expected: it is a failure")
            for s in (408, 429, 500, 599)
        ),
        (http("{url: /a}", "expect: {statuses: [200]}"), "'status' must be a list of status codes"),
        (db("{sql: SELECT 1}", "expect: {rows: one, row_count: 1}, response: {name: x}"), ""),
        (db("{sql: SELECT 1}", "expect: {rows: two}"), "'rows' must be one, optional or many"),
        (db("{sql: SELECT 1}", "expect: {row_count: -1}"), "'row_count' must be an integer from 0"),
        (db("{sql: SELECT 1}", "expect: {row_count: true}"), "'row_count' must be an integer from 0"),
        (db("{sql: SELECT 1}", "expect: {status: [200]}"), "'status' cannot be expected"),
        (
            db("{statements: [{sql: SELECT 1}]}", "expect: {results: [null, null]}", "db.transaction"),
            "'results' must list 1, one for each statement",
        ),
        (
            db("{statements: [{sql: SELECT 1}]}", "expect: {results: [{rows: none}]}", "db.transaction"),
            "'rows' must be one, optional or many",
        ),
        (
            "io_operations:\n  - {type: http, operations: [http.get], expect: {status: [200]}}\n",
            "'expect' without a 'request'",
        ),
    ],
)
def test_what_can_be_expected(body: str, said: str) -> None:
    assert said in [problem.message for problem in problems(body)] or (said == "" and problems(body) == ())


def test_expect_of_an_operation_of_which_nothing_can_be_expected() -> None:
    body = (
        "io_operations:\n  - {type: vault, operations: [vault.get_secret], request: {path: a}, "
        "expect: {rows: one}, response: {name: x}}\n"
    )
    assert message(body) == "Nothing can be expected of vault.get_secret"


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ("{name: '${{ result.body.name }}'}", ""),
        ("{name: '${{ input.id }}', total: '${{ sum(input.items[*].price) }}'}", ""),
        ("'${{ result.body }}'", ""),
        ("'${{ {name: input.id} }}'", ""),
        ("{nam: x, name: y}", "'nam' is no field of ModelOut"),
        ("{total: '1'}", "ModelOut requires 'name', which is not given"),
        ("{name: '${{ input.n }}'}", "This must be of type string, not a number"),
        ("{name: 5}", "This must be of type string, not a number"),
        ("{name: null}", "'name' is null, but required"),
        ("{name: x, total: much}", 'This must be a decimal such as "19.90"'),
        ("{name: x, total: null}", ""),
        ("text", "This must be an object (ModelOut), not a text"),
        ("'${{ input.items }}'", "This must be an object (ModelOut), not a list"),
        ("'${{ {nam: input.id} }}'", "'nam' is no field of ModelOut"),
        ("{name: '${{ result.bdy }}'}", "result has no field 'bdy'"),
        ("{name: '${{ result.rows[0].a }}'}", "result has no field 'rows'"),
        ("null", "This must be an object, not null"),
    ],
)
def test_what_a_response_must_be(response: str, said: str) -> None:
    assert message(http("{url: /a}", f"response: {response}")) == said


def test_the_faults_of_a_mapping_point_into_its_text() -> None:
    body = """
    io_operations:
      - type: http
        operations: [http.get]
        request:
          url: "/a/${{ input.idd }}"
          params:
            a: 'it''s ${{ input.idd }}'
            b: >-
              folded over
              lines ${{ input.idd }}
            c: |
              kept

                  ${{ input.idd }}
            d: ${{ input.
              idd }}
            e: "caf\\u00e9 \\
              ${{ input.idd }}"
            f: &anchor "${{ input.idd }}"
        response: {name: x}
    """
    text = contract_text("EFFECT", GIVEN, MADE, body, ITEM)
    lines = text.split("\n")
    found = load_node("node.yaml", reader_of({"node.yaml": text})).problems
    assert len(found) == 7
    for problem in found:
        assert problem.message == "ModelIn has no field 'idd'"
        assert lines[(problem.line or 0) - 1][(problem.column or 0) - 1 :].startswith("idd"), problem.where


def test_all_faults_of_a_contract_are_told_in_one_run_with_those_outside_of_the_mapping() -> None:
    body = (
        http("{url: '/a/${{ input.idd }}', params: {q: '${{ nam }}'}}", "response: {nam: x}") + "nodeversion: 1\n"
    )
    said = {problem.message for problem in problems(body)}
    assert {
        "ModelIn has no field 'idd'",
        "Unknown name 'nam'",
        "'nam' is no field of ModelOut",
        "Unknown field 'nodeversion' in the file",
    } <= said


def test_a_hint_says_what_was_probably_meant() -> None:
    (problem,) = problems(http("{url: '/a/${{ input.items[0].skuu }}'}"))
    assert (problem.hint or "").startswith("Did you mean 'sku'?")


@pytest.mark.parametrize(
    "line",
    [
        "name: ${{ input.id == 'a: b' }}",
        "name: ${{ concat(input.id, ' #1') }}",
        "{name: ${{ input.id }}}",
        "[${{ input.id }}]",
        "name: ${{ {a: {b: input.id}} }}",
    ],
)
def test_a_missing_quote_is_named(line: str) -> None:
    found = problems(f"transform:\n  {line}\n", kind="COMPUTE")
    assert any("Quote it" in (problem.hint or "") for problem in found), found


def test_a_key_with_an_expression_is_literal_and_warned_of() -> None:
    body = http("{url: /a, body: {'${{ input.id }}': 1}}")
    (problem,) = problems(body)
    assert (problem.severity, problem.message) == (
        "warning",
        "Keys are literal: the expression in this one is not evaluated",
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (http("{url: /a, headers: {Authorization: 'Bearer abc'}}"), True),
        (http("{url: /a, body: {password: hunter2}}"), True),
        (http("{url: /a, body: {password: '${{ input.id }}'}}"), False),
        (db("{sql: 'UPDATE users SET password = $1', parameters: ['${{ input.id }}']}"), False),
    ],
)
def test_a_literal_secret_in_a_mapping_is_refused(body: str, *, said: bool) -> None:
    assert any("Literal secret" in problem.message for problem in problems(body)) == said


@pytest.mark.parametrize(
    ("handler", "url", "said"),
    [
        ('{type: "http"}', "/a", ["This url is a path, and handler 'http' has no base_url"]),
        ('{type: "http", config: {allow: ["https://api.example.com"]}}', "https://api.example.com/a", []),
        ('{type: "http", config: {base_url: "https://api.example.com"}}', "/a", []),
        ('{type: "http", config: {base_url: "${API:-https://api.example.com}"}}', "/a", []),
    ],
)
def test_a_path_needs_a_base_url(handler: str, url: str, said: list[str]) -> None:
    node = contract_text("EFFECT", "[]", "[]", http(f"{{url: '{url}'}}", "response: {}"))
    node = node.replace("name: node", "name: fetch_user")
    loaded = load(runtime_text(handlers=f"[{handler}]"), {"nodes/fetch_user.yaml": node})
    assert messages(loaded) == said


ALLOWED = 'base_url: "https://api.example.com/v1", allow: ["https://b.example.com:8443"], headers: {X-Shop: b}'
REFUSED = "Handler 'http' may not call https://c.example.com"


@pytest.mark.parametrize(
    ("config", "request_", "said"),
    [
        (f"config: {{{ALLOWED}}}", "{url: 'https://API.example.com:443/${{ input.id }}'}", []),
        (f"config: {{{ALLOWED}}}", "{url: 'https://b.example.com:8443/a', headers: {X-Note: c}}", []),
        (f"config: {{{ALLOWED}}}", "{url: 'https://c.example.com/a'}", [REFUSED]),
        (f"config: {{{ALLOWED}}}", "{url: 'https://b.example.com/a'}", [REFUSED.replace("c.", "b.")]),
        ("config: {}", "{url: 'https://c.example.com/${{ input.id }}'}", [REFUSED]),
        ('config: {base_url: "https://${HOST}.example.com"}', "{url: 'https://c.example.com/a'}", []),
        ('config_ref: "http.yaml"', "{url: 'https://c.example.com/a'}", []),
        (
            f"config: {{{ALLOWED}}}",
            "{url: /a, headers: {x-shop: c}}",
            ["Header 'x-shop' is set by the config of handler 'http'"],
        ),
    ],
)
def test_a_request_is_one_that_its_handler_sends(config: str, request_: str, said: list[str]) -> None:
    node = contract_text("EFFECT", GIVEN, "[]", http(request_, "response: {}"), ITEM).replace(
        "name: node", "name: fetch_user"
    )
    files = {"nodes/fetch_user.yaml": node, "http.yaml": 'allow: ["https://c.example.com"]'}
    loaded = load(runtime_text(handlers=f"[{{type: http, {config}}}]"), files, no_environment=True)
    assert [problem.message for problem in loaded.problems if problem.severity == "error"] == said


def test_let_sees_what_stands_before_it_only() -> None:
    body = """
    let:
      a: ${{ let.b }}
      b: ${{ let.a }}
    transform: {name: x}
    """
    assert message(body, kind="COMPUTE") == "let has no field 'b'"


def test_a_request_belongs_to_one_operation() -> None:
    body = "io_operations:\n  - {type: http, operations: [http.get, http.head], request: {url: /a}}\n"
    assert message(body) == "A 'request' belongs to exactly one operation"


@pytest.mark.parametrize("field", ["let: {a: 1}", "transform: {name: x}"])
def test_a_transform_is_of_a_compute_node(field: str) -> None:
    assert message(http("{url: /a}") + field + "\n") == "'let' and 'transform' at the top are a COMPUTE node's"


@pytest.mark.parametrize("field", ["request", "let", "expect"])
def test_a_mapping_field_that_is_no_mapping(field: str) -> None:
    body = f"io_operations:\n  - {{type: http, operations: [http.get], {field}: 5}}\n"
    assert any(f"io_operations[0].{field} must be a mapping" in problem.message for problem in problems(body))


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ("{lines: '${{ input.items }}'}", ""),
        ("{lines: '${{ result.body.lines }}', by: '${{ result.headers }}'}", ""),
        ("{lines: '${{ input.items[*].{sku: sku} }}'}", "ModelItem requires 'price', which is not given"),
        ("{lines: '${{ input.id }}'}", "This must be a list, not a text"),
        ("{lines: [], by: {a: 5}}", "This must be of type string, not a number"),
        ("{lines: [], by: '${{ input.n }}'}", "This must be an object, not a number"),
    ],
)
def test_what_lists_and_maps_of_a_response_must_hold(response: str, said: str) -> None:
    made = "[{name: lines, type: 'list[ModelItem]'}, {name: by, type: 'map[string]', required: false}]"
    assert message(http("{url: /a}", f"response: {response}"), made) == said
