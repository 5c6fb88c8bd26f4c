"""Two contracts compared: what is compatible and what breaks, for whom, and where it stands."""

from collections.abc import Mapping

import pytest
from omnibase_core.contracts.changes import ModelContractChange
from omnibase_core.contracts.compare import compare, read_side
from omnibase_core.errors import ContractValidationError

from tests.core.contracts.contracts_on_hand import NODE, reader_of, runtime_text

EFFECT = """\
node_version: "1.0.0"
name: "fetch_user"
node_type: "EFFECT"
description: "Fetches a user"
models:
  - name: "ModelItem"
    fields: [{name: "price", type: "decimal"}]
input_model:
  name: "ModelRequest"
  fields:
    - {name: "url", type: "string"}
    - {name: "count", type: "integer", required: false, default: 1}
    - {name: "items", type: "list[ModelItem]"}
output_model:
  name: "ModelResponse"
  fields:
    - {name: "body", type: "any"}
    - {name: "age", type: "integer"}
io_operations:
  - {type: "http", operations: ["http.get", "http.head"], target: "https://api.example.com/users"}
dependencies: []
"""


def nodes(old: str, new: str) -> tuple[ModelContractChange, ...]:
    read = reader_of({"old.yaml": old, "new.yaml": new})
    return compare(read_side("old.yaml", read), read_side("new.yaml", read))


def runtimes(old: str, new: str, node: str = NODE) -> tuple[ModelContractChange, ...]:
    files = {f"{side}/nodes/fetch_user.yaml": node for side in ("old", "new")}
    files.update({f"{side}/nodes/other.yaml": node.replace("fetch_user", "other") for side in ("old", "new")})
    read = reader_of({**files, "old/runtime.yaml": old, "new/runtime.yaml": new})
    return compare(read_side("old/runtime.yaml", read), read_side("new/runtime.yaml", read))


def verdicts(changes: tuple[ModelContractChange, ...]) -> set[tuple[str, str, str, str]]:
    return {(change.subject, change.change, change.verdict, change.affects) for change in changes}


AGE = '    - {name: "age", type: "integer"}\n'
URL = '    - {name: "url", type: "string"}\n'
COUNT = '    - {name: "count", type: "integer", required: false, default: 1}\n'


