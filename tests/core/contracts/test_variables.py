"""`${VARIABLE}` in runtime contracts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.contracts.expand import expand
from omnibase_core.contracts.handler_config import ModelHttpConfig

from tests.core.contracts.contracts_on_hand import NODE, load, messages, runtime_text

ENVIRONMENT = {"HOST": "example.com", "EMPTY": "", "NESTED": "${HOST}", "BYTES": "\udcff"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${HOST}", "example.com"),
        ("https://${HOST}/${HOST}", "https://example.com/example.com"),
        ("${NONE:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${NONE:-}", ""),
        ("${NESTED}", "${HOST}"),
        ("${NONE:-${HOST}", "${HOST"),
        ("$${HOST}", "${HOST}"),
        ("$HOST, $$, $", "$HOST, $$, $"),
    ],
)
def test_a_variable_is_replaced_by_its_value_or_default(text: str, expanded: str) -> None:
    expansion = expand(text, ENVIRONMENT)
    assert expansion.text == expanded
    assert not expansion.unset
    assert not expansion.faults


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A B}", "${A:=b}", "${{ input.id }}"])
def test_a_malformed_variable_is_a_fault(text: str) -> None:
    assert expand(text, ENVIRONMENT).faults


def test_a_value_that_is_no_text_is_a_fault_that_does_not_show_it() -> None:
    assert expand("${BYTES}", ENVIRONMENT).faults == ("Variable BYTES holds bytes that are not UTF-8",)


def test_every_unset_variable_is_named_once() -> None:
    assert expand("${A}${B}${A}", {}).unset == ("A", "B")


@given(st.text())
def test_a_value_is_never_expanded_again(value: str) -> None:
    assert expand("<${A}>", {"A": value}).text == f"<{value}>"


def http_config(config: str, **environment: str) -> ModelHttpConfig:
    handlers = f'[{{type: "http", config: {config}}}]'
    bound = load(runtime_text(handlers=handlers), environment=environment).require().handlers[0].config
    assert isinstance(bound, ModelHttpConfig)
    return bound


def test_an_expanded_text_takes_the_type_of_its_field() -> None:
    config = '{max_connections: "${N}", idempotency_key: "${B}", base_url: "https://${H}", ca_file: "${N}"}'
    http = http_config(config, N="20", B="false", H="example.com")
    assert http.max_connections == 20
    assert http.idempotency_key is False
    assert http.base_url == "https://example.com"
    assert http.ca_file == "20"


def test_a_value_is_text_and_never_yaml() -> None:
    assert (
        http_config('{base_url: "${U}", ca_file: "${F}"}', U="https://a", F="a: [b] # c").ca_file == "a: [b] # c"
    )
    loaded = load(runtime_text(handlers='"${H}"'), environment={"H": '[{type: "http"}]'})
    assert "runtime.handlers must be a list, not text" in messages(loaded)


def test_every_part_of_a_runtime_contract_takes_variables() -> None:
    bus = '{kind: "${KIND}", config: {ordering: "${ORDER}", topics: {input: "onex.${TENANT}.b.cmd.v1"}}}'
    text = (
        runtime_text(event_bus=bus).replace('"fetch_user"', '"${SLUG:-fetch_user}"').replace('"orders"', "${NAME}")
    )
    names = {"KIND": "inmemory", "ORDER": "none", "TENANT": "acme", "NAME": "orders"}
    contract = load(text, environment=names).require()
    assert (contract.name, contract.event_bus.ordering, contract.nodes[0].slug) == ("orders", "none", "fetch_user")
    assert contract.event_bus.topics.input == "onex.acme.b.cmd.v1"


def test_a_literal_text_does_not_take_another_type() -> None:
    loaded = load(runtime_text(handlers='[{type: "http", config: {max_connections: "20"}}]'))
    assert messages(loaded) == ["runtime.handlers[0].config.max_connections must be an integer, not text"]


def test_a_variable_that_does_not_fit_is_named_and_its_value_is_not_shown() -> None:
    handlers = '[{type: "http", config: {max_connections: "${N}", idempotency_key: "${N}"}, on_open: "${N}"}]'
    loaded = load(runtime_text(handlers=handlers), environment={"N": "hunter2"})
    assert len(loaded.problems) == 3
    assert not any("hunter2" in problem.render() for problem in loaded.problems)


def test_policies_and_names_take_variables_too() -> None:
    handlers = '[{type: "http", timeout_ms: "${T}", rate_limit_per_second: "${R}", enabled: "${E}"}]'
    loaded = load(runtime_text(handlers=handlers), environment={"T": "5", "R": "7", "E": "true"})
    binding = loaded.require().handlers[0]
    assert (binding.timeout_ms, binding.rate_limit_per_second, binding.enabled) == (5, 7.0, True)


def test_a_key_is_not_expanded() -> None:
    assert load(runtime_text(handlers='[{type: "http", "${A}": 1}]'), environment={"A": "name"}).runtime is None


def test_node_contracts_are_not_expanded() -> None:
    node = NODE + 'description: "${HOST}"\n'
    assert load(runtime_text(), {"nodes/fetch_user.yaml": node}).nodes["fetch_user"].description == "${HOST}"


def test_without_an_environment_an_unset_number_is_left_at_its_default() -> None:
    loaded = load(runtime_text(handlers='[{type: "http", timeout_ms: "${T}"}]'), no_environment=True)
    assert [problem.severity for problem in loaded.problems] == ["warning"]
    assert loaded.require().handlers[0].timeout_ms == 30_000


def test_a_secret_ref_takes_no_variable() -> None:
    loaded = load(
        runtime_text(handlers='[{type: "http"}, {type: "db", config: {dsn: {secret_ref: "${DSN}"}}}]'),
        environment={"DSN": "db/dsn"},
    )
    assert messages(loaded) == ["Malformed secret_ref in runtime.handlers[1].config.dsn"]


def test_a_malformed_variable_is_a_problem_of_its_place() -> None:
    loaded = load(runtime_text(handlers='[{type: "http", config: {ca_file: "${"}}]'))
    assert messages(loaded) == ["'${' does not begin a variable in runtime.handlers[0].config.ca_file"]


def test_a_number_that_is_too_large_is_no_integer() -> None:
    loaded = load(runtime_text(handlers='[{type: "http", timeout_ms: "${N}"}]'), environment={"N": "9" * 30})
    assert messages(loaded) == ["runtime.handlers[0].timeout_ms must be an integer"]


@pytest.mark.parametrize(
    "field", ['config_ref: "${X}"', 'config: {allow: ["${X}"]}', 'name: "${X}"', 'type: "${X}"']
)
def test_an_unset_variable_is_the_only_problem_of_its_field(field: str) -> None:
    handlers = f'[{{type: "http"}}, {{type: "http", name: "b", {field}}}]'.replace(
        'type: "http", name: "b", type', "type"
    )
    loaded = load(runtime_text(handlers=handlers.replace('name: "b", name', "name")))
    assert messages(loaded) == ["Environment variable X is not set"]


def test_an_unset_slug_leads_to_no_file() -> None:
    loaded = load(runtime_text().replace('"fetch_user"', '"${X}"'), no_environment=True)
    assert messages(loaded) == ["Environment variable X is not set"]
