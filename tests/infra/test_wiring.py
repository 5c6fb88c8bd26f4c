"""Wiring: from a checked contract to a host, with nothing in it that the contract does not ask for."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from omnibase_core.contracts.bindings import ModelBusOptions
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.enums import EnumHandlerType
from omnibase_core.errors import ContractValidationError, ProtocolConfigurationError
from omnibase_core.runtime import ComputeFunction
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts
from omnibase_infra.wiring import BUSES, HANDLERS, build_host

from tests.fakes.hosts import doubled
from tests.infra.cli.programs import NODE, contract_in

RESOLVER = SecretResolver([EnvironmentSecrets({"ONEX_SECRET_A_DSN": "postgresql://u:p@localhost/d"})])
KAFKA = """{kind: "kafka", config: {bootstrap_servers: "nowhere:9092", consumer_group: "orders",
    topics: {input: "onex.acme.orders.cmd.v1", output: "onex.acme.orders.evt.v1"}}}"""
COMPUTE = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "doubler"
node_type: "COMPUTE"
input_model: {name: "ModelIn", fields: [{name: "number", type: "integer"}]}
output_model: {name: "ModelOut", fields: [{name: "double", type: "integer"}]}
"""


class SpyHost(BaseRuntimeHostProcess):
    """Shows what it was made of."""

    def __init__(self, parts: HostParts) -> None:
        super().__init__(parts)
        self.parts = parts


class DoublingHost(SpyHost):
    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"doubler": doubled}


def loaded(
    folder: Path, handlers: str = '[{type: "http"}]', bus: str = '{kind: "inmemory"}', **nodes: str
) -> LoadedContract:
    """A contract on disk with these handlers, loaded."""
    slugs = ", ".join(f'{{slug: "{slug}"}}' for slug in nodes or ["calculator"])
    runtime = (
        'runtime:\n  name: "orders"\n  version: "1.0.0"\n'
        f"  event_bus: {bus}\n  handlers: {handlers}\n  nodes: [{slugs}]\n"
    )
    return load_contract_file(contract_in(folder, runtime, **nodes), {})


def built(contract: LoadedContract, *, host: type[SpyHost] = SpyHost, local: bool = False) -> HostParts:
    """The parts of the contract's host."""
    made = build_host(contract, RESOLVER, host=host, local=local)
    assert isinstance(made, host)
    return made.parts


def test_a_host_has_the_contracts_handlers_by_priority_its_nodes_and_its_name(tmp_path: Path) -> None:
    handlers = (
        '[{type: "http"}, {type: "db", priority: -1, timeout_ms: 700, config: {dsn: {secret_ref: "a/dsn"}}}, '
        '{type: "http", name: "spare", priority: 5}]'
    )
    parts = built(loaded(tmp_path, handlers))
    assert parts.name == parts.group == "orders"
    assert [guard.name for guard, _ in parts.handlers] == ["db", "http", "spare"]
    assert [guard.handler_type for guard, _ in parts.handlers] == [binding.type for _, binding in parts.handlers]
    assert [node.name for node in parts.nodes] == ["calculator"]
    assert parts.binding.topics.input == "onex.local.orders.cmd.v1"
    assert parts.resolver is RESOLVER


def test_a_contract_with_problems_builds_nothing(tmp_path: Path) -> None:
    with pytest.raises(ContractValidationError):
        build_host(loaded(tmp_path, '[{type: "smtp"}]'), RESOLVER)


def test_a_disabled_handler_is_left_out(tmp_path: Path) -> None:
    parts = built(
        loaded(tmp_path, '[{type: "http"}, {type: "vault", enabled: false, config: {address: "https://v"}}]')
    )
    assert [guard.name for guard, _ in parts.handlers] == ["http"]


@pytest.mark.parametrize("kind", ["http", "db", "vault", "consul"])
def test_each_type_has_its_handler_which_opens_nothing_when_it_is_built(tmp_path: Path, kind: str) -> None:
    config = "" if kind in ("http", "db") else ', config: {address: "https://v.example.com"}'
    parts = built(loaded(tmp_path, f'[{{type: "http"}}, {{type: "{kind}", name: "other"{config}}}]'))
    assert parts.handlers[1][0].handler_type == kind


def test_a_kafka_contract_gets_the_kafka_bus_and_its_group(tmp_path: Path) -> None:
    parts = built(loaded(tmp_path, bus=KAFKA))
    assert type(parts.bus).__name__ == "KafkaEventBus"
    assert parts.group == "orders"


def test_local_is_the_in_memory_bus_and_its_own_topics_whatever_the_contract_says(tmp_path: Path) -> None:
    parts = built(loaded(tmp_path, bus=KAFKA), local=True)
    assert parts.binding.kind == "inmemory"
    assert parts.binding.topics.model_dump() == {
        "input": "onex.local.orders.cmd.v1",
        "output": "onex.local.orders.evt.v1",
        "dead_letter": "onex.local.orders.error.v1",
    }
    assert parts.binding.options == ModelBusOptions()
    assert parts.group == "orders"