@pytest.mark.parametrize(
    ("old", "new", "subject", "change", "verdict"),
    [
        (URL, URL + '    - {name: "q", type: "string", required: false}\n', "input.q", "added", "compatible"),
        (URL, URL + '    - {name: "q", type: "string"}\n', "input.q", "added", "breaking"),
        (COUNT, "", "input.count", "removed", "breaking"),
        (COUNT, COUNT.replace("integer", "number"), "input.count", "changed", "compatible"),
        (COUNT, COUNT.replace("integer", "any"), "input.count", "changed", "compatible"),
        (COUNT, COUNT.replace("integer", "decimal"), "input.count", "changed", "compatible"),
        (COUNT.replace("integer", "number"), COUNT, "input.count", "changed", "breaking"),
        (
            COUNT,
            COUNT.replace("integer", "list[integer]").replace("1", "[]"),
            "input.count",
            "changed",
            "breaking",
        ),
        (COUNT, '    - {name: "count", type: "integer"}\n', "input.count", "changed", "breaking"),
        ('    - {name: "count", type: "integer"}\n', COUNT, "input.count", "changed", "compatible"),
        (COUNT, COUNT.replace("default: 1", "default: 2"), "input.count", "changed", "breaking"),
        ('"decimal"', '"string"', "input.items[].price", "changed", "breaking"),
        ('"decimal"}', '"decimal", required: false}', "input.items[].price", "changed", "compatible"),
        ('"list[ModelItem]"', '"list[object]"', "input.items", "changed", "compatible"),
        ('"list[ModelItem]"', '"list[any]"', "input.items", "changed", "compatible"),
        ('"list[ModelItem]"', '"ModelItem"', "input.items", "changed", "breaking"),
        (AGE, "", "output.age", "removed", "breaking"),
        (AGE, AGE + '    - {name: "city", type: "string"}\n', "output.city", "added", "compatible"),
        (AGE, AGE.replace("integer", "number"), "output.age", "changed", "breaking"),
        (AGE.replace("integer", "number"), AGE, "output.age", "changed", "compatible"),
        (AGE, AGE.replace("integer", "decimal"), "output.age", "changed", "breaking"),
        (AGE, AGE.replace('"}', '", required: false}'), "output.age", "changed", "breaking"),
        (', "http.head"', "", "operation http.head", "removed", "breaking"),
        (', "http.head"', ', "http.head", "http.put"', "operation http.put", "added", "compatible"),
        ('"EFFECT"', '"EFFECT"\non_failure: dead_letter', "on_failure", "changed", "compatible"),
        ('"EFFECT"\non_failure: dead_letter', '"EFFECT"', "on_failure", "changed", "breaking"),
        ('"fetch_user"', '"load_user"', "name", "changed", "breaking"),
        ('version: "1.0.0"', 'version: "1.1.0"', "node_version", "changed", "compatible"),
        ("dependencies: []", 'dependencies: ["other"]', "dependency other", "added", "compatible"),
    ],
)
def test_a_change_of_a_node_contract(old: str, new: str, subject: str, change: str, verdict: str) -> None:
    before = EFFECT if old in EFFECT else EFFECT.replace(new, old)
    changes = nodes(before, before.replace(old, new))
    assert {(found.subject, found.change, found.verdict) for found in changes} == {(subject, change, verdict)}


def test_an_output_that_was_any_text_may_become_a_decimal_which_is_written_as_text() -> None:
    text = EFFECT.replace(AGE, AGE.replace("integer", "string"))
    assert {change.verdict for change in nodes(text, EFFECT.replace(AGE, AGE.replace("integer", "decimal")))} == {
        "compatible"
    }


def test_a_second_operation_breaks_those_who_named_none() -> None:
    one = EFFECT.replace(', "http.head"', "")
    assert verdicts(nodes(one, EFFECT)) == {("operation http.head", "added", "breaking", "callers")}


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        ("https://api.example.com", "compatible"),
        ("https://api.example.com/users/active", "breaking"),
        ("https://other.example.com/users", "breaking"),
    ],
)
def test_a_narrower_target_breaks_callers(target: str, verdict: str) -> None:
    changes = nodes(EFFECT, EFFECT.replace("https://api.example.com/users", target))
    assert verdicts(changes) == {
        (f"operation {name} target", "changed", verdict, "callers") for name in ("http.get", "http.head")
    }


def test_a_target_that_comes_breaks_and_one_that_goes_does_not() -> None:
    without = EFFECT.replace(', target: "https://api.example.com/users"', "")
    assert {change.verdict for change in nodes(without, EFFECT)} == {"breaking"}
    assert {change.verdict for change in nodes(EFFECT, without)} == {"compatible"}


def test_a_node_that_becomes_compute_loses_its_operations() -> None:
    compute = EFFECT.partition("io_operations")[0].replace("EFFECT", "COMPUTE")
    assert verdicts(nodes(EFFECT, compute)) == {
        ("node_type", "changed", "breaking", "callers"),
        ("operation http.get", "removed", "breaking", "callers"),
        ("operation http.head", "removed", "breaking", "callers"),
    }


MAPPED = """\
node_version: "1.0.0"
name: "fetch_user"
node_type: "EFFECT"
input_model: {name: "ModelAsk", fields: [{name: "id", type: "string"}]}
output_model: {name: "ModelAnswer", fields: [{name: "status", type: "integer"}]}
io_operations:
  - type: "http"
    operations: ["http.get"]
    target: "https://api.example.com/users"
    let: {key: "${{ input.id }}"}
    request: {url: "https://api.example.com/users/${{ let.key }}"}
    expect: {status: [200, 404]}
    response: {status: "${{ result.status_code }}"}
"""


