"""What a runtime contract becomes, and how its parts are checked."""

from pathlib import Path

import pytest
from omnibase_core.contracts.bindings import ModelCircuitBreaker, ModelHandlerPolicies, ModelRetryPolicy
from omnibase_core.contracts.handler_config import ModelConsulConfig, ModelDbConfig, ModelHttpConfig
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.contracts.load import load_contract
from omnibase_core.contracts.runtime_host import ModelNodeEntry
from omnibase_core.enums import EnumHandlerType
from omnibase_core.errors import ContractValidationError
from omnibase_core.secret import ModelSecretRef

from tests.core.contracts.contracts_on_hand import NODE, load, messages, reader_of, runtime_text
from tools.reference.refusals import folder_reader

CONTRACTS = Path(__file__).parents[3] / "contracts"


def node_named(slug: str) -> str:
    return NODE.replace("fetch_user", slug)


def test_the_minimal_contract_is_valid() -> None:
    loaded = load_contract("minimal/runtime.yaml", folder_reader(CONTRACTS), {})
    contract = loaded.require()
    assert loaded.problems == ()
    assert [handler.type for handler in contract.handlers] == [EnumHandlerType.HTTP, EnumHandlerType.DB]
    assert list(loaded.nodes) == ["user_service_effect"]
    assert loaded.files == ("minimal/runtime.yaml", "minimal/nodes/user_service_effect.yaml")


def test_an_in_memory_bus_has_topics_of_its_own() -> None:
    topics = load(runtime_text()).require().event_bus.topics
    assert topics.input == "onex.local.orders.cmd.v1"
    assert topics.output == "onex.local.orders.evt.v1"
    assert topics.dead_letter == "onex.local.orders.error.v1"


def test_a_topic_that_is_named_stands_beside_the_defaults() -> None:
    bus = '{kind: inmemory, config: {topics: {input: "onex.a.b.cmd.v1", output: null, dead_letter: null}}}'
    topics = load(runtime_text(event_bus=bus)).require().event_bus.topics
    assert topics.model_dump() == {
        "input": "onex.a.b.cmd.v1",
        "output": "onex.local.orders.evt.v1",
        "dead_letter": None,
    }


def test_a_kafka_bus_has_options_of_its_own() -> None:
    bus = (
        '{kind: kafka, config: {bootstrap_servers: "${SERVERS}", consumer_group: orders, ordering: none, '
        "topics: {input: onex.a.b.cmd.v1, output: onex.a.b.evt.v1}, security: {protocol: SSL}}}"
    )
    binding = load(runtime_text(event_bus=bus), environment={"SERVERS": "kafka:9092"}).require().event_bus
    assert binding.kind == "kafka"
    assert binding.ordering == "none"
    assert binding.topics.dead_letter is None
    assert isinstance(binding.options, ModelKafkaOptions)
    assert binding.options.model_dump(exclude_defaults=True) == {
        "bootstrap_servers": "kafka:9092",
        "consumer_group": "orders",
        "client_id": "onex-orders",
        "security": {"protocol": "SSL"},
    }


@pytest.mark.parametrize(
    "bus",
    [
        "{kind: inmemory}",
        "{kind: kafka, config: {bootstrap_servers: 'a:9092', consumer_group: g, "
        "topics: {input: onex.a.b.cmd.v1, output: onex.a.b.evt.v1}}}",
    ],
)
def test_what_is_not_said_of_a_bus_has_the_same_default_for_each_kind(bus: str) -> None:
    binding = load(runtime_text(event_bus=bus)).require().event_bus
    assert (binding.max_inflight_envelopes, binding.pause_consumption_threshold, binding.ordering) == (
        100,
        80,
        "key",
    )
    assert (binding.max_envelope_bytes, binding.circuit_breaker_threshold) == (1_048_576, 5)


