"""Wherever only certain names are allowed, a misspelt one is told what was probably meant."""

import pytest

from tests.core.contracts.contracts_on_hand import NODE, load, runtime_text

RUNTIME = runtime_text(
    handlers='[{type: "http", name: "orders_api", on_open: "fail", config: {max_redirects: 1}}, {type: "db",'
    ' retry_policy: {backoff_strategy: "fixed"}, config: {isolation: "serializable", dsn: {secret_ref: "a"}}}]',
    event_bus='{kind: "inmemory", config: {ordering: "key", topics: {dead_letter: null}}}',
)
FETCH = (
    NODE.replace('operations: ["http.get"]', 'operations: ["http.get"], handler: "orders_api"')
    .replace('type: "any"', 'type: "list[ModelItem]"')
    .replace("name: ", "description: x\non_failure: answer\ndependencies: [fetch_user]\nname: ", 1)
    + 'models: [{name: "ModelItem", fields: [{name: "price", type: "decimal", required: true}]}]\n'
)


def hints(runtime: str, node: str) -> list[str]:
    loaded = load(runtime, {"nodes/fetch_user.yaml": node})
    return [problem.hint or "" for problem in loaded.problems]


def test_the_contracts_are_good_before_they_are_misspelt() -> None:
    assert hints(RUNTIME, FETCH) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"inmemory"', '"inmemry"'),
        ('type: "http"', 'type: "htp"'),
        ('"fail"', '"fails"'),
        ('"fixed"', '"fixd"'),
        ('"key"', '"keys"'),
        ('"serializable"', '"serialisable"'),
        ("runtime:", "runtme:"),
        ("version:", "verion:"),
        ("event_bus:", "eventbus:"),
        ("handlers:", "handler:"),
        ("kind:", "kimd:"),
        ("ordering:", "odering:"),
        ("dead_letter:", "deadletter:"),
        ("retry_policy:", "retry:"),
        ("backoff_strategy:", "backoff:"),
        ("max_redirects:", "max_redirect:"),
        ("secret_ref:", "secretref:"),
        ("slug:", "slugg:"),
    ],
)
def test_in_a_runtime_contract(right: str, wrong: str) -> None:
    assert right in RUNTIME
    meant = right.rpartition(" ")[2].strip('":')
    found = hints(RUNTIME.replace(right, wrong, 1), FETCH)
    assert any(hint.startswith(f"Did you mean '{meant}'?") for hint in found), found


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"EFFECT"', '"EFECT"'),
        ("answer", "anwser"),
        ("[fetch_user]", "[fetch_users]"),
        ('"http.get"', '"http.gett"'),
        ('"http.get"', '"get"'),
        ('"orders_api"', '"order_api"'),
        ('type: "http"', 'type: "https"'),
        ('"decimal"', '"decimals"'),
        ('"list[ModelItem]"', '"list[ModelItm]"'),
        ('"list[ModelItem]"', '"lst[ModelItem]"'),
        ("node_version:", "version:"),
        ("node_type:", "nodetype:"),
        ("input_model:", "input:"),
        ("io_operations:", "operations:"),
        ("on_failure:", "on_fail:"),
        ("fields:", "feilds:"),
        ("required:", "requird:"),
        ("handler:", "handlers:"),
        ("dependencies:", "depends:"),
    ],
)
def test_in_a_node_contract(right: str, wrong: str) -> None:
    assert right in FETCH
    meant = right.rpartition(" ")[2].strip('":[]').removeprefix("list[")
    found = hints(RUNTIME, FETCH.replace(right, wrong, 1))
    assert any(hint.startswith(f"Did you mean '{meant}'?") for hint in found), found


@pytest.mark.parametrize(("written", "meant"), [("str", "string"), ("int", "integer"), ("money", "decimal")])
def test_a_type_by_its_name_elsewhere_is_understood(written: str, meant: str) -> None:
    found = hints(RUNTIME, FETCH.replace('"decimal"', f'"{written}"'))
    assert any(hint.startswith(f"Did you mean '{meant}'?") for hint in found), found
    assert not any(hint.count("Did you mean") > 1 for hint in found), found