def test_local_keeps_the_contracts_limits(tmp_path: Path) -> None:
    bus = '{kind: "inmemory", config: {max_inflight_envelopes: 7, ordering: "none", max_envelope_bytes: 5000}}'
    for local in (False, True):
        binding = built(loaded(tmp_path, bus=bus), local=local).binding
        limits = (binding.max_inflight_envelopes, binding.ordering, binding.max_envelope_bytes)
        assert limits == (7, "none", 5000)


def test_a_compute_node_needs_a_host_that_names_its_function(tmp_path: Path) -> None:
    contract = loaded(tmp_path, doubler=COMPUTE)
    with pytest.raises(ProtocolConfigurationError, match=r"--host package\.module:Class"):
        build_host(contract, RESOLVER)
    assert [node.name for node in built(contract, host=DoublingHost).nodes] == ["doubler"]


def test_a_clock_is_handed_to_everything_that_needs_one(tmp_path: Path) -> None:
    clock = Clock(monotonic=lambda: 7.0)
    made = build_host(loaded(tmp_path), RESOLVER, host=SpyHost, clock=clock)
    assert isinstance(made, SpyHost)
    assert made.parts.clock is clock


def test_the_registries_cannot_be_changed_at_run_time() -> None:
    assert set(HANDLERS) == set(EnumHandlerType) - {EnumHandlerType.LOCAL}
    assert set(BUSES) == {"inmemory", "kafka"}
    with pytest.raises(TypeError):
        BUSES["mine"] = BUSES["inmemory"]  # type: ignore[index]  # the point of the test


_IN_A_FRESH_INTERPRETER = """
import sys
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.wiring import build_host
build_host(load_contract_file(sys.argv[1], {}), SecretResolver([]))
print(*sorted(name for name in ("httpx", "asyncpg") if name in sys.modules))
"""


@pytest.mark.parametrize(
    ("handlers", "drivers"),
    [
        ('[{type: "http"}]', ["httpx"]),
        ('[{type: "http"}, {type: "db", config: {dsn: {secret_ref: "a/dsn"}}}]', ["asyncpg", "httpx"]),
        ('[{type: "http"}, {type: "db", enabled: false, config: {dsn: {secret_ref: "a/dsn"}}}]', ["httpx"]),
        ('[{type: "db", config: {dsn: {secret_ref: "a/dsn"}}}]', ["asyncpg"]),
    ],
)
def test_a_driver_is_loaded_only_where_the_contract_configures_it(
    tmp_path: Path, handlers: str, drivers: list[str]
) -> None:
    node = NODE if "http" in handlers else NODE.replace("http.get", "db.query").replace('"http"', '"db"')
    path = contract_in(tmp_path, calculator=node)
    loaded(tmp_path, handlers, calculator=node)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _IN_A_FRESH_INTERPRETER, path],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == drivers


def test_a_contracts_policies_and_a_nodes_own_are_in_the_guard(tmp_path: Path) -> None:
    handlers = '[{type: "http", retry_policy: {max_retries: 7}, circuit_breaker: {failure_threshold: 9}}]'
    entries = '{slug: "calculator", timeout_ms: 40000, max_inflight: 3, circuit_breaker: {open_ms: 50}}'
    runtime = (
        'runtime:\n  name: "orders"\n  version: "1.0.0"\n  event_bus: {kind: "inmemory"}\n'
        f"  handlers: {handlers}\n  nodes: [{entries}]\n"
    )
    parts = built(load_contract_file(contract_in(tmp_path, runtime), {}))
    ((guard, binding),) = parts.handlers
    assert (binding.timeout_ms, parts.limits) == (40_000, {"calculator": 3})
    assert guard.policies_of("anybody").retry_policy.max_retries == 7
    own = guard.policies_of("calculator")
    assert (own.circuit_breaker.failure_threshold, own.circuit_breaker.open_ms) == (9, 50)
    assert (own.retry_policy.max_retries, own.timeout_ms) == (7, 40_000)
    assert guard.policies_of("anybody").timeout_ms == 30_000


@pytest.mark.parametrize(
    ("bus", "written", "holds"),
    [
        ("inmemory", "", "fail"),
        ("inmemory", ', on_open: "pause"', "pause"),
        ("kafka", "", "pause"),
        ("kafka", ', on_open: "fail"', "fail"),
    ],
)
def test_an_open_breaker_pauses_on_kafka_and_fails_in_memory_unless_the_contract_says(
    tmp_path: Path, bus: str, written: str, holds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnibase_infra.wiring.BUSES", {"inmemory": InMemoryEventBus, "kafka": InMemoryEventBus})
    contract = loaded(tmp_path, f'[{{type: "http"{written}}}]', KAFKA if bus == "kafka" else '{kind: "inmemory"}')
    ((guard, _),) = built(contract).handlers
    assert guard.policies_of("calculator").on_open == holds
