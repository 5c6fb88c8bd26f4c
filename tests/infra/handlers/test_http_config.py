"""One validator: a config of the http handler is refused with file and line where its start would refuse it."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_infra.transports.http import HttpTransport

from tests.core.contracts.contracts_on_hand import load, runtime_text

_HOSTS = st.sampled_from(
    ["a.example", "http://a.example", "https://a.example:99999", "http://a.example/x", "http://a.example/?q", ""]
)
_PRIVATE = st.one_of(
    st.sampled_from(["10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8", "::1", "fd00::/8", "intranet", "*", "1.2.3", ""]),
    st.text(alphabet="0123456789./:abx*", max_size=12),
)
_HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "Host", "X Y", "te", "Proxy-X", "X-é", "", "X-A"]),
    st.sampled_from(["plain", "", " before", "a\nb", "café", "a\tb"]),
    max_size=2,
)


def starts(config: dict[str, object]) -> bool:
    """Whether the handler's transport takes the config."""
    try:
        HttpTransport(ModelHttpConfig.model_validate(config), 1.0)
    except ProtocolConfigurationError:
        return False
    return True


@given(
    base_url=st.one_of(st.none(), st.just("http://a.example"), _HOSTS),
    allow=st.lists(_HOSTS, max_size=2),
    allow_private=st.lists(_PRIVATE, max_size=2),
    headers=_HEADERS,
)
@example(base_url=None, allow=[], allow_private=[], headers={"Accept": "plain"})
def test_what_validation_accepts_starts_and_what_it_refuses_would_not(
    base_url: str | None, allow: list[str], allow_private: list[str], headers: dict[str, str]
) -> None:
    config: dict[str, object] = {
        "base_url": base_url,
        "allow": allow,
        "allow_private": allow_private,
        "headers": headers,
    }
    loaded = load(runtime_text(handlers=f"[{{type: http, config: {json.dumps(config)}}}]"))
    assert (loaded.problems == ()) == starts(config)
    assert all(problem.line is not None and problem.column is not None for problem in loaded.problems)


def test_what_a_variable_will_hold_is_not_judged_before_it_is_set() -> None:
    config = '{base_url: "${BASE}", allow: ["${OTHER}"], allow_private: ["${NET}"], headers: {X-A: "${WORD}"}}'
    loaded = load(runtime_text(handlers=f"[{{type: http, config: {config}}}]"), no_environment=True)
    assert {problem.severity for problem in loaded.problems} == {"warning"}


@pytest.mark.parametrize(
    ("name", "value"), [("BASE", "api.example.com"), ("WORD", "a\nb"), ("NET", "10.0.0.0/33")]
)
def test_what_a_variable_holds_is_judged_and_not_shown(name: str, value: str) -> None:
    config = '{base_url: "${BASE}", allow_private: ["${NET}"], headers: {X-A: "${WORD}"}}'
    environment = {"BASE": "http://a.example", "WORD": "a", "NET": "10.0.0.0/8", name: value}
    loaded = load(runtime_text(handlers=f"[{{type: http, config: {config}}}]"), environment=environment)
    [problem] = loaded.problems
    assert value not in problem.message
