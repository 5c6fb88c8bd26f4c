"""`ONEX_HANDLER_<NAME>_<FIELD>`: environment variables that override fields of handlers."""

import pytest
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHttpConfig
from omnibase_core.contracts.load import LoadedContract

from tests.core.contracts.contracts_on_hand import load, messages, runtime_text

HTTP = '{type: "http", env_overrides: true, timeout_ms: 900, config: {max_redirects: 1}}'


def loaded(handlers: str = HTTP, **environment: str) -> LoadedContract:
    files = {"http.yaml": "max_redirects: 3\nmax_connections: 7\n"}
    return load(runtime_text(handlers=f"[{handlers}]"), files, environment=environment)


def binding(handlers: str = HTTP, **environment: str) -> ModelHandlerBinding:
    return loaded(handlers, **environment).require().handlers[0]


def http(handlers: str = HTTP, **environment: str) -> ModelHttpConfig:
    config = binding(handlers, **environment).config
    assert isinstance(config, ModelHttpConfig)
    return config


def refused(handlers: str = HTTP, **environment: str) -> list[str]:
    found = loaded(handlers, **environment)
    assert found.runtime is None
    return messages(found)


def test_a_policy_is_overridden_and_what_is_inside_another_keeps_its_neighbours() -> None:
    handlers = HTTP.replace("timeout_ms: 900", "retry_policy: {max_retries: 1}")
    bound = binding(handlers, ONEX_HANDLER_HTTP_TIMEOUT_MS="70", ONEX_HANDLER_HTTP_RETRY_POLICY_BASE_DELAY_MS="5")
    assert (bound.timeout_ms, bound.retry_policy.base_delay_ms, bound.retry_policy.max_retries) == (70, 5, 1)


def test_a_field_of_config_is_overridden_without_its_name() -> None:
    assert http(ONEX_HANDLER_HTTP_MAX_REDIRECTS="2").max_redirects == 2
    assert (
        http('{type: "http", env_overrides: true}', ONEX_HANDLER_HTTP_IDEMPOTENCY_KEY="false").idempotency_key
        is False
    )


def test_an_override_wins_over_config_which_wins_over_config_ref() -> None:
    handlers = HTTP.replace("config:", 'config_ref: "http.yaml", config:')
    assert http(handlers).max_redirects == 1
    config = http(handlers, ONEX_HANDLER_HTTP_MAX_REDIRECTS="2")
    assert (config.max_redirects, config.max_connections) == (2, 7)
    assert http(handlers, ONEX_HANDLER_HTTP_MAX_CONNECTIONS="8").max_connections == 8


def test_a_list_is_written_with_commas() -> None:
    assert http(ONEX_HANDLER_HTTP_ALLOW="https://a.example, https://b.example").allow == (
        "https://a.example",
        "https://b.example",
    )


def test_a_name_is_written_in_upper_case_and_the_longest_one_with_such_a_field_is_meant() -> None:
    handlers = (
        '{type: "http"}, {type: "db", env_overrides: true}, {type: "db", name: "db-pool", env_overrides: true}'
    )
    one = loaded(handlers, ONEX_HANDLER_DB_POOL_SIZE="3", ONEX_HANDLER_DB_POOL_POOL_SIZE="4").require()
    sizes = [each.config.pool_size for each in one.handlers if isinstance(each.config, ModelDbConfig)]
    assert sizes == [3, 4]


def test_without_leave_nothing_is_overridden_and_a_warning_says_so() -> None:
    found = loaded('{type: "http"}', ONEX_HANDLER_HTTP_TIMEOUT_MS="70")
    assert found.require().handlers[0].timeout_ms == 30_000
    (problem,) = found.problems
    assert problem.severity == "warning"
    assert "ONEX_HANDLER_HTTP_TIMEOUT_MS is set, and this handler takes no overrides" in problem.message


def test_an_empty_variable_overrides_nothing() -> None:
    assert binding(ONEX_HANDLER_HTTP_TIMEOUT_MS="").timeout_ms == 900


def test_leave_may_come_from_a_variable() -> None:
    handlers = HTTP.replace("env_overrides: true", 'env_overrides: "${ALLOW}"')
    assert binding(handlers, ALLOW="true", ONEX_HANDLER_HTTP_TIMEOUT_MS="70").timeout_ms == 70
    assert binding(handlers, ALLOW="false", ONEX_HANDLER_HTTP_TIMEOUT_MS="70").timeout_ms == 900


def test_a_misspelt_field_ends_the_start_and_says_what_was_meant() -> None:
    (problem,) = loaded(ONEX_HANDLER_HTTP_TIMOUT_MS="70").problems
    assert (problem.severity, problem.line) == ("error", 5)
    assert "ONEX_HANDLER_HTTP_TIMOUT_MS names no field of this handler" in problem.message
    assert (problem.hint or "").startswith("Did you mean 'ONEX_HANDLER_HTTP_TIMEOUT_MS'?")


def test_in_a_lenient_run_a_misspelt_field_is_a_warning() -> None:
    environment = {"ONEX_HANDLER_HTTP_TIMOUT_MS": "70"}
    assert load(runtime_text(handlers=f"[{HTTP}]"), environment=environment, lenient=True).runtime is not None


def test_a_misspelt_handler_is_a_warning_for_it_may_be_another_hosts() -> None:
    (problem,) = loaded(ONEX_HANDLER_HTPP_TIMEOUT_MS="70").problems
    assert problem.severity == "warning"
    assert (problem.hint or "").startswith("Did you mean 'ONEX_HANDLER_HTTP_TIMEOUT_MS'?")
    assert loaded('{type: "http"}', ONEX_HANDLER_HTPP_TIMEOUT_MS="70").problems == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TIMEOUT_MS", "soon"),
        ("TIMEOUT_MS", "-77"),
        ("MAX_REDIRECTS", "99"),
        ("ON_OPEN", "wait"),
        ("ALLOW", "https://a.example,ftp:x"),
        ("BASE_URL", "no url"),
    ],
)
def test_a_wrong_value_is_refused_like_a_written_one_and_its_variable_is_named(name: str, text: str) -> None:
    (problem,) = loaded(**{f"ONEX_HANDLER_HTTP_{name}": text}).problems
    assert problem.severity == "error"
    assert (problem.hint or "").endswith(f"Its text comes from ${{ONEX_HANDLER_HTTP_{name}}}")
    assert text not in problem.message + (problem.hint or "")


@pytest.mark.parametrize(
    ("handlers", "name", "text"),
    [
        ('{type: "http"}, {type: "db", env_overrides: true}', "DB_DSN", "postgresql://hunter2@h/d"),
        (HTTP, "HTTP_HEADERS", "hunter2"),
        (HTTP, "HTTP_BASE_URL", "https://u:hunter2@example.com"),
        (HTTP, "HTTP_BASE_URL", "hunter2\udcff"),
    ],
)
def test_neither_a_secret_nor_a_map_is_overridden_and_no_value_is_shown(
    handlers: str, name: str, text: str
) -> None:
    (message,) = refused(handlers, **{f"ONEX_HANDLER_{name}": text})
    assert message.startswith(f"Environment variable ONEX_HANDLER_{name} overrides runtime.handlers")
    assert "hunter2" not in message


def test_a_contract_that_is_wrong_elsewhere_is_told_with_its_overrides() -> None:
    said = refused('{type: "http", env_overrides: true, config: 3}', ONEX_HANDLER_HTTP_MAX_REDIRECTS="2")
    assert any("config must be a mapping" in message for message in said)