def test_what_is_not_said_of_a_handler_has_a_default() -> None:
    binding = load(runtime_text()).require().handlers[0]
    assert (binding.name, binding.enabled, binding.priority, binding.timeout_ms) == ("http", True, 0, 30_000)
    assert binding.retry_policy == ModelRetryPolicy(
        max_retries=3, backoff_strategy="exponential", base_delay_ms=100, max_delay_ms=5_000
    )
    assert binding.circuit_breaker == ModelCircuitBreaker(failure_threshold=5, open_ms=30_000)
    assert (binding.rate_limit_per_second, binding.on_open) == (None, None)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *(("a" * 63, True), ("a-b_2", True), ("a" * 64, False), ("", False)),
        *(("A", False), ("1a", False), ("_a", False), ("a.b", False), ("a b", False), ("é", False)),
    ],
)
def test_a_host_has_a_name_of_this_form(name: str, is_one: bool) -> None:
    assert (load(runtime_text().replace('"orders"', f'"{name}"')).runtime is not None) is is_one


def test_handlers_come_in_order_of_priority_then_as_written() -> None:
    early, late = "priority: -1", "priority: 5"
    handlers = (
        f"[{{type: http, name: late, {late}}}, {{type: http}}, {{type: db, {early}}}, {{type: vault, {late}, "
        f"config: {{address: https://v}}}}]"
    )
    names = [handler.name for handler in load(runtime_text(handlers=handlers)).require().handlers]
    assert names == ["db", "http", "late", "vault"]


def test_each_type_has_its_own_config() -> None:
    handlers = (
        "[{type: http, config: {max_redirects: 2}}, {type: db, config: {dsn: {secret_ref: db#dsn}}}, "
        "{type: consul, config: {address: http://consul, token: {secret_ref: consul}}}]"
    )
    http, db, consul = (handler.config for handler in load(runtime_text(handlers=handlers)).require().handlers)
    assert http == ModelHttpConfig(max_redirects=2)
    assert db == ModelDbConfig(dsn=ModelSecretRef.model_validate({"secret_ref": "db#dsn"}))
    token = ModelSecretRef.model_validate({"secret_ref": "consul"})
    assert consul == ModelConsulConfig(address="http://consul", token=token)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            "address: https://v, approle: {role_id: a, secret_id: {secret_ref: /x}}",
            "Malformed secret_ref in runtime.handlers[1].config.approle.secret_id",
        ),
        ("address: https://v, token: hunter2", "Literal secret in runtime.handlers[1].config.token"),
        ("address: v.example.com", "runtime.handlers[1].config.address is not of the form"),
        ("address: https://v, mount: a//b", "runtime.handlers[1].config.mount has an empty segment"),
        (
            "address: https://v, allow: [a, ../b]",
            "runtime.handlers[1].config.allow[1] has an empty segment, '.' or '..'",
        ),
        ("address: https://v, alow: [a]", "Unknown field 'alow' in runtime.handlers[1].config"),
        ("token: {secret_ref: a}", "Missing required field"),
        (
            "address: https://v, token: {secret_ref: a}, kubernetes: {role: b}",
            "runtime.handlers[1].config has token and kubernetes",
        ),
    ],
)
def test_what_a_vault_config_cannot_say(config: str, said: str) -> None:
    found = messages(load(runtime_text(handlers=f"[{{type: http}}, {{type: vault, config: {{{config}}}}}]")))
    assert len(found) == 1
    assert said in found[0]


def test_config_wins_over_config_ref_field_by_field() -> None:
    handlers = "[{type: http, config_ref: more/http.yaml, config: {max_connections: 7}}]"
    files = {"more/http.yaml": "max_connections: 5\nmax_redirects: 3\nca_file: ${CA}\n"}
    config = (
        load(runtime_text(handlers=handlers), files, environment={"CA": "/ca.pem"}).require().handlers[0].config
    )
    assert config == ModelHttpConfig(max_connections=7, max_redirects=3, ca_file="/ca.pem")


