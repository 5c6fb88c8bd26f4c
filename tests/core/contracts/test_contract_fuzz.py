"""Good contracts, damaged at random: never a traceback, and refused in the file that was damaged."""

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.source import Path, YamlValue

from tests.core.contracts.contracts_on_hand import load

RUNTIME: YamlValue = {
    "schema_version": "1.0.0",
    "runtime": {
        "name": "orders_host",
        "version": "1.0.0",
        "event_bus": {
            "kind": "inmemory",
            "config": {
                "topics": {"input": "onex.acme.orders.cmd.v1", "dead_letter": "onex.acme.orders.error.v1"},
                "max_inflight_envelopes": 50,
                "ordering": "partition",
            },
        },
        "handlers": [
            {
                "type": "http",
                "enabled": True,
                "timeout_ms": 1_000,
                "retry_policy": {"max_retries": 1, "backoff_strategy": "fixed"},
                "circuit_breaker": {"failure_threshold": 3},
                "on_open": "fail",
                "config": {"base_url": "https://api.example.com", "allow": ["https://b.example.com"]},
            },
            {"type": "db", "name": "orders_db", "config": {"dsn": {"secret_ref": "db#dsn"}, "pool_size": 4}},
        ],
        "nodes": [
            {"slug": "fetch_user", "contract": "nodes/fetch_user.yaml", "max_inflight": 10, "timeout_ms": 500}
        ],
    },
}
NODE: YamlValue = {
    "schema_version": "1.0.0",
    "node_version": "1.0.0",
    "name": "fetch_user",
    "node_type": "EFFECT",
    "description": "Fetches a user",
    "input_model": {"name": "ModelRequest", "fields": [{"name": "url", "type": "string", "required": True}]},
    "output_model": {"name": "ModelResponse", "fields": [{"name": "body", "type": "any"}]},
    "models": [{"name": "ModelAddress", "fields": [{"name": "street", "type": "string"}]}],
    "io_operations": [
        {"type": "http", "operations": ["http.get"], "handler": "http", "target": "https://api.example.com"}
    ],
    "dependencies": ["fetch_user"],
    "on_failure": "answer",
}
FILES = {"runtime.yaml": RUNTIME, "nodes/fetch_user.yaml": NODE}

REQUIRED = {
    "runtime.yaml": {
        "runtime", "runtime.name", "runtime.version", "runtime.event_bus", "runtime.event_bus.kind",
        "runtime.handlers", "runtime.handlers.type", "runtime.handlers.config.dsn.secret_ref",
        "runtime.nodes", "runtime.nodes.slug",
    },
    "nodes/fetch_user.yaml": {
        "node_version", "name", "node_type", "input_model", "output_model", "io_operations",
        "io_operations.type", "io_operations.operations", *(
            f"{model}.{field}"
            for model in ("input_model", "output_model", "models")
            for field in ("name", "fields", "fields.name", "fields.type")
        ),
    },
}  # fmt: skip
REPLACEMENTS: list[YamlValue] = [True, 7, 1.5, "text", ["text"], {"text": "text"}]
GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab${}:-/@.", max_size=12)
    | st.sampled_from(["http", "db.query", "EFFECT", "secret_ref", "fetch_user"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


class Place(NamedTuple):
    """A key of one of the good contracts."""

    file: str
    path: Path

    @property
    def name(self) -> str:
        """The path without the indexes of lists."""
        return ".".join(part for part in self.path if isinstance(part, str))


def keys(value: YamlValue, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from keys(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from keys(item, (*path, index))


PLACES = [Place(file, path) for file, value in FILES.items() for path in keys(value)]
Damage = Callable[[str, YamlValue], list[tuple[str, YamlValue]]]


def text_of(value: YamlValue, damaged: Path | None, damage: Damage) -> str:
    """The value as YAML, in which `damage` says what stands in place of the entry at the path `damaged`."""
    if isinstance(value, dict):
        entries = []
        for key, item in value.items():
            if damaged == (key,):
                entries += [
                    f"{json.dumps(name)}: {text_of(content, None, damage)}" for name, content in damage(key, item)
                ]
            else:
                entries.append(f"{json.dumps(key)}: {text_of(item, _below(damaged, key), damage)}")
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(text_of(item, _below(damaged, at), damage) for at, item in enumerate(value)) + "]"
    return json.dumps(value)


def _below(path: Path | None, part: str | int) -> Path | None:
    return path[1:] if path and path[0] == part else None


def load_damaged(place: Place, damage: Damage) -> LoadedContract:
    texts = {
        file: text_of(value, place.path if file == place.file else None, damage) for file, value in FILES.items()
    }
    return load(texts.pop("runtime.yaml"), texts)


def refused_in(loaded: LoadedContract, file: str) -> bool:
    return loaded.runtime is None and any(p.file == file and p.severity == "error" for p in loaded.problems)


def test_the_contracts_are_good_before_they_are_damaged() -> None:
    loaded = load_damaged(PLACES[0], lambda key, value: [(key, value)])
    assert loaded.problems == ()
    assert loaded.runtime is not None


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.file}:{place.name}")
class TestAnEntry:
    def test_left_out_is_refused_where_it_is_required(self, place: Place) -> None:
        loaded = load_damaged(place, lambda key, value: [])
        if place.name in REQUIRED[place.file]:
            assert refused_in(loaded, place.file)
        else:
            assert loaded.problems == ()

    def test_renamed_is_refused(self, place: Place) -> None:
        assert refused_in(load_damaged(place, lambda key, value: [(f"{key}_", value)]), place.file)

    def test_duplicated_is_refused(self, place: Place) -> None:
        loaded = load_damaged(place, lambda key, value: [(key, value), (key, value)])
        assert refused_in(loaded, place.file)
        assert any(problem.message.startswith("Duplicate key") for problem in loaded.problems)

    @pytest.mark.parametrize("replacement", REPLACEMENTS, ids=repr)
    def test_of_another_type_is_refused(self, place: Place, replacement: YamlValue) -> None:
        def damage(key: str, value: YamlValue) -> list[tuple[str, YamlValue]]:
            return [(key, "text in its place" if type(value) is type(replacement) else replacement)]

        loaded = load_damaged(place, damage)
        if place.name != "description":
            assert refused_in(loaded, place.file)


@given(place=st.sampled_from(PLACES), garbage=GARBAGE, key=st.sampled_from([None, "x", "${X}", ""]))
def test_garbage_never_raises_and_every_error_stops_the_contract(
    place: Place, garbage: YamlValue, key: str | None
) -> None:
    loaded = load_damaged(place, lambda name, value: [(name if key is None else key, garbage)])
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    assert (loaded.runtime is None) == bool(errors)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_for_a_file_are_a_problem_and_never_raise(content: bytes) -> None:
    assert load("runtime: {}", {"runtime.yaml": content}).runtime is None
    assert load(json.dumps(RUNTIME), {"nodes/fetch_user.yaml": content}).runtime is None