@pytest.mark.parametrize(
    ("old", "new", "subject", "change", "verdict", "affects"),
    [
        ("users/$", "people/$", "request.url", "changed", "compatible", "responders"),
        ("}\n    expect", ", params: {a: 1}}\n    expect", "request.params", "added", "compatible", "responders"),
        ('key: "$', 'key: "x$', "let.key", "changed", "compatible", "responders"),
        ("[200, 404]", "[200]", "expect.status", "changed", "breaking", "callers"),
        ("[200, 404]", "[200, 404, 410]", "expect.status", "changed", "compatible", "callers"),
        ("    expect: {status: [200, 404]}\n", "", "expect", "changed", "breaking", "callers"),
        (
            'status: "${{ result.status_code }}"',
            "status: 200",
            "response.status",
            "changed",
            "compatible",
            "callers",
        ),
        ('com/users"', 'com"', "target", "changed", "compatible", "operators"),
    ],
)
def test_a_mapping_is_compared_key_by_key(
    old: str, new: str, subject: str, change: str, verdict: str, affects: str
) -> None:
    assert old in MAPPED
    assert verdicts(nodes(MAPPED, MAPPED.replace(old, new))) == {
        (f"operation http.get {subject}", change, verdict, affects)
    }


def test_what_a_database_statement_expects_may_become_more_but_not_less() -> None:
    def rows(expect: str) -> str:
        statement = f'sql: "select 1", expect: {{rows: {expect}}}'
        text = MAPPED.replace("http.get", "db.query").replace('"http"', '"db"').partition("    let:")[0]
        return (
            text
            + f"    request: {{{statement.partition(', expect')[0]}}}\n    expect: {{rows: {expect}}}\n"
            + ("    response: {status: 1}\n")
        )

    assert {change.verdict for change in nodes(rows("one"), rows("optional"))} == {"compatible"}
    assert {change.verdict for change in nodes(rows("many"), rows("optional"))} == {"breaking"}


def test_a_transform_is_compared_key_by_key() -> None:
    compute = MAPPED.partition("io_operations")[0].replace("EFFECT", "COMPUTE")
    one, two = (f'{compute}transform: {{status: "${{{{ `{number}` }}}}"}}\n' for number in (1, 2))
    assert verdicts(nodes(one, two)) == {("transform.status", "changed", "compatible", "callers")}


def test_descriptions_are_no_change() -> None:
    assert nodes(EFFECT, EFFECT.replace("Fetches a user", "Gets a user")) == ()


def test_a_renamed_model_is_the_same_on_the_wire() -> None:
    changes = nodes(EFFECT, EFFECT.replace("ModelItem", "ModelPart").replace("ModelRequest", "ModelAsk"))
    assert {change.verdict for change in changes} == {"compatible"}


def test_both_places_are_named() -> None:
    (change,) = nodes(EFFECT, EFFECT.replace("\nname:", "\n\nname:").replace(COUNT, COUNT.replace("1}", "2}")))
    assert str(change.old) == "old.yaml:12:7"
    assert str(change.new) == "new.yaml:13:7"
    (added,) = nodes(EFFECT, EFFECT.replace(AGE, AGE + '    - {name: "city", type: "string"}\n'))
    assert added.old is None
    assert str(added.new) == "new.yaml:19:7"