def test_a_config_ref_is_relative_to_the_contracts_folder() -> None:
    files = {
        "deploy/runtime.yaml": runtime_text(handlers="[{type: http, config_ref: http.yaml}]"),
        "deploy/nodes/fetch_user.yaml": NODE,
        "deploy/http.yaml": "max_redirects: 3\n",
    }
    contract = load_contract("deploy/runtime.yaml", reader_of(files), {}).require()
    assert contract.handlers[0].config == ModelHttpConfig(max_redirects=3)


def test_a_policy_in_a_config_ref_file_is_used_with_a_warning_there() -> None:
    handlers = "[{type: http, config_ref: http.yaml}]"
    loaded = load(runtime_text(handlers=handlers), {"http.yaml": "max_redirects: 3\ntimeout_ms: 7\n"})
    assert [(p.file, p.line, p.severity) for p in loaded.problems] == [("http.yaml", 2, "warning")]
    assert loaded.require().handlers[0].timeout_ms == 7


@pytest.mark.parametrize("content", ["5", "[]", "", "a: b: c", "config_ref: other.yaml", "type: http"])
def test_a_config_ref_file_that_is_no_config_is_its_own_problem(content: str) -> None:
    handlers = "[{type: http, config_ref: http.yaml}]"
    loaded = load(runtime_text(handlers=handlers), {"http.yaml": content})
    assert {problem.file for problem in loaded.problems} == {"http.yaml"}


def test_a_policy_inside_config_is_used_with_a_warning() -> None:
    loaded = load(runtime_text(handlers="[{type: http, config: {timeout_ms: 5, retry_policy: {max_retries: 0}}}]"))
    binding = loaded.require().handlers[0]
    assert [problem.severity for problem in loaded.problems] == ["warning", "warning"]
    assert (binding.timeout_ms, binding.retry_policy.max_retries) == (5, 0)


def test_the_policy_beside_config_wins() -> None:
    loaded = load(runtime_text(handlers="[{type: http, timeout_ms: 7, config: {timeout_ms: 5}}]"))
    assert loaded.require().handlers[0].timeout_ms == 7
    assert messages(loaded) == ["'timeout_ms' inside 'config' is deprecated; the one beside 'config' is used"]


def test_a_bad_policy_inside_config_is_reported_where_it_stands() -> None:
    loaded = load(runtime_text(handlers="[{type: http, config: {timeout_ms: soon}}]"))
    assert "runtime.handlers[0].config.timeout_ms must be an integer, not text" in messages(loaded)


def test_a_node_entry_overrides_single_policies() -> None:
    handler = ModelHandlerPolicies(timeout_ms=9, retry_policy=ModelRetryPolicy(max_retries=5, base_delay_ms=7))
    entry = ModelNodeEntry(slug="a", retry_policy=ModelRetryPolicy(max_retries=0))
    policies = entry.policies(handler)
    assert policies.timeout_ms == 9
    assert (policies.retry_policy.max_retries, policies.retry_policy.base_delay_ms) == (0, 7)
    assert ModelNodeEntry(slug="a", timeout_ms=1, on_open="fail").policies(handler).timeout_ms == 1
    assert ModelNodeEntry(slug="a").policies(handler) == handler


def test_a_node_contract_is_found_in_the_nodes_folder_before_the_contracts_own() -> None:
    loaded = load(runtime_text(), {"fetch_user.yaml": "broken: ["})
    assert loaded.files == ("runtime.yaml", "nodes/fetch_user.yaml")


def test_a_node_contract_may_stand_beside_the_runtime_contract() -> None:
    loaded = load_contract(
        "runtime.yaml", reader_of({"runtime.yaml": runtime_text(), "fetch_user.yaml": NODE}), {}
    )
    assert loaded.problems == ()
    assert loaded.files == ("runtime.yaml", "fetch_user.yaml")


def test_paths_are_relative_to_the_contracts_folder_and_absolute_ones_stay() -> None:
    text = runtime_text().replace(
        "nodes: [", "nodes: [{slug: b, contract: ../b.yaml}, {slug: c, contract: /c.yaml}, "
    )
    files = {
        "deploy/runtime.yaml": text,
        "deploy/nodes/fetch_user.yaml": NODE,
        "deploy/../b.yaml": node_named("b"),
        "/c.yaml": node_named("c"),
    }
    loaded = load_contract("deploy/runtime.yaml", lambda path: files[path].encode(), {})
    assert loaded.problems == ()
    assert set(loaded.nodes) == {"b", "c", "fetch_user"}


