"""Literal secrets in contracts are found by name and by form, and are never shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.contracts.literals import is_secret_field, is_secret_header, looks_secret
from omnibase_core.errors import ContractValidationError

from tests.core.contracts.contracts_on_hand import NODE, load, messages, runtime_text


@pytest.mark.parametrize(
    "name",
    ["dsn", "password", "sasl_password", "token", "acl_token", "client_secret", "secret_id", "api_key", "DSN"],
)
def test_a_field_of_this_name_is_secret(name: str) -> None:
    assert is_secret_field(name)


@pytest.mark.parametrize(
    "name",
    ["secret_ref", "token_ttl", "token_path", "idempotency_key", "base_url", "secrets_folder", "passthrough"],
)
def test_a_field_of_this_name_is_not_secret(name: str) -> None:
    assert not is_secret_field(name)


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "x_api_key", "X-Auth-Token", "My-Secret"],
)
def test_a_header_of_this_name_is_secret(name: str) -> None:
    assert is_secret_header(name)


@pytest.mark.parametrize("name", ["Accept", "User-Agent", "X-Tenant", "If-None-Match", "Idempotency-Key"])
def test_a_header_of_this_name_is_not_secret(name: str) -> None:
    assert not is_secret_header(name)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://app:pw@db/orders",
        "HTTPS://a:b@example.com",
        "https://:pw@example.com",
        "https://example.com/?api_key=1",
        "host=db password=pw",
        "Bearer abc",
        "basic YTpi",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_text_of_this_form_is_a_secret_wherever_it_stands(text: str) -> None:
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com:8443/a@b",
        "http://[::1]:80/",
        "a:b@c",
        "/etc/onex/password",
        "Bearer",
        "basics of it",
        "",
    ],
)
def test_a_text_of_another_form_is_none(text: str) -> None:
    assert not looks_secret(text)


@pytest.mark.parametrize(
    "config",
    [
        'dsn: "hunter2"',
        "dsn: 12345",
        'dsn: "${DSN}"',
        'dsn: ["hunter2"]',
        'dsn: {value: "hunter2"}',
        'dsn: {password: "hunter2"}',
        'acquire_timeout_ms: "postgresql://app:hunter2@db"',
    ],
)
def test_a_literal_secret_is_the_only_problem_and_is_not_shown(config: str) -> None:
    handlers = f'[{{type: "http"}}, {{type: "db", config: {{{config}}}}}]'
    loaded = load(runtime_text(handlers=handlers), environment={"DSN": "hunter2"})
    assert [message.split(" in ")[0] for message in messages(loaded)] == ["Literal secret"]
    with pytest.raises(ContractValidationError) as caught:
        loaded.require()
    assert "hunter2" not in str(caught.value)


def test_a_null_secret_is_none() -> None:
    assert load(runtime_text(handlers='[{type: "http"}, {type: "db", config: {dsn: null}}]')).problems == ()


def test_a_secret_that_comes_out_of_a_variable_is_found() -> None:
    handlers = '[{type: "http", config: {base_url: "https://${USERINFO}example.com"}}]'
    loaded = load(runtime_text(handlers=handlers), environment={"USERINFO": "admin:hunter2@"})
    assert messages(loaded) == ["Literal secret in runtime.handlers[0].config.base_url"]
    assert "hunter2" not in loaded.problems[0].render()


def test_a_secret_in_a_config_ref_file_is_found_there() -> None:
    handlers = '[{type: "http", config_ref: "http.yaml"}]'
    loaded = load(
        runtime_text(handlers=handlers), {"http.yaml": "headers:\n  Cookie: hunter2\nbase_url: http://a\n"}
    )
    assert [(p.file, p.line, p.column) for p in loaded.problems] == [("http.yaml", 2, 11)]


def test_a_target_with_a_password_is_found_and_not_shown() -> None:
    node = NODE.replace('["http.get"]', '["http.get"], target: "https://a:hunter2@example.com"')
    loaded = load(runtime_text(), {"nodes/fetch_user.yaml": node})
    assert messages(loaded) == ["Literal secret in io_operations[0].target"]
    assert "hunter2" not in loaded.problems[0].render()


@pytest.mark.parametrize(
    ("written", "instead", "place"),
    [
        ('node_version: "1.0.0"', 'description: "Asks postgresql://u:hunter2@db/x for rows"', "description"),
        ('type: "string"', 'type: "string", default: "https://u:hunter2@h"', "input_model.fields[0].default"),
        ('type: "any"', 'type: "any", description: "amqp://:hunter2@h"', "output_model.fields[0].description"),
    ],
)
def test_a_url_with_a_password_is_found_in_every_text_of_a_node(written: str, instead: str, place: str) -> None:
    node = NODE.replace(written, f"{written}\n{instead}" if place == "description" else instead)
    loaded = load(runtime_text(), {"nodes/fetch_user.yaml": node})
    assert messages(loaded) == [f"Literal secret in {place}"]
    assert "hunter2" not in loaded.problems[0].render()


@pytest.mark.parametrize(
    "text",
    [
        "Asks http://example.com:8080/a@b",
        "https://user@example.com or https://user:@example.com",
        "The password: hunter2, a token=hunter2",
        "https://u:${{input.password}}@example.com",
    ],
)
def test_texts_of_a_node_that_hold_no_url_with_a_password_are_left_alone(text: str) -> None:
    node = f'description: "{text}"\n{NODE}'
    assert load(runtime_text(), {"nodes/fetch_user.yaml": node}).problems == ()


@given(
    field=st.sampled_from(["dsn", "base_url", "headers", "token", "type", "name", "config_ref", "on_open"]),
    wrap=st.sampled_from(["{}", "[{}]", "{{Authorization: {}}}", "{{a: {{b: {}}}}}"]),
    secret=st.sampled_from(['"postgresql://u:hunter2@h/d"', '"Bearer hunter2"']),
    inside=st.booleans(),
)
def test_a_credential_is_never_shown_wherever_it_is_put(field: str, wrap: str, secret: str, inside: bool) -> None:
    entry = f"{field}: {wrap.format(secret)}"
    handler = f'type: "db", config: {{{entry}}}' if inside else f'type: "db", {entry}'
    handlers = f'[{{type: "http"}}, {{{handler}}}]'
    loaded = load(runtime_text(handlers=handlers))
    assert loaded.runtime is None
    assert not any("hunter2" in problem.render() for problem in loaded.problems)