KAFKA = """{kind: "kafka", config: {bootstrap_servers: "${KAFKA}", consumer_group: "orders", topics: \
{input: "onex.acme.o.cmd.v1", output: "onex.acme.o.evt.v1", dead_letter: "onex.acme.o.error.v1"}}}"""
HTTP = '{type: "http", config: {base_url: "https://a.example.com", allow: ["https://b.example.com"]}}'


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "o.cmd.v1",
            "o.cmd.v2",
            {
                ("topic input", "changed", "breaking", "callers"),
                ("topic input", "changed", "breaking", "operators"),
            },
        ),
        (
            "o.evt.v1",
            "o.evt.v2",
            {
                ("topic output", "changed", "breaking", "callers"),
                ("topic output", "changed", "breaking", "operators"),
            },
        ),
        (
            ', dead_letter: "onex.acme.o.error.v1"',
            "",
            {("topic dead_letter", "removed", "breaking", "operators")},
        ),
        (
            "}}}\n",
            "}, max_envelope_bytes: 65536}}\n",
            {("event_bus max_envelope_bytes", "changed", "breaking", "callers")},
        ),
        (
            "}}}\n",
            "}, max_envelope_bytes: 2097152, max_inflight_envelopes: 5}}\n",
            {
                ("event_bus max_envelope_bytes", "changed", "compatible", "callers"),
                ("event_bus max_inflight_envelopes", "changed", "compatible", "operators"),
            },
        ),
        ("}}}\n", "}, ordering: none}}\n", {("event_bus ordering", "changed", "breaking", "callers")}),
        ("}}}\n", "}, ordering: partition}}\n", {("event_bus ordering", "changed", "compatible", "callers")}),
        ('"orders", topics', '"o2", topics', {("event_bus consumer_group", "changed", "breaking", "operators")}),
        (
            "${KAFKA}",
            "${BROKERS}",
            {
                ("event_bus bootstrap_servers", "changed", "breaking", "operators"),
                ("variable BROKERS", "added", "breaking", "operators"),
                ("variable KAFKA", "removed", "compatible", "operators"),
            },
        ),
        ("a.example.com", "c.example.com", {("handler http base_url", "changed", "breaking", "responders")}),
        ('["https://b.example.com"]', "[]", {("handler http allow", "changed", "breaking", "callers")}),
        (
            '["https://b.example.com"]',
            '["https://b.example.com", "https://d.example.com"]',
            {("handler http allow", "changed", "compatible", "callers")},
        ),
        (
            "config: {base_url",
            "timeout_ms: 100, retry_policy: {max_retries: 0}, config: {base_url",
            {
                ("handler http timeout_ms", "changed", "compatible", "operators"),
                ("handler http retry_policy.max_retries", "changed", "compatible", "operators"),
            },
        ),
        (
            "config: {base_url",
            'config: {headers: {Authorization: {secret_ref: "a/b"}}, base_url',
            {
                ("handler http headers.Authorization", "added", "compatible", "responders"),
                ("secret a/b", "added", "breaking", "operators"),
            },
        ),
        (
            "config: {base_url",
            "config: {idempotency_key: false, max_response_bytes: 9, base_url",
            {
                ("handler http idempotency_key", "changed", "breaking", "responders"),
                ("handler http max_response_bytes", "changed", "breaking", "callers"),
            },
        ),
        (
            '}}]\n  nodes: [{slug: "fetch_user"}]',
            '}}, {type: "db"}]\n  nodes: [{slug: "fetch_user", max_inflight: 3}, {slug: "other"}]',
            {},
        ),
    ],
)
def test_a_change_of_a_runtime_contract(old: str, new: str, expected: set[tuple[str, str, str, str]]) -> None:
    text = runtime_text(handlers=f"[{HTTP}]", event_bus=KAFKA)
    assert old in text
    assert verdicts(runtimes(text, text.replace(old, new, 1))) == (
        expected
        or {
            ("handler db", "added", "compatible", "operators"),
            ("node fetch_user max_inflight", "changed", "compatible", "operators"),
            ("node other", "added", "compatible", "callers"),
        }
    )


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ("idempotency: none", ("handler db idempotency", "changed", "breaking", "operators")),
        ("idempotency: inbox, inbox_table: s.t", ("handler db inbox_table", "changed", "breaking", "operators")),
        (
            "idempotency: inbox, inbox_retention_hours: 24",
            ("handler db inbox_retention_hours", "changed", "breaking", "responders"),
        ),
    ],
)
def test_a_change_of_what_makes_requests_take_effect_once(change: str, verdict: tuple[str, str, str, str]) -> None:
    text = runtime_text(handlers=f"[{HTTP}, {{type: db, config: {{idempotency: inbox}}}}]")
    assert verdicts(runtimes(text, text.replace("idempotency: inbox", change))) == {verdict}