@pytest.mark.parametrize("slug", ["../secret", "a/b", "A", "", "x" * 64])
def test_a_slug_that_is_no_name_leads_to_no_file(slug: str) -> None:
    loaded = load(runtime_text().replace('"fetch_user"', f'"{slug}"'))
    assert loaded.files == ("runtime.yaml",)
    assert len(loaded.problems) == 1


@pytest.mark.parametrize("version", ["0.1.0", "1.0.0", "1.0.7"])
def test_an_older_version_and_a_newer_patch_are_accepted(version: str) -> None:
    assert load(runtime_text(more=f'schema_version: "{version}"')).problems == ()


def test_a_newer_minor_version_is_accepted_where_every_field_is_known() -> None:
    loaded = load(runtime_text(more='schema_version: "1.9.0"'))
    assert loaded.problems == ()
    assert loaded.require().schema_version == "1.9.0"


def test_a_field_of_a_newer_minor_version_is_refused_in_a_node_contract_too() -> None:
    newer = f'schema_version: "1.9.0"\n{NODE}'
    assert load(runtime_text(), {"nodes/fetch_user.yaml": newer}).problems == ()
    (problem,) = load(runtime_text(), {"nodes/fetch_user.yaml": f"{newer}later: 1\n"}).problems
    assert problem.message == "Unknown field 'later' in the file"
    assert "schema version 1.9.0, newer than this host's" in (problem.hint or "")


@pytest.mark.parametrize("version", ["one", "1", "1.0", "1.0.0.0", "", "v1.0.0"])
def test_another_text_is_no_schema_version(version: str) -> None:
    assert messages(load(runtime_text(more=f'schema_version: "{version}"'))) == [
        f"'{version}' is not a schema version"
    ]


def test_a_contract_of_a_newer_major_version_is_not_looked_at_any_further() -> None:
    loaded = load('schema_version: "3.0.0"\nother: {}\n')
    assert len(loaded.problems) == 1


def test_a_node_contract_of_a_newer_major_version_is_refused() -> None:
    loaded = load(runtime_text(), {"nodes/fetch_user.yaml": f'schema_version: "2.0.0"\n{NODE}'})
    assert loaded.problems[0].file == "nodes/fetch_user.yaml"
    assert loaded.runtime is None


def test_unquoted_numbers_are_no_versions() -> None:
    loaded = load(runtime_text(more="schema_version: 1.0"))
    assert messages(loaded) == ["schema_version must be text, not a number"]


def test_a_lenient_run_accepts_unknown_fields_everywhere() -> None:
    loaded = load(
        runtime_text(handlers="[{type: http, x: 1, config: {y: 2}}]", more="z: 3"),
        {"nodes/fetch_user.yaml": NODE + "w: 4\n"},
        lenient=True,
    )
    assert [problem.severity for problem in loaded.problems] == ["warning"] * 4
    assert loaded.runtime is not None


def test_a_lenient_run_still_refuses_the_mapping_language() -> None:
    assert load(runtime_text(), {"nodes/fetch_user.yaml": NODE + "transform: {}\n"}, lenient=True).runtime is None


def test_local_is_accepted_only_where_the_caller_says_so() -> None:
    node = NODE.replace('type: "http", operations: ["http.get"]', 'type: "local", operations: ["local.echo"]')
    text, files = runtime_text(handlers="[{type: local}]"), {"nodes/fetch_user.yaml": node}
    assert load(text, files, allow_local=True).problems == ()
    assert {(p.file, p.message) for p in load(text, files).problems} == {
        (file, "Handler type 'local' is for development and tests only")
        for file in ("runtime.yaml", "nodes/fetch_user.yaml")
    }


def test_a_disabled_handler_keeps_its_binding_and_its_name() -> None:
    contract = load(runtime_text(handlers="[{type: http}, {type: db, enabled: false}]")).require()
    assert [handler.enabled for handler in contract.handlers] == [True, False]


@pytest.mark.parametrize(
    "config",
    ["base_url: api.example.com", "base_url: ftp://a", "base_url: http://a/?q=1", "allow: [http://a/path]"],
)
def test_urls_of_the_http_handler_are_checked_and_not_shown(config: str) -> None:
    loaded = load(runtime_text(handlers=f"[{{type: http, config: {{{config}}}}}]"))
    assert len(loaded.problems) == 1
    assert loaded.problems[0].message.startswith("runtime.handlers[0].config.")


def test_a_text_with_a_lone_surrogate_is_refused() -> None:
    assert load(runtime_text(handlers='[{type: http, config: {ca_file: "\\uD800"}}]')).runtime is None


def test_problems_in_every_file_are_found_in_one_run() -> None:
    loaded = load(
        runtime_text(handlers="[{type: http, config_ref: http.yaml}, {type: kafka}]"),
        {"http.yaml": "max_connections: 0", "nodes/fetch_user.yaml": NODE.replace("EFFECT", "effect")},
    )
    assert [problem.file for problem in loaded.problems] == ["http.yaml", "nodes/fetch_user.yaml", "runtime.yaml"]


def test_require_raises_with_every_problem() -> None:
    loaded = load(runtime_text(handlers="[{type: kafka}, {type: kafka}]"))
    with pytest.raises(ContractValidationError) as caught:
        loaded.require()
    assert tuple(caught.value.problems) == loaded.problems


def test_anchors_and_aliases_are_allowed() -> None:
    handlers = "[{type: http, retry_policy: &retry {max_retries: 1}}, {type: db, retry_policy: *retry}]"
    contract = load(runtime_text(handlers=handlers)).require()
    assert [handler.retry_policy.max_retries for handler in contract.handlers] == [1, 1]


@pytest.mark.parametrize(
    ("handlers", "hint"),
    [
        ("[{type: http, config: {headers: {A: {secret_rf: x}}}}]", "Did you mean 'secret_ref'?"),
        ("[{type: http, retry_policy: {max_retry: 1}}]", "Did you mean 'max_retries'?"),
        ("[{type: http, circuit_breaker: {open: 1}}]", "Did you mean 'open_ms'?"),
    ],
)
def test_an_unknown_field_at_any_depth_is_compared_with_the_fields_there(handlers: str, hint: str) -> None:
    loaded = load(runtime_text(handlers=handlers))
    assert any((problem.hint or "").startswith(hint) for problem in loaded.problems)


def test_an_unknown_field_of_a_declared_field_is_compared_with_the_fields_there() -> None:
    node = NODE.replace('type: "string"', 'type: "string", requird: false')
    loaded = load(runtime_text(), {"nodes/fetch_user.yaml": node})
    assert (loaded.problems[0].hint or "").startswith("Did you mean 'required'?")


@pytest.mark.parametrize(
    ("traces", "message"),
    [
        ('{endpoint: "collector:4318"}', "runtime.observability.traces.endpoint is not of the form"),
        (
            '{endpoint: "http://c", headers: {Authorization: "x"}}',
            "Literal secret in runtime.observability.traces",
        ),
        ('{endpoint: "http://c", headers: {Host: "x"}}', "runtime.observability.traces.headers.Host is set by"),
        ('{endpoint: "http://c", sample_ratio: 1.1}', "runtime.observability.traces.sample_ratio must be at most"),
        ("{sample_ratio: 1}", "Missing required field 'endpoint'"),
    ],
)
def test_what_traces_would_refuse_at_the_start_is_refused_here(traces: str, message: str) -> None:
    loaded = load(f"{runtime_text()}  observability: {{traces: {traces}}}\n")
    assert [problem.message[: len(message)] for problem in loaded.problems] == [message]