def test_a_node_that_a_host_loses_breaks_its_callers() -> None:
    text = runtime_text(handlers=f"[{HTTP}]")
    assert verdicts(runtimes(text.replace('"fetch_user"}', '"fetch_user"}, {slug: "other"}'), text)) == {
        ("node other", "removed", "breaking", "callers")
    }


def test_handlers_are_found_by_name_wherever_they_stand() -> None:
    two = f'[{HTTP}, {{type: "http", name: "second", priority: -1}}]'
    turned = f'[{{type: "http", name: "second", priority: -1}}, {HTTP.replace("a.example", "z.example")}]'
    (change,) = runtimes(runtime_text(handlers=two), runtime_text(handlers=turned))
    assert change.subject == "handler http base_url"
    assert change.old is not None
    assert change.new is not None
    assert change.old.column < change.new.column


def test_a_value_of_a_config_ref_file_is_found_there() -> None:
    text = runtime_text(handlers='[{type: "http", config_ref: "http.yaml", config: {max_redirects: 1}}]')
    files: Mapping[str, str] = {
        "old/runtime.yaml": text,
        "new/runtime.yaml": text.replace("max_redirects: 1", "max_redirects: 2"),
        "old/http.yaml": 'ca_file: "a.pem"\nmax_connections: 3\n',
        "new/http.yaml": "\nmax_connections: 4\n",
        "old/nodes/fetch_user.yaml": NODE,
        "new/nodes/fetch_user.yaml": NODE,
    }
    read = reader_of(files)
    changes = compare(read_side("old/runtime.yaml", read), read_side("new/runtime.yaml", read))
    assert [(change.subject, str(change.old), str(change.new)) for change in changes] == [
        ("handler http ca_file", "old/http.yaml:1:10", "new/runtime.yaml:5:62"),
        ("handler http max_connections", "old/http.yaml:2:18", "new/http.yaml:2:18"),
        ("handler http max_redirects", "old/runtime.yaml:5:78", "new/runtime.yaml:5:78"),
    ]


def test_mappings_inside_a_field_are_compared_key_by_key() -> None:
    def kafka(security: str) -> str:
        return runtime_text(
            handlers=f"[{HTTP}]", event_bus=KAFKA.replace('"orders", ', f'"orders", security: {security}, ')
        )

    sasl = "mechanism: PLAIN, username: u, password: {secret_ref: u/a}"
    old = kafka(f"{{protocol: SASL_SSL, ssl: {{ca_file: a.pem}}, sasl: {{{sasl}}}}}")
    new = kafka(f"{{protocol: SASL_PLAINTEXT, sasl: {{{sasl.replace('u/a', 'u/b')}}}}}")
    assert verdicts(runtimes(old, new)) == {
        ("event_bus security.ssl.ca_file", "removed", "compatible", "operators"),
        ("event_bus security.protocol", "changed", "compatible", "operators"),
        ("event_bus security.sasl.password", "changed", "compatible", "operators"),
        ("secret u/a", "removed", "compatible", "operators"),
        ("secret u/b", "added", "breaking", "operators"),
    }


def test_a_changed_node_contract_is_named_by_its_slug() -> None:
    text = runtime_text(handlers=f"[{HTTP}]")
    files: Mapping[str, str] = {
        "old/runtime.yaml": text,
        "new/runtime.yaml": text,
        "old/nodes/fetch_user.yaml": EFFECT,
        "new/nodes/fetch_user.yaml": EFFECT.replace(AGE, ""),
    }
    read = reader_of(files)
    (change,) = compare(read_side("old/runtime.yaml", read), read_side("new/runtime.yaml", read))
    assert (change.node, change.subject) == ("fetch_user", "output.age")
    assert str(change.old) == "old/nodes/fetch_user.yaml:18:7"


def test_a_runtime_contract_is_not_compared_with_a_node_contract() -> None:
    read = reader_of({"r.yaml": runtime_text(), "nodes/fetch_user.yaml": NODE})
    with pytest.raises(ContractValidationError, match="two node contracts"):
        compare(read_side("r.yaml", read), read_side("nodes/fetch_user.yaml", read))


@pytest.mark.parametrize("text", ["", "a: [", "just: notes", 'runtime: {name: "x"}', "node_type: EFFECT"])
def test_what_is_no_sound_contract_is_refused_with_its_problems(text: str) -> None:
    with pytest.raises(ContractValidationError, match=r"x\.yaml"):
        read_side("x.yaml", reader_of({"x.yaml": text}))


def test_a_file_that_is_missing_is_said_to_be_so() -> None:
    with pytest.raises(ContractValidationError, match="not found"):
        read_side("x.yaml", reader_of({}))


VAULT = '{type: "vault", config: {address: "https://v.example.com", allow: [a, b/c]}}'


@pytest.mark.parametrize(
    ("old", "new", "subject", "verdict"),
    [
        ("[a, b/c]", "[]", "handler vault allow", "compatible"),
        ("[a, b/c]", "[a, b]", "handler vault allow", "compatible"),
        ("[a, b/c]", "[a, b/c/d]", "handler vault allow", "breaking"),
        (", allow: [a, b/c]", ", allow: []", "handler vault allow", "compatible"),
        ("allow: [a, b/c]", "allow: [a, b/c], mount: other", "handler vault mount", "breaking"),
        ("v.example.com", "w.example.com", "handler vault address", "breaking"),
    ],
)
def test_what_changes_of_a_vault_handler(old: str, new: str, subject: str, verdict: str) -> None:
    before = runtime_text(handlers=f"[{HTTP}, {VAULT}]")
    read = reader_of({"old.yaml": before, "new.yaml": before.replace(old, new), "nodes/fetch_user.yaml": NODE})
    changes = compare(read_side("old.yaml", read), read_side("new.yaml", read))
    assert [(each.subject, each.verdict) for each in changes] == [(subject, verdict)]


def test_a_change_of_the_registration_is_the_operators() -> None:
    consul = '{type: "consul", config: {address: "http://c.example.com"}}'
    before = runtime_text(handlers=f"[{HTTP}, {consul}]", more="  registration: {port: 1}\n")
    read = reader_of(
        {"old.yaml": before, "new.yaml": before.replace("port: 1", "port: 2"), "nodes/fetch_user.yaml": NODE}
    )
    (change,) = compare(read_side("old.yaml", read), read_side("new.yaml", read))
    assert (change.subject, change.verdict, change.affects) == ("registration port", "compatible", "operators")
    assert str(change.new).startswith("new.yaml:")


def test_a_vault_handler_that_allowed_everything_and_no_longer_does_is_breaking() -> None:
    vault = '{type: "vault", config: {address: "https://v.example.com"}}'
    before = runtime_text(handlers=f"[{HTTP}, {vault}]")
    after = before.replace('v.example.com"', 'v.example.com", allow: [a]')
    read = reader_of({"old.yaml": before, "new.yaml": after, "nodes/fetch_user.yaml": NODE})
    (change,) = compare(read_side("old.yaml", read), read_side("new.yaml", read))
    assert (change.subject, change.verdict) == ("handler vault allow", "breaking")
